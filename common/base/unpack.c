/*
 * unpack.c: bytes and members of packed files, by libarchive (p_ stands before its functions).
 *
 * Two stages, each there when it is needed: a decompressor (libarchive's raw format, one filter and
 * no nesting) over the descriptor, and an archive reader over what that gives. The archive reader's
 * own look at filters is not used, so that the end of a tar can be watched: libarchive takes a tar
 * cut between two members for a whole one. Only the formats named here are ever switched on; most
 * of libarchive's faults were in others, and some filters run external programs.
 */
#include "base/unpack.h"
#include "base/io.h"
#include "base/json.h"
#include "base/utf8.h"

#include <archive.h>
#include <archive_entry.h>
#include <dlfcn.h>
#include <errno.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/*
 * libarchive is loaded when a packed file is met: with its own libraries (XML, cryptography) it
 * would take 1.6 ms of every start of every program.
 */
#define FUNCTIONS(X)                     \
    X(archive_entry_filetype)            \
    X(archive_entry_free)                \
    X(archive_entry_hardlink)            \
    X(archive_entry_new)                 \
    X(archive_entry_pathname)            \
    X(archive_entry_set_filetype)        \
    X(archive_entry_set_mtime)           \
    X(archive_entry_set_pathname)        \
    X(archive_entry_set_perm)            \
    X(archive_entry_set_size)            \
    X(archive_error_string)              \
    X(archive_filter_count)              \
    X(archive_read_data)                 \
    X(archive_read_free)                 \
    X(archive_read_new)                  \
    X(archive_read_next_header)          \
    X(archive_read_open)                 \
    X(archive_read_open_fd)              \
    X(archive_read_set_format_option)    \
    X(archive_read_support_filter_bzip2) \
    X(archive_read_support_filter_gzip)  \
    X(archive_read_support_filter_lz4)   \
    X(archive_read_support_filter_xz)    \
    X(archive_read_support_filter_zstd)  \
    X(archive_read_support_format_7zip)  \
    X(archive_read_support_format_empty) \
    X(archive_read_support_format_raw)   \
    X(archive_read_support_format_tar)   \
    X(archive_read_support_format_zip)   \
    X(archive_set_error)                 \
    X(archive_write_add_filter_none)     \
    X(archive_write_close)               \
    X(archive_write_data)                \
    X(archive_write_free)                \
    X(archive_write_header)              \
    X(archive_write_new)                 \
    X(archive_write_open_fd)             \
    X(archive_write_set_format_pax_restricted)

#define POINTER(name) static __typeof__(&name) p_##name;
FUNCTIONS(POINTER)

static int
load(struct t5g_err *e)
{
    static void *library;
    if (library != NULL)
        return 0;
    if ((library = dlopen("libarchive.so.13", RTLD_NOW | RTLD_LOCAL)) == NULL)
        return t5g_err_set(e, T5G_EX_UNAVAIL, "packed files need libarchive: %s", dlerror());
#define FIND(name)                                                                            \
    {                                                                                         \
        void *p = dlsym(library, #name);                                                      \
        if (p == NULL)                                                                        \
            return t5g_err_set(e, T5G_EX_UNAVAIL, "libarchive is too old: no %s", #name);     \
        memcpy(&p_##name, &p, sizeof p); /* ISO C has no cast from an object to a function */ \
    }
    FUNCTIONS(FIND)
    return 0;
}

enum { BLOCK = 1 << 16, TAR_BLOCK = 512 };

enum packing { PLAIN, COMPRESSED, TAR, ZIP, SEVEN };

struct t5g_unpack {
    int fd;
    char *begun; /* [n_begun] bytes looked at, to be read first */
    size_t n_begun, at_begun;
    bool seekable; /* a regular file, from its start */
    struct archive *filter, *archive;
    char *raw, *block;     /* [BLOCK] each: what the two stages read */
    struct t5g_buf peeked; /* first bytes behind the filter */
    size_t at_peeked;
    uint64_t in, out; /* bytes before and behind decompression */
    size_t zeros;     /* that a tar ends with so far, 2 * TAR_BLOCK at most */
    bool tar, in_member, ended;
    size_t skipped, members; /* members: since the last MANIFEST */
    struct t5g_buf member;
    struct t5g_err err; /* of a read inside libarchive; code 0: none */
};

/* ---- what a file is ---- */

/* The checksum of a tar header: all bytes, its own field as spaces. */
static bool
is_tar(const unsigned char *p, size_t n)
{
    unsigned sum = 0, want = 0;
    bool digit = false;
    if (n < TAR_BLOCK)
        return false;
    for (size_t i = 0; i < TAR_BLOCK; i++)
        sum += i >= 148 && i < 156 ? ' ' : p[i];
    for (size_t i = 148; i < 156; i++)
        if (p[i] >= '0' && p[i] <= '7') {
            want = want * 8 + (p[i] - '0');
            digit = true;
        } else if (digit || p[i] != ' ') {
            break;
        }
    return digit && sum == want;
}

/* An archive without members: blocks of zeros and nothing else. */
static bool
is_zeros(const unsigned char *p, size_t n)
{
    size_t i = 0;
    while (i < n && p[i] == 0)
        i++;
    return n >= TAR_BLOCK && i == n;
}

static bool
begins(const unsigned char *p, size_t n, const char *magic, size_t m)
{
    return n >= m && memcmp(p, magic, m) == 0;
}

static const struct {
    const char *magic;
    size_t n;
} compressed[] = {
    {"\x1f\x8b\x08", 3},
    {"\xfd"
     "7zXZ\0",
     6},
    {"\x28\xb5\x2f\xfd", 4},
    {"\x04\x22\x4d\x18", 4},
    /* "BZh9" alone may begin a text; behind it a bzip2 file has pi, or its root. */
    {"BZh", 3},
};

/* [n] bytes are the magic number of a compressed file, or with `part` the beginning of one. */
static bool
is_compressed(const unsigned char *p, size_t n, bool part)
{
    for (size_t i = 0; i < T5G_LEN(compressed); i++) {
        const char *magic = compressed[i].magic;
        size_t m = compressed[i].n;
        if (part ? n < m && memcmp(p, magic, n) == 0 : begins(p, n, magic, m)) {
            if (part || magic[0] != 'B')
                return true;
            return n >= 10 && (memcmp(p + 4, "\x31\x41\x59\x26\x53\x59", 6) == 0 ||
                               memcmp(p + 4, "\x17\x72\x45\x38\x50\x90", 6) == 0);
        }
    }
    return part && n > 3 && n < 10 && memcmp(p, "BZh", 3) == 0;
}

static enum packing
packing_of(const unsigned char *p, size_t n)
{
    if (is_compressed(p, n, false))
        return COMPRESSED;
    if (begins(p, n, "PK\3\4", 4) || begins(p, n, "PK\5\6", 4))
        return ZIP;
    if (begins(p, n, "7z\xbc\xaf\x27\x1c", 6))
        return SEVEN;
    return is_tar(p, n) || is_zeros(p, n) ? TAR : PLAIN;
}

bool
t5g_unpack_known(const void *p, size_t n)
{
    return packing_of(p, n) != PLAIN;
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

/* For libarchive: a block of the descriptor. */
static la_ssize_t
feed_filter(struct archive *a, void *arg, const void **p)
{
    struct t5g_unpack *u = arg;
    size_t got;
    *p = u->raw;
    if (read_fd(u, u->raw, BLOCK, &got, &u->err) < 0) {
        p_archive_set_error(a, EIO, "read error");
        return -1;
    }
    u->in += got;
    return (la_ssize_t)got;
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
    const char *why = p_archive_error_string(a);
    return t5g_err_set(e, T5G_EX_DATA, "%s", why != NULL ? why : "damaged");
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
    if (u->filter == NULL)
        return read_fd(u, buf, n, got, e);
    la_ssize_t r;
    do
        r = p_archive_read_data(u->filter, buf, n);
    while (r == ARCHIVE_RETRY);
    if (r < 0)
        return fault(u, u->filter, e);
    *got = (size_t)r;
    u->out += *got;
    if (u->out > (1 << 20) && u->out / T5G_UNPACK_RATIO > u->in)
        return t5g_err_set(e, T5G_EX_DATA, "expands more than %d times", T5G_UNPACK_RATIO);
    return 0;
}

/* For libarchive: a block of the archive. */
static la_ssize_t
feed_archive(struct archive *a, void *arg, const void **p)
{
    struct t5g_unpack *u = arg;
    size_t got, last = 0;
    *p = u->block;
    if (read_bytes(u, u->block, BLOCK, &got, &u->err) < 0) {
        p_archive_set_error(a, EIO, "read error");
        return -1;
    }
    while (last < got && last < 2 * TAR_BLOCK && u->block[got - 1 - last] == 0)
        last++;
    u->zeros = last == got ? t5g_min(u->zeros + got, 2 * TAR_BLOCK) : last;
    return (la_ssize_t)got;
}

/* ---- opening ---- */

/* Look at the first bytes: enough to know a tar, but not more than is there where it is a text. */
static int
look(struct t5g_unpack *u, struct t5g_err *e)
{
    struct stat st;
    u->begun = t5g_alloc(TAR_BLOCK, 1);
    if (fstat(u->fd, &st) == 0 && S_ISREG(st.st_mode) && lseek(u->fd, 0, SEEK_CUR) == 0) {
        ssize_t n = pread(u->fd, u->begun, TAR_BLOCK, 0);
        u->seekable = n >= 0;
        u->n_begun = n > 0 ? (size_t)n : 0;
        return 0;
    }
    for (size_t got = 1; got > 0 && u->n_begun < TAR_BLOCK; u->n_begun += got) {
        if (u->n_begun > 0 && memchr(u->begun, 0, u->n_begun) == NULL &&
            !is_compressed((unsigned char *)u->begun, u->n_begun, true))
            break; /* text, perhaps typed */
        if (begins((unsigned char *)u->begun, u->n_begun, "\x89T5G", 4))
            break; /* a stream, perhaps alive */
        if (t5g_read_some(u->fd, "input", u->begun + u->n_begun, TAR_BLOCK - u->n_begun, &got, e) <
            0)
            return -1;
    }
    return 0;
}

static int
open_filter(struct t5g_unpack *u, struct t5g_err *e)
{
    struct archive *a;
    struct archive_entry *entry;
    if (load(e) < 0)
        return -1;
    if ((a = u->filter = p_archive_read_new()) == NULL)
        return t5g_err_set(e, T5G_EX_OS, "out of memory");
    p_archive_read_support_filter_gzip(a);
    p_archive_read_support_filter_bzip2(a);
    p_archive_read_support_filter_xz(a);
    p_archive_read_support_filter_zstd(a);
    p_archive_read_support_filter_lz4(a);
    p_archive_read_support_format_raw(a);
    p_archive_read_support_format_empty(a);
    u->raw = t5g_alloc_raw(BLOCK, 1);
    if (p_archive_read_open(a, u, NULL, feed_filter, NULL) != ARCHIVE_OK)
        return fault(u, a, e);
    int r = p_archive_read_next_header(a, &entry);
    if (p_archive_filter_count(a) > 2)
        return t5g_err_set(e, T5G_EX_DATA, "compressed more than once");
    if (r == ARCHIVE_EOF) /* compressed nothing */
        return 0;
    if (r != ARCHIVE_OK && r != ARCHIVE_WARN)
        return fault(u, a, e);
    for (size_t got = 1; got > 0 && u->peeked.n < TAR_BLOCK;) {
        char some[TAR_BLOCK];
        if (read_bytes(u, some, sizeof some - u->peeked.n, &got, e) < 0)
            return -1;
        t5g_buf_add(&u->peeked, some, got);
        u->at_peeked = u->peeked.n;
    }
    u->at_peeked = 0;
    return 0;
}

static int
open_archive(struct t5g_unpack *u, enum packing what, struct t5g_err *e)
{
    struct archive *a;
    if (load(e) < 0)
        return -1;
    if ((a = u->archive = p_archive_read_new()) == NULL)
        return t5g_err_set(e, T5G_EX_OS, "out of memory");
    /* Names in UTF-8: libarchive converts by the locale, and gives NULL in "C". */
    static locale_t utf8;
    if (utf8 == (locale_t)0)
        utf8 = newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0);
    if (utf8 != (locale_t)0)
        uselocale(utf8);
    u->tar = what == TAR;
    if (what == TAR) {
        p_archive_read_support_format_tar(a);
        p_archive_read_set_format_option(a, "tar", "read_concatenated_archives", "1");
    } else if (what == ZIP) {
        p_archive_read_support_format_zip(a);
    } else {
        p_archive_read_support_format_7zip(a);
        if (!u->seekable)
            return t5g_err_set(e, T5G_EX_DATA, "a 7z archive needs a regular file");
    }
    u->block = t5g_alloc_raw(BLOCK, 1);
    int r = u->seekable && what != TAR ? p_archive_read_open_fd(a, u->fd, BLOCK)
                                       : p_archive_read_open(a, u, NULL, feed_archive, NULL);
    return r == ARCHIVE_OK ? 0 : fault(u, a, e);
}

struct t5g_unpack *
t5g_unpack_open(int fd, struct t5g_err *e)
{
    struct t5g_unpack *u = t5g_alloc(1, sizeof *u);
    u->fd = fd;
    u->zeros = 2 * TAR_BLOCK;
    int r = look(u, e);
    enum packing what = packing_of((unsigned char *)u->begun, u->n_begun);
    if (u->seekable) /* those bytes were not taken */
        u->n_begun = 0;
    if (r == 0 && what == COMPRESSED) {
        r = open_filter(u, e);
        what = packing_of((unsigned char *)u->peeked.p, u->peeked.n);
        if (r == 0 && what == TAR)
            r = open_archive(u, TAR, e);
    } else if (r == 0 && what != PLAIN) {
        r = open_archive(u, what, e);
    }
    if (r == 0)
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
        p_archive_read_free(u->archive);
    if (u->filter != NULL)
        p_archive_read_free(u->filter);
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
    return u->archive == NULL && u->filter == NULL;
}

size_t
t5g_unpack_skipped(const struct t5g_unpack *u)
{
    return u->skipped;
}

/* ---- members ---- */

static void
set_name(struct t5g_unpack *u, struct archive_entry *entry)
{
    const char *s = p_archive_entry_pathname(entry);
    size_t n = s != NULL ? strlen(s) : 0;
    bool good = t5g_utf8_check(s != NULL ? s : "", n) == n;
    u->member.n = 0;
    t5g_buf_adds(&u->member, "");
    for (size_t i = 0; i < n && u->member.n < T5G_UNPACK_NAME_MAX; i++)
        if (good || (unsigned char)s[i] < 0x80)
            t5g_buf_addc(&u->member, s[i]);
        else
            t5g_buf_printf(&u->member, "%%%02X", (unsigned char)s[i]);
    while (u->member.n > 0 && t5g_utf8_check(u->member.p, u->member.n) < u->member.n)
        u->member.p[--u->member.n] = '\0'; /* cut inside a character */
}

/* A tar that lost a member at a boundary inside is known by its MANIFEST alone. */
static int
check_manifest(struct t5g_unpack *u, struct t5g_err *e)
{
    struct t5g_buf text = {0};
    int64_t want;
    int r = t5g_unpack_read_all(u, 1 << 16, &text, e);
    struct t5g_json *j =
        r == 0 ? t5g_json_parse(text.p != NULL ? text.p : "", text.n, "MANIFEST", e) : NULL;
    if (j != NULL && t5g_json_int(t5g_json_get(j, "members"), 0, INT64_C(1) << 53, &want) &&
        (uint64_t)want != u->members)
        r = t5g_err_set(e, T5G_EX_DATA, "%zu members, its MANIFEST says %lld", u->members,
                        (long long)want);
    else if (j == NULL)
        r = -1;
    t5g_json_free(j);
    t5g_buf_free(&text);
    u->members = 0;
    return r;
}

int
t5g_unpack_next(struct t5g_unpack *u, struct t5g_member *m, struct t5g_err *e)
{
    struct archive_entry *entry;
    u->in_member = false;
    while (!u->ended) {
        int r = p_archive_read_next_header(u->archive, &entry);
        if (r == ARCHIVE_RETRY)
            continue;
        if (r == ARCHIVE_EOF && u->tar && u->zeros < 2 * TAR_BLOCK)
            return t5g_err_set(e, T5G_EX_DATA, "cut: the end-of-archive blocks are missing");
        u->ended = r == ARCHIVE_EOF;
        if (u->ended)
            break;
        if (r == ARCHIVE_FATAL)
            return fault(u, u->archive, e);
        /* ARCHIVE_WARN and ARCHIVE_FAILED are this member's: reading it will tell. */
        if (p_archive_entry_filetype(entry) != AE_IFREG ||
            p_archive_entry_hardlink(entry) != NULL) {
            u->skipped += p_archive_entry_filetype(entry) != AE_IFDIR;
            continue;
        }
        const char *name = p_archive_entry_pathname(entry);
        u->in_member = true;
        if (name != NULL && strcmp(name, "MANIFEST") == 0) {
            if (check_manifest(u, e) < 0)
                return -1;
            continue;
        }
        u->members++;
        set_name(u, entry);
        *m = (struct t5g_member){u->member.p, u->member.n};
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
    la_ssize_t r;
    do
        r = p_archive_read_data(u->archive, buf, n);
    while (r == ARCHIVE_RETRY);
    if (r >= 0) {
        *got = (size_t)r;
        return 0;
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

/* ---- writing ---- */

struct t5g_tar {
    struct archive *archive;
    size_t members;
};

static int
tar_fault(struct t5g_tar *t, struct t5g_err *e)
{
    const char *why = p_archive_error_string(t->archive);
    return t5g_err_set(e, T5G_EX_IO, "cannot write: %s", why != NULL ? why : "unknown reason");
}

struct t5g_tar *
t5g_tar_open(int fd, struct t5g_err *e)
{
    struct t5g_tar *t;
    if (load(e) < 0)
        return NULL;
    t = t5g_alloc(1, sizeof *t);
    t->archive = p_archive_write_new();
    if (t->archive != NULL && p_archive_write_set_format_pax_restricted(t->archive) == ARCHIVE_OK &&
        p_archive_write_add_filter_none(t->archive) == ARCHIVE_OK &&
        p_archive_write_open_fd(t->archive, fd) == ARCHIVE_OK)
        return t;
    t5g_err_set(e, T5G_EX_OS, "cannot write a tar archive");
    t5g_tar_close(t);
    return NULL;
}

int
t5g_tar_add(struct t5g_tar *t, const char *name, const void *data, size_t n, struct t5g_err *e)
{
    struct archive_entry *entry = p_archive_entry_new();
    p_archive_entry_set_pathname(entry, name);
    p_archive_entry_set_filetype(entry, AE_IFREG);
    p_archive_entry_set_perm(entry, 0644);
    p_archive_entry_set_size(entry, (la_int64_t)n);
    p_archive_entry_set_mtime(entry, 0, 0);
    int r = p_archive_write_header(t->archive, entry) == ARCHIVE_OK ? 0 : tar_fault(t, e);
    if (r == 0 && n > 0 && p_archive_write_data(t->archive, data, n) != (la_ssize_t)n)
        r = tar_fault(t, e);
    p_archive_entry_free(entry);
    t->members++;
    return r;
}

int
t5g_tar_finish(struct t5g_tar *t, struct t5g_err *e)
{
    char text[64];
    int n = snprintf(text, sizeof text, "{\"members\":%zu}\n", t->members);
    if (t5g_tar_add(t, "MANIFEST", text, (size_t)n, e) < 0)
        return -1;
    return p_archive_write_close(t->archive) == ARCHIVE_OK ? 0 : tar_fault(t, e);
}

void
t5g_tar_close(struct t5g_tar *t)
{
    if (t == NULL)
        return;
    if (t->archive != NULL)
        p_archive_write_free(t->archive);
    t5g_free(t);
}
