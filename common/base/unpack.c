/*
 * unpack.c: bytes and members of packed files, by libarchive.
 *
 * Two stages, each there when it is needed: a decompressor (libarchive's raw format, one filter and
 * no nesting; gzip by zlib) over the descriptor, and an archive reader over what that gives. The
 * archive reader's own look at filters is not used, so that the end of a tar can be watched:
 * libarchive takes a tar cut between two members for a whole one. Only the formats named here are
 * ever switched on; most of libarchive's faults were in others, and some filters run external
 * programs.
 */
#include "base/unpack.h"
#include "base/gunzip.h"
#include "base/io.h"
#include "base/json.h"
#include "base/libarchive.h"
#include "base/packing.h"
#include "base/utf8.h"

#include <errno.h>
#include <locale.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { BLOCK = 1 << 16, TAR_BLOCK = 512, MANIFEST_MAX = 1 << 16 };

struct t5g_unpack {
    int fd;
    char *begun; /* [n_begun] bytes looked at, to be read first */
    size_t n_begun, at_begun;
    bool seekable;      /* a regular file, from its start */
    uint64_t file_size; /* of that */
    struct t5g_gunzip *gunzip;
    struct archive *filter, *archive;
    char *raw, *block;     /* [BLOCK] each: what the two stages read */
    struct t5g_buf peeked; /* first bytes behind the filter */
    size_t at_peeked;
    uint64_t in, out; /* bytes before and behind decompression */
    uint64_t taken;   /* of members */
    size_t zeros;     /* that a tar ends with so far, 2 * TAR_BLOCK at most */
    bool tar, in_member, ended;
    size_t skipped, members; /* members: since the last MANIFEST */
    struct t5g_buf member;
    struct t5g_err err; /* of a read inside libarchive; code 0: none */
};

bool
t5g_unpack_known(const void *p, size_t n)
{
    return t5g_packing_of(p, n) != T5G_PLAIN;
}

/* ---- bytes ---- */

/* Some bytes of the descriptor, after those already looked at. */
static int
read_fd(struct t5g_unpack *u, void *buf, size_t n, size_t *got, struct t5g_err *e)
{
    if (u->at_begun == u->n_begun)
        return t5g_read_some(u->fd, "input", buf, n, got, e);
    *got = t5g_min(n, u->n_begun - u->at_begun);
    memcpy(buf, u->begun + u->at_begun, *got);
    u->at_begun += *got;
    return 0;
}

/* For a decompressor: a block of the descriptor. */
static int
read_block(void *arg, const void **p, size_t *n, struct t5g_err *e)
{
    struct t5g_unpack *u = arg;
    *p = u->raw;
    if (read_fd(u, u->raw, BLOCK, n, e) < 0)
        return -1;
    u->in += *n;
    return 0;
}

/* The same for libarchive. */
static la_ssize_t
feed_filter(struct archive *a, void *arg, const void **p)
{
    struct t5g_unpack *u = arg;
    size_t got;
    if (read_block(u, p, &got, &u->err) == 0)
        return (la_ssize_t)got;
    t5g_la.archive_set_error(a, EIO, "read error");
    return -1;
}

/* libarchive's reason, or that of the read inside it. */
static int
fault(struct t5g_unpack *u, struct archive *a, struct t5g_err *e)
{
    if (u->err.code != 0) {
        if (e != NULL)
            *e = u->err;
        return -1;
    }
    const char *why = t5g_la.archive_error_string(a);
    return t5g_err_set(e, T5G_EX_DATA, "%s", why != NULL ? why : "damaged");
}

static int
check_ratio(uint64_t out, uint64_t in, struct t5g_err *e)
{
    if (out > (1 << 20) && out / T5G_UNPACK_RATIO > in)
        return t5g_err_set(e, T5G_EX_DATA, "expands more than %d times", T5G_UNPACK_RATIO);
    return 0;
}

/* Some bytes behind the decompressor, or of the descriptor where there is none. */
static int
read_bytes(struct t5g_unpack *u, void *buf, size_t n, size_t *got, struct t5g_err *e)
{
    if (u->at_peeked < u->peeked.n) {
        *got = t5g_min(n, u->peeked.n - u->at_peeked);
        memcpy(buf, u->peeked.p + u->at_peeked, *got);
        u->at_peeked += *got;
        return 0;
    }
    if (u->filter == NULL && u->gunzip == NULL)
        return read_fd(u, buf, n, got, e);
    if (u->gunzip != NULL) {
        if (t5g_gunzip_read(u->gunzip, buf, n, got, e) < 0)
            return -1;
    } else {
        la_ssize_t r = t5g_la.archive_read_data(u->filter, buf, n);
        if (r < 0)
            return fault(u, u->filter, e);
        *got = (size_t)r;
    }
    u->out += *got;
    return check_ratio(u->out, u->in, e);
}

/* For libarchive: a block of the archive. */
static la_ssize_t
feed_archive(struct archive *a, void *arg, const void **p)
{
    struct t5g_unpack *u = arg;
    size_t got, last = 0;
    *p = u->block;
    if (read_bytes(u, u->block, BLOCK, &got, &u->err) < 0) {
        t5g_la.archive_set_error(a, EIO, "read error");
        return -1;
    }
    while (last < got && last < 2 * TAR_BLOCK && u->block[got - 1 - last] == 0)
        last++;
    u->zeros = last == got ? t5g_min(u->zeros + got, 2 * TAR_BLOCK) : last;
    return (la_ssize_t)got;
}

/* ---- opening ---- */

/* These first bytes of a pipe may be those of a tar: a name of up to 100 bytes and zeros. */
static bool
may_be_tar(const char *p, size_t n)
{
    const char *zero = memchr(p, 0, n);
    size_t i = zero != NULL ? (size_t)(zero - p) : n;
    if (zero == NULL)
        return false; /* text, perhaps typed: a tar comes in large blocks */
    while (i < n && i < 100 && p[i] == 0)
        i++;
    return i == n || i >= 100;
}

/* Look at the first bytes: enough to know a tar, but not more than is there where it is a text. */
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
            break; /* only an empty tar needs more to be known */
        if (u->n_begun >= 4 && memcmp(u->begun, "\x89T5G", 4) == 0)
            break; /* a stream, perhaps alive */
        if (t5g_read_some(u->fd, "input", u->begun + u->n_begun, T5G_PACKING_LOOK - u->n_begun,
                          &got, e) < 0)
            return -1;
    }
    return 0;
}

static int
open_libarchive_filter(struct t5g_unpack *u, struct t5g_err *e)
{
    struct archive *a;
    struct archive_entry *entry;
    if (t5g_libarchive_load(e) < 0)
        return -1;
    if ((a = u->filter = t5g_la.archive_read_new()) == NULL)
        return t5g_err_set(e, T5G_EX_OS, "out of memory");
    t5g_la.archive_read_support_filter_bzip2(a);
    t5g_la.archive_read_support_filter_xz(a);
    t5g_la.archive_read_support_filter_zstd(a);
    t5g_la.archive_read_support_filter_lz4(a);
    t5g_la.archive_read_support_format_raw(a);
    t5g_la.archive_read_support_format_empty(a);
    if (t5g_la.archive_read_open(a, u, NULL, feed_filter, NULL) != ARCHIVE_OK)
        return fault(u, a, e);
    int r = t5g_la.archive_read_next_header(a, &entry);
    if (t5g_la.archive_filter_count(a) > 2)
        return t5g_err_set(e, T5G_EX_DATA, "compressed more than once");
    /* At the end at once: nothing was compressed. */
    return r == ARCHIVE_OK || r == ARCHIVE_WARN || r == ARCHIVE_EOF ? 0 : fault(u, a, e);
}

/* The decompressor, and a look at what comes out of it. */
static int
open_filter(struct t5g_unpack *u, enum t5g_packing what, struct t5g_err *e)
{
    u->raw = t5g_alloc_raw(BLOCK, 1);
    if (what == T5G_GZIP)
        u->gunzip = t5g_gunzip_open(read_block, u, e);
    if (what == T5G_GZIP ? u->gunzip == NULL : open_libarchive_filter(u, e) < 0)
        return -1;
    for (size_t got = 1; got > 0 && u->peeked.n < T5G_PACKING_LOOK;) {
        char some[T5G_PACKING_LOOK];
        if (read_bytes(u, some, sizeof some - u->peeked.n, &got, e) < 0)
            return -1;
        t5g_buf_add(&u->peeked, some, got);
        u->at_peeked = u->peeked.n;
    }
    u->at_peeked = 0;
    return 0;
}

static int
open_archive(struct t5g_unpack *u, enum t5g_packing what, struct t5g_err *e)
{
    struct archive *a;
    if (what == T5G_TAR_DAMAGED)
        return t5g_err_set(e, T5G_EX_DATA, "damaged: the checksum of the first header differs");
    /* A zip's list of members stands at its end; without it a damaged one would lose some. */
    if (what != T5G_TAR && !u->seekable)
        return t5g_err_set(e, T5G_EX_DATA, "a %s archive needs a regular file",
                           what == T5G_ZIP ? "zip" : "7z");
    if (t5g_libarchive_load(e) < 0)
        return -1;
    if ((a = u->archive = t5g_la.archive_read_new()) == NULL)
        return t5g_err_set(e, T5G_EX_OS, "out of memory");
    /* Names in UTF-8: libarchive converts by the locale, and gives NULL in "C". */
    static locale_t utf8;
    if (utf8 == (locale_t)0)
        utf8 = newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0);
    if (utf8 != (locale_t)0)
        uselocale(utf8);
    u->tar = what == T5G_TAR;
    int r;
    if (u->tar) {
        t5g_la.archive_read_support_format_tar(a);
        t5g_la.archive_read_set_format_option(a, "tar", "read_concatenated_archives", "1");
        u->block = t5g_alloc_raw(BLOCK, 1);
        r = t5g_la.archive_read_open(a, u, NULL, feed_archive, NULL);
    } else {
        if (what == T5G_ZIP)
            t5g_la.archive_read_support_format_zip(a);
        else
            t5g_la.archive_read_support_format_7zip(a);
        r = t5g_la.archive_read_open_fd(a, u->fd, BLOCK);
    }
    return r == ARCHIVE_OK ? 0 : fault(u, a, e);
}

/* Know what it is and open what that needs. */
static int
open_stages(struct t5g_unpack *u, struct t5g_err *e)
{
    if (look(u, e) < 0)
        return -1;
    enum t5g_packing what = t5g_packing_of((unsigned char *)u->begun, u->n_begun);
    if (u->seekable) /* those bytes were not taken */
        u->n_begun = 0;
    if (what == T5G_PLAIN)
        return 0;
    if (what != T5G_GZIP && what != T5G_COMPRESSED)
        return open_archive(u, what, e);
    if (open_filter(u, what, e) < 0)
        return -1;
    what = t5g_packing_of((unsigned char *)u->peeked.p, u->peeked.n);
    if (what == T5G_GZIP || what == T5G_COMPRESSED)
        return t5g_err_set(e, T5G_EX_DATA, "compressed more than once");
    if (what == T5G_ZIP || what == T5G_SEVEN)
        return t5g_err_set(e, T5G_EX_DATA, "an archive that is compressed itself");
    return what == T5G_PLAIN ? 0 : open_archive(u, what, e);
}

struct t5g_unpack *
t5g_unpack_open(int fd, struct t5g_err *e)
{
    struct t5g_unpack *u = t5g_alloc(1, sizeof *u);
    u->fd = fd;
    u->zeros = 2 * TAR_BLOCK;
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
    if (u->archive != NULL)
        t5g_la.archive_read_free(u->archive);
    if (u->filter != NULL)
        t5g_la.archive_read_free(u->filter);
    t5g_gunzip_close(u->gunzip);
    t5g_free(u->begun);
    t5g_free(u->raw);
    t5g_free(u->block);
    t5g_buf_free(&u->peeked);
    t5g_buf_free(&u->member);
    t5g_free(u);
}

bool
t5g_unpack_is_archive(const struct t5g_unpack *u)
{
    return u->archive != NULL;
}

bool
t5g_unpack_is_plain(const struct t5g_unpack *u)
{
    return u->archive == NULL && u->filter == NULL && u->gunzip == NULL;
}

size_t
t5g_unpack_skipped(const struct t5g_unpack *u)
{
    return u->skipped;
}

/* ---- members ---- */

/* Of a name over the limit: as much of it as fits. */
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

/* A tar that lost a member at a boundary inside is known by its MANIFEST alone. Another file of
 * that name is passed over. */
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
    u->skipped += !ours;
    if (ours && (uint64_t)want != members)
        return t5g_err_set(e, T5G_EX_DATA, "%zu members, its MANIFEST says %lld", members,
                           (long long)want);
    return 0;
}

/* name is MANIFEST, or ./MANIFEST. */
static bool
is_manifest(const char *name)
{
    while (name != NULL && strncmp(name, "./", 2) == 0)
        name += 2;
    return name != NULL && strcmp(name, "MANIFEST") == 0;
}

int
t5g_unpack_next(struct t5g_unpack *u, struct t5g_member *m, struct t5g_err *e)
{
    struct archive_entry *entry;
    u->in_member = false;
    while (!u->ended) {
        int r = t5g_la.archive_read_next_header(u->archive, &entry);
        if (r == ARCHIVE_EOF && u->tar && u->zeros < 2 * TAR_BLOCK)
            return t5g_err_set(e, T5G_EX_DATA, "cut: the end-of-archive blocks are missing");
        u->ended = r == ARCHIVE_EOF;
        if (u->ended)
            break;
        /* RETRY: it could go on behind a damaged header, but nobody would know what was lost. */
        if (r == ARCHIVE_FATAL || r == ARCHIVE_RETRY)
            return fault(u, u->archive, e);
        /* ARCHIVE_WARN and ARCHIVE_FAILED are this member's: reading it will tell. */
        if (t5g_la.archive_entry_filetype(entry) != AE_IFREG ||
            t5g_la.archive_entry_hardlink(entry) != NULL) {
            u->skipped += t5g_la.archive_entry_filetype(entry) != AE_IFDIR;
            continue;
        }
        const char *name = t5g_la.archive_entry_pathname(entry);
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
    if (u->archive == NULL)
        return read_bytes(u, buf, n, got, e);
    if (!u->in_member)
        return 0;
    la_ssize_t r = t5g_la.archive_read_data(u->archive, buf, n);
    if (r >= 0) {
        *got = (size_t)r;
        u->taken += *got;
        return u->tar ? 0 : check_ratio(u->taken, u->file_size, e); /* a tar's bytes are counted */
    }
    u->in_member = false;
    fault(u, u->archive, e);
    return r == ARCHIVE_FATAL || u->err.code != 0 ? -1 : 1;
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
