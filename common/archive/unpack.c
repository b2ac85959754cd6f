/*
 * unpack.c: the bytes and members of packed files.
 *
 * There are two stages, both optional: a decompressor over the descriptor (zlib for gzip, else
 * libarchive's raw format with one filter and no nesting), and over it an archive reader. For tar
 * that is our own reader, because libarchive accepts a tar truncated between two members and does
 * not give the bytes of hard links; for zip and 7z it is libarchive's. No other formats are
 * enabled: most of libarchive's vulnerabilities were in others, and some filters run programs.
 */
#include "archive/unpack.h"
#include "archive/filter.h"
#include "archive/libarchive.h"
#include "archive/tarread.h"
#include "archive/zipend.h"
#include "base/io.h"
#include "base/json.h"
#include "base/utf8.h"

#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { BLOCK = 1 << 16, TAR_BLOCK = 512, MANIFEST_MAX = 1 << 16 };

struct t5g_unpack {
    int fd;
    char *begun; /* [n_begun] bytes already read, to be used first */
    size_t n_begun, at_begun;
    bool seekable;      /* a regular file, at its start */
    uint64_t file_size; /* of the regular file */
    const char *foreign;
    struct t5g_filter *filter;
    struct t5g_tarread *tar;
    struct t5g_libarchive *archive; /* a zip or 7z */
    char *block;                    /* [BLOCK] input buffer for a tar */
    struct t5g_buf peeked;          /* first bytes from the filter */
    size_t at_peeked;
    uint64_t taken;          /* bytes of members, for zip and 7z */
    uint64_t entries, count; /* of a zip: read so far, and in its central directory */
    bool wide;               /* count is the full number, not its low 16 bits */
    bool zip, in_member, ended;
    size_t members; /* since the last MANIFEST */
    struct t5g_buf member;
    t5g_unpack_note *note;
    void *note_arg;
};

bool
t5g_unpack_known(const void *p, size_t n)
{
    return t5g_packing_of(p, n) != T5G_PLAIN;
}

/* ---- bytes ---- */

/* Some bytes of the descriptor, after those already read. */
static int
read_fd(void *arg, void *buf, size_t n, size_t *got, struct t5g_err *e)
{
    struct t5g_unpack *u = arg;
    if (u->at_begun == u->n_begun)
        return t5g_read_some(u->fd, "input", buf, n, got, e);
    *got = t5g_min(n, u->n_begun - u->at_begun);
    memcpy(buf, u->begun + u->at_begun, *got);
    u->at_begun += *got;
    return 0;
}

/* Some bytes from the decompressor, or from the descriptor if there is none. */
static int
read_bytes(struct t5g_unpack *u, void *buf, size_t n, size_t *got, struct t5g_err *e)
{
    if (u->at_peeked < u->peeked.n) {
        *got = t5g_min(n, u->peeked.n - u->at_peeked);
        memcpy(buf, u->peeked.p + u->at_peeked, *got);
        u->at_peeked += *got;
        return 0;
    }
    return u->filter != NULL ? t5g_filter_read(u->filter, buf, n, got, e)
                             : read_fd(u, buf, n, got, e);
}

/* For a tar. */
static int
fill_block(void *arg, const void **p, size_t *n, struct t5g_err *e)
{
    struct t5g_unpack *u = arg;
    *p = u->block;
    return read_bytes(u, u->block, BLOCK, n, e);
}

/* ---- opening ---- */

/* Whether the first bytes of a pipe may be a tar's: a name of up to 100 bytes, then zeros. */
static bool
may_be_tar(const char *p, size_t n)
{
    const char *zero = memchr(p, 0, n);
    size_t i = zero != NULL ? (size_t)(zero - p) : n;
    if (zero == NULL)
        return false; /* text, perhaps typed: a tar arrives in large blocks */
    while (i < n && i < 100 && p[i] == 0)
        i++;
    return i == n || i >= 100;
}

/* Read the first bytes: enough to recognise a tar, but without waiting for more of a text. */
static int
look(struct t5g_unpack *u, struct t5g_err *e)
{
    struct stat st;
    u->begun = t5g_alloc(T5G_PACKING_LOOK, 1);
    if (fstat(u->fd, &st) == 0 && S_ISREG(st.st_mode) && lseek(u->fd, 0, SEEK_CUR) == 0) {
        ssize_t n = pread(u->fd, u->begun, T5G_PACKING_LOOK, 0);
        u->seekable = n >= 0;
        u->file_size = (uint64_t)st.st_size;
        u->n_begun = n > 0 ? (size_t)n : 0;
        return 0;
    }
    for (size_t got = 1; got > 0 && u->n_begun < T5G_PACKING_LOOK; u->n_begun += got) {
        if (u->n_begun > 0 && !may_be_tar(u->begun, u->n_begun) &&
            !t5g_packing_begun((unsigned char *)u->begun, u->n_begun))
            break;
        if (u->n_begun >= TAR_BLOCK && u->begun[0] != 0)
            break; /* only an empty tar needs more bytes */
        if (u->n_begun >= 4 && memcmp(u->begun, "\x89T5G", 4) == 0)
            break; /* a t5g stream, perhaps still being written */
        if (t5g_read_some(u->fd, "input", u->begun + u->n_begun, T5G_PACKING_LOOK - u->n_begun,
                          &got, e) < 0)
            return -1;
    }
    return 0;
}

/* Open the decompressor and read its first bytes. */
static int
open_filter(struct t5g_unpack *u, enum t5g_packing what, struct t5g_err *e)
{
    if ((u->filter = t5g_filter_open(read_fd, u, what, e)) == NULL)
        return -1;
    for (size_t got = 1; got > 0 && u->peeked.n < T5G_PACKING_LOOK;) {
        char some[T5G_PACKING_LOOK];
        if (t5g_filter_read(u->filter, some, sizeof some - u->peeked.n, &got, e) < 0)
            return -1;
        t5g_buf_add(&u->peeked, some, got);
    }
    return 0;
}

static int
open_zip_or_7z(struct t5g_unpack *u, enum t5g_packing what, struct t5g_err *e)
{
    /* A zip's central directory is at its end; without it, lost members would go unnoticed. */
    if (!u->seekable)
        return t5g_err_set(e, T5G_EX_DATA, "a %s archive needs a regular file",
                           what == T5G_ZIP ? "zip" : "7z");
    u->zip = what == T5G_ZIP;
    if (u->zip && t5g_zipend_count(u->fd, u->file_size, &u->count, &u->wide, e) < 0)
        return -1;
    return (u->archive = t5g_libarchive_open(u->fd, u->zip, e)) != NULL ? 0 : -1;
}

static int
open_archive(struct t5g_unpack *u, enum t5g_packing what, struct t5g_err *e)
{
    if (what == T5G_TAR_DAMAGED)
        return t5g_err_set(e, T5G_EX_DATA, "damaged: the checksum of the first header differs");
    if (what != T5G_TAR)
        return open_zip_or_7z(u, what, e);
    u->block = t5g_alloc_raw(BLOCK, 1);
    u->tar = t5g_tarread_open(u->filter == NULL && u->seekable ? u->fd : -1, fill_block, u);
    return 0;
}

/* A self-extracting archive: a program or script followed by a zip. */
static bool
unpacks_itself(const struct t5g_unpack *u)
{
    uint64_t count = 0;
    bool wide;
    bool program =
        u->n_begun >= 4 && (memcmp(u->begun, "MZ", 2) == 0 || memcmp(u->begun, "#!", 2) == 0 ||
                            memcmp(u->begun,
                                   "\x7f"
                                   "ELF",
                                   4) == 0);
    return program && u->seekable &&
           t5g_zipend_count(u->fd, u->file_size, &count, &wide, NULL) == 0 && count > 0;
}

/* Find out how the file is packed, and open the stages for it. */
static int
open_stages(struct t5g_unpack *u, struct t5g_err *e)
{
    if (look(u, e) < 0)
        return -1;
    enum t5g_packing what = t5g_packing_of((unsigned char *)u->begun, u->n_begun);
    u->foreign = t5g_packing_foreign((unsigned char *)u->begun, u->n_begun);
    if (what == T5G_PLAIN && unpacks_itself(u))
        what = T5G_ZIP;
    if (u->seekable) /* pread did not consume those bytes */
        u->n_begun = 0;
    if (what == T5G_PLAIN)
        return 0;
    if (!t5g_packing_compressed(what))
        return open_archive(u, what, e);
    if (open_filter(u, what, e) < 0)
        return -1;
    what = t5g_packing_of((unsigned char *)u->peeked.p, u->peeked.n);
    u->foreign = t5g_packing_foreign((unsigned char *)u->peeked.p, u->peeked.n);
    if (t5g_packing_compressed(what))
        return t5g_err_set(e, T5G_EX_DATA, "compressed more than once");
    if (what == T5G_ZIP || what == T5G_SEVEN)
        return t5g_err_set(e, T5G_EX_DATA, "a zip or 7z archive inside a compressed file");
    return what == T5G_PLAIN ? 0 : open_archive(u, what, e);
}

struct t5g_unpack *
t5g_unpack_open(int fd, struct t5g_err *e)
{
    struct t5g_unpack *u = t5g_alloc(1, sizeof *u);
    u->fd = fd;
    if (open_stages(u, e) == 0)
        return u;
    t5g_unpack_close(u);
    return NULL;
}

void
t5g_unpack_close(struct t5g_unpack *u)
{
    if (u == NULL)
        return;
    t5g_libarchive_close(u->archive);
    t5g_tarread_close(u->tar);
    t5g_filter_close(u->filter);
    t5g_free(u->begun);
    t5g_free(u->block);
    t5g_buf_free(&u->peeked);
    t5g_buf_free(&u->member);
    t5g_free(u);
}

bool
t5g_unpack_is_archive(const struct t5g_unpack *u)
{
    return u->archive != NULL || u->tar != NULL;
}

bool
t5g_unpack_is_plain(const struct t5g_unpack *u)
{
    return u->filter == NULL && !t5g_unpack_is_archive(u);
}

const char *
t5g_unpack_foreign(const struct t5g_unpack *u)
{
    return u->foreign;
}

void
t5g_unpack_set_note(struct t5g_unpack *u, t5g_unpack_note *note, void *arg)
{
    u->note = note;
    u->note_arg = arg;
}

/* ---- members ---- */

/* A name over the limit is truncated. */
static void
set_name(struct t5g_unpack *u, const char *s, struct t5g_member *m)
{
    size_t n = s != NULL ? strlen(s) : 0, i = 0;
    bool good = t5g_utf8_check(s != NULL ? s : "", n) == n;
    u->member.n = 0;
    t5g_buf_adds(&u->member, "");
    for (; i < n && u->member.n < T5G_UNPACK_NAME_MAX; i++)
        if (good || (unsigned char)s[i] < 0x80)
            t5g_buf_addc(&u->member, s[i]);
        else
            t5g_buf_printf(&u->member, "%%%02X", (unsigned char)s[i]);
    while (u->member.n > 0 && t5g_utf8_check(u->member.p, u->member.n) < u->member.n)
        u->member.p[--u->member.n] = '\0'; /* cut inside a character */
    *m = (struct t5g_member){u->member.p, u->member.n, i < n};
}

/* Note a member that is skipped. */
static void
note_skipped(struct t5g_unpack *u, const char *name, const char *why)
{
    struct t5g_member m;
    set_name(u, name, &m);
    if (u->note != NULL)
        u->note(u->note_arg, m.name, why);
}

/* Only the MANIFEST reveals that a tar lost whole members. A file of that name with other contents
 * is skipped. */
static int
check_manifest(struct t5g_unpack *u, struct t5g_err *e)
{
    struct t5g_buf text = {0};
    struct t5g_err why = {0};
    int64_t want;
    int r = t5g_unpack_read_all(u, MANIFEST_MAX, &text, &why);
    struct t5g_json *j = r == 0 && text.n > 0 ? t5g_json_parse(text.p, text.n, "", NULL) : NULL;
    bool ours = t5g_json_int(t5g_json_get(j, "members"), 0, INT64_C(1) << 53, &want);
    t5g_json_free(j);
    t5g_buf_free(&text);
    if (r < 0) {
        *e = why;
        return -1;
    }
    size_t members = u->members;
    u->members = ours ? 0 : members + 1;
    if (!ours)
        note_skipped(u, "MANIFEST", "does not give the number of members");
    if (ours && (uint64_t)want != members)
        return t5g_err_set(e, T5G_EX_DATA, "%zu members, its MANIFEST says %lld", members,
                           (long long)want);
    return 0;
}

/* Whether name is MANIFEST or ./MANIFEST. */
static bool
is_manifest(const char *name)
{
    while (name != NULL && strncmp(name, "./", 2) == 0)
        name += 2;
    return name != NULL && strcmp(name, "MANIFEST") == 0;
}

/* The next member that is a file: 1 with its name, 0 at the end, -1 with e. */
static int
next_of_tar(struct t5g_unpack *u, const char **name, struct t5g_err *e)
{
    struct t5g_untar_member m;
    int r;
    while ((r = t5g_tarread_next(u->tar, u->filter != NULL ? t5g_filter_taken(u->filter) : 0, &m,
                                 e)) == 1 &&
           m.type != T5G_UNTAR_FILE)
        note_skipped(u, m.name, m.kind);
    *name = m.name;
    const char *warning = r == 0 ? t5g_tarread_warning(u->tar) : NULL;
    if (warning != NULL && u->note != NULL)
        u->note(u->note_arg, NULL, warning);
    return r;
}

static int
next_of_zip_or_7z(struct t5g_unpack *u, const char **name, struct t5g_err *e)
{
    enum t5g_libarchive_type type;
    int r;
    for (; (r = t5g_libarchive_next(u->archive, name, &type, e)) == 1; u->entries++) {
        if (type == T5G_LIBARCHIVE_FILE) {
            u->entries++;
            return 1;
        }
        if (type != T5G_LIBARCHIVE_FOLDER)
            note_skipped(u, *name,
                         type == T5G_LIBARCHIVE_LINK ? "a symbolic link" : "not a regular file");
    }
    if (r == 0 && u->zip && (u->wide ? u->entries : u->entries & 0xffff) != u->count)
        return t5g_err_set(e, T5G_EX_DATA, "damaged: %llu members found, its list has %llu",
                           (unsigned long long)u->entries, (unsigned long long)u->count);
    return r;
}

int
t5g_unpack_next(struct t5g_unpack *u, struct t5g_member *m, struct t5g_err *e)
{
    u->in_member = false;
    while (!u->ended) {
        const char *name = NULL;
        int r = u->tar != NULL ? next_of_tar(u, &name, e) : next_of_zip_or_7z(u, &name, e);
        if (r < 0)
            return -1;
        u->ended = r == 0;
        if (u->ended)
            break;
        u->in_member = true;
        if (is_manifest(name)) {
            if (check_manifest(u, e) < 0)
                return -1;
            continue;
        }
        u->members++;
        set_name(u, name, m);
        return 1;
    }
    return 0;
}

int
t5g_unpack_read(struct t5g_unpack *u, void *buf, size_t n, size_t *got, struct t5g_err *e)
{
    *got = 0;
    if (!t5g_unpack_is_archive(u))
        return read_bytes(u, buf, n, got, e);
    if (!u->in_member)
        return 0;
    int r = u->tar != NULL ? t5g_tarread_read(u->tar, buf, n, got, e)
                           : t5g_libarchive_read(u->archive, buf, n, got, e);
    u->in_member = r == 0;
    if (r != 0 || u->tar != NULL)
        return r;
    u->taken += *got;
    if (u->taken > (1 << 20) && u->taken / T5G_FILTER_RATIO > u->file_size)
        return t5g_err_set(e, T5G_EX_DATA, "expands more than %d times", T5G_FILTER_RATIO);
    return 0;
}

int
t5g_unpack_read_all(struct t5g_unpack *u, size_t limit, struct t5g_buf *b, struct t5g_err *e)
{
    size_t got, room = limit;
    for (;;) {
        t5g_buf_reserve(b, t5g_min(BLOCK, room + 1));
        int r = t5g_unpack_read(u, b->p + b->n, t5g_min(BLOCK, room + 1), &got, e);
        if (r != 0 || got == 0)
            return r;
        if (got > room) {
            t5g_err_set(e, T5G_EX_DATA, "more than %zu bytes", limit);
            return 1;
        }
        b->n += got;
        b->p[b->n] = '\0';
        room -= got;
    }
}
