/* libarchive.c: the only file that calls libarchive, through pointers that are set when it is
 * loaded.
 */
#include "archive/libarchive.h"
#include "archive/library.h"
#include "base/mem.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <locale.h>

enum { BLOCK = 1 << 16 };

#define FUNCTIONS(X)                     \
    X(archive_entry_filetype)            \
    X(archive_entry_free)                \
    X(archive_entry_new)                 \
    X(archive_entry_pathname)            \
    X(archive_entry_set_filetype)        \
    X(archive_entry_set_mtime)           \
    X(archive_entry_set_pathname)        \
    X(archive_entry_set_perm)            \
    X(archive_entry_set_size)            \
    X(archive_error_string)              \
    X(archive_filter_bytes)              \
    X(archive_filter_count)              \
    X(archive_read_data)                 \
    X(archive_read_free)                 \
    X(archive_read_new)                  \
    X(archive_read_next_header)          \
    X(archive_read_open)                 \
    X(archive_read_open_fd)              \
    X(archive_read_support_filter_bzip2) \
    X(archive_read_support_filter_lz4)   \
    X(archive_read_support_filter_xz)    \
    X(archive_read_support_filter_zstd)  \
    X(archive_read_support_format_7zip)  \
    X(archive_read_support_format_empty) \
    X(archive_read_support_format_raw)   \
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

#define POINTER(name) __typeof__(&name) name;
static struct {
    FUNCTIONS(POINTER)
} la;

/* 0, or -1 with e (69). */
static int
load(struct t5g_err *e)
{
#define SYMBOL(name) {#name, &la.name},
    static const struct t5g_symbol symbols[] = {FUNCTIONS(SYMBOL)};
    if (la.archive_read_new != NULL)
        return 0;
    return t5g_library_load("libarchive.so.13", "packed files need libarchive", symbols,
                            T5G_LEN(symbols), e);
}

/* ---- reading ---- */

struct t5g_libarchive {
    struct archive *archive;
    t5g_libarchive_fill *fill; /* NULL: libarchive reads a descriptor itself */
    void *arg;
    struct t5g_err err; /* of fill; code 0: none */
    bool starved;       /* fill was asked for more than there is */
};

/*
 * -1 with libarchive's error, or that of the fill that it called. A decompressor that asks for more
 * at the end of its input has only part of it, whatever its library calls that.
 */
static int
fault(const struct t5g_libarchive *a, struct t5g_err *e)
{
    if (a->err.code != 0) {
        if (e != NULL)
            *e = a->err;
        return -1;
    }
    if (a->starved)
        return t5g_err_set(e, T5G_EX_DATA, "truncated");
    const char *why = la.archive_error_string(a->archive);
    return t5g_err_set(e, T5G_EX_DATA, "%s", why != NULL ? why : "damaged");
}

/* The fill, as libarchive calls it. */
static la_ssize_t
feed(struct archive *archive, void *arg, const void **p)
{
    struct t5g_libarchive *a = arg;
    size_t n;
    if (a->fill(a->arg, p, &n, &a->err) == 0) {
        a->starved = n == 0;
        return (la_ssize_t)n;
    }
    la.archive_set_error(archive, EIO, "read error");
    return -1;
}

/* NULL with e (69, 71). */
static struct t5g_libarchive *
make(struct t5g_err *e)
{
    if (load(e) < 0)
        return NULL;
    struct t5g_libarchive *a = t5g_alloc(1, sizeof *a);
    if ((a->archive = la.archive_read_new()) != NULL)
        return a;
    t5g_free(a);
    t5g_err_set(e, T5G_EX_OS, "out of memory");
    return NULL;
}

static int
open_raw(struct t5g_libarchive *a, struct t5g_err *e)
{
    struct archive_entry *entry;
    la.archive_read_support_filter_bzip2(a->archive);
    la.archive_read_support_filter_xz(a->archive);
    la.archive_read_support_filter_zstd(a->archive);
    la.archive_read_support_filter_lz4(a->archive);
    la.archive_read_support_format_raw(a->archive);
    la.archive_read_support_format_empty(a->archive);
    if (la.archive_read_open(a->archive, a, NULL, feed, NULL) != ARCHIVE_OK)
        return fault(a, e);
    int r = la.archive_read_next_header(a->archive, &entry);
    int filters = la.archive_filter_count(a->archive); /* the first is the input */
    if (filters > 2)
        return t5g_err_set(e, T5G_EX_DATA, "compressed more than once");
    if (filters < 2 && a->err.code == 0) /* what was recognised is not so after all */
        return t5g_err_set(e, T5G_EX_DATA, a->starved ? "truncated" : "damaged: its header");
    /* ARCHIVE_EOF: the decompressed data is empty. */
    return r == ARCHIVE_OK || r == ARCHIVE_WARN || r == ARCHIVE_EOF ? 0 : fault(a, e);
}

struct t5g_libarchive *
t5g_libarchive_decompress(t5g_libarchive_fill *fill, void *arg, struct t5g_err *e)
{
    struct t5g_libarchive *a = make(e);
    if (a == NULL)
        return NULL;
    a->fill = fill;
    a->arg = arg;
    if (open_raw(a, e) == 0)
        return a;
    t5g_libarchive_close(a);
    return NULL;
}

struct t5g_libarchive *
t5g_libarchive_open(int fd, bool zip, struct t5g_err *e)
{
    static locale_t utf8;
    struct t5g_libarchive *a = make(e);
    if (a == NULL)
        return NULL;
    /* For names in UTF-8: libarchive converts names by the locale, and returns NULL in "C". */
    if (utf8 == (locale_t)0)
        utf8 = newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0);
    if (utf8 != (locale_t)0)
        uselocale(utf8);
    if (zip)
        la.archive_read_support_format_zip(a->archive);
    else
        la.archive_read_support_format_7zip(a->archive);
    if (la.archive_read_open_fd(a->archive, fd, BLOCK) == ARCHIVE_OK)
        return a;
    fault(a, e);
    t5g_libarchive_close(a);
    return NULL;
}

void
t5g_libarchive_close(struct t5g_libarchive *a)
{
    if (a == NULL)
        return;
    la.archive_read_free(a->archive);
    t5g_free(a);
}

uint64_t
t5g_libarchive_used(const struct t5g_libarchive *a)
{
    return (uint64_t)la.archive_filter_bytes(a->archive, -1);
}

int
t5g_libarchive_next(struct t5g_libarchive *a, const char **name, enum t5g_libarchive_type *type,
                    struct t5g_err *e)
{
    struct archive_entry *entry;
    int r = la.archive_read_next_header(a->archive, &entry);
    if (r == ARCHIVE_EOF)
        return 0;
    /* RETRY: reading could continue after a damaged header, but losses would go unnoticed. */
    if (r == ARCHIVE_FATAL || r == ARCHIVE_RETRY)
        return fault(a, e);
    /* ARCHIVE_WARN and ARCHIVE_FAILED concern this member only: reading it will fail. */
    *name = la.archive_entry_pathname(entry);
    unsigned mode = la.archive_entry_filetype(entry);
    *type = mode == AE_IFREG   ? T5G_LIBARCHIVE_FILE
            : mode == AE_IFDIR ? T5G_LIBARCHIVE_FOLDER
            : mode == AE_IFLNK ? T5G_LIBARCHIVE_LINK
                               : T5G_LIBARCHIVE_OTHER;
    return 1;
}

int
t5g_libarchive_read(struct t5g_libarchive *a, void *buf, size_t n, size_t *got, struct t5g_err *e)
{
    *got = 0;
    la_ssize_t r = la.archive_read_data(a->archive, buf, n);
    if (r < 0) {
        fault(a, e);
        return r == ARCHIVE_FATAL ? -1 : 1;
    }
    *got = (size_t)r;
    return 0;
}

/* ---- writing ---- */

struct t5g_libarchive_tar {
    struct archive *archive;
};

static int
not_written(const struct t5g_libarchive_tar *t, struct t5g_err *e)
{
    const char *why = la.archive_error_string(t->archive);
    return t5g_err_set(e, T5G_EX_IO, "cannot write: %s", why != NULL ? why : "unknown reason");
}

struct t5g_libarchive_tar *
t5g_libarchive_tar_open(int fd, struct t5g_err *e)
{
    if (load(e) < 0)
        return NULL;
    struct t5g_libarchive_tar *t = t5g_alloc(1, sizeof *t);
    t->archive = la.archive_write_new();
    if (t->archive != NULL &&
        la.archive_write_set_format_pax_restricted(t->archive) == ARCHIVE_OK &&
        la.archive_write_add_filter_none(t->archive) == ARCHIVE_OK &&
        la.archive_write_open_fd(t->archive, fd) == ARCHIVE_OK)
        return t;
    t5g_err_set(e, T5G_EX_OS, "cannot write a tar archive");
    t5g_libarchive_tar_close(t);
    return NULL;
}

void
t5g_libarchive_tar_close(struct t5g_libarchive_tar *t)
{
    if (t == NULL)
        return;
    if (t->archive != NULL)
        la.archive_write_free(t->archive);
    t5g_free(t);
}

int
t5g_libarchive_tar_add(struct t5g_libarchive_tar *t, const char *name, const void *data, size_t n,
                       struct t5g_err *e)
{
    struct archive_entry *entry = la.archive_entry_new();
    la.archive_entry_set_pathname(entry, name);
    la.archive_entry_set_filetype(entry, AE_IFREG);
    la.archive_entry_set_perm(entry, 0644);
    la.archive_entry_set_size(entry, (la_int64_t)n);
    la.archive_entry_set_mtime(entry, 0, 0);
    int r = la.archive_write_header(t->archive, entry) == ARCHIVE_OK ? 0 : not_written(t, e);
    if (r == 0 && n > 0 && la.archive_write_data(t->archive, data, n) != (la_ssize_t)n)
        r = not_written(t, e);
    la.archive_entry_free(entry);
    return r;
}

int
t5g_libarchive_tar_end(struct t5g_libarchive_tar *t, struct t5g_err *e)
{
    return la.archive_write_close(t->archive) == ARCHIVE_OK ? 0 : not_written(t, e);
}
