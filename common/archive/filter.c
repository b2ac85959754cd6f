/* filter.c: gzip by zlib; bzip2, xz, zstd and lz4 by libarchive's raw format. */
#include "archive/filter.h"
#include "archive/gunzip.h"
#include "archive/libarchive.h"
#include "base/mem.h"

#include <errno.h>
#include <string.h>

enum { BLOCK = 1 << 16 };

struct t5g_filter {
    t5g_filter_source *source;
    void *arg;
    unsigned char first[4]; /* [n_first] bytes to read before those of source */
    size_t n_first;
    struct t5g_gunzip *gunzip;
    struct archive *archive; /* neither: only skippable frames */
    char *block;             /* [BLOCK] */
    size_t in_block;         /* bytes in block */
    uint64_t in, out;        /* bytes in and out, without skippable frames */
    bool ended;
    struct t5g_err err; /* of a read called by libarchive; code 0: none */
};

static int
read_block(void *arg, const void **p, size_t *n, struct t5g_err *e)
{
    struct t5g_filter *f = arg;
    *p = f->block;
    *n = f->n_first;
    memcpy(f->block, f->first, f->n_first);
    f->n_first = 0;
    if (*n == 0 && f->source(f->arg, f->block, BLOCK, n, e) < 0)
        return -1;
    f->in += *n;
    f->in_block = *n;
    return 0;
}

/* The same for libarchive. */
static la_ssize_t
feed(struct archive *a, void *arg, const void **p)
{
    struct t5g_filter *f = arg;
    size_t got;
    if (read_block(f, p, &got, &f->err) == 0)
        return (la_ssize_t)got;
    t5g_la.archive_set_error(a, EIO, "read error");
    return -1;
}

/* libarchive's error, or that of the read it called. */
static int
fault(struct t5g_filter *f, struct t5g_err *e)
{
    if (f->err.code != 0) {
        if (e != NULL)
            *e = f->err;
        return -1;
    }
    const char *why = t5g_la.archive_error_string(f->archive);
    return t5g_err_set(e, T5G_EX_DATA, "%s", why != NULL ? why : "damaged");
}

static int
open_libarchive(struct t5g_filter *f, struct t5g_err *e)
{
    struct archive *a;
    struct archive_entry *entry;
    if (t5g_libarchive_load(e) < 0)
        return -1;
    if ((a = f->archive = t5g_la.archive_read_new()) == NULL)
        return t5g_err_set(e, T5G_EX_OS, "out of memory");
    t5g_la.archive_read_support_filter_bzip2(a);
    t5g_la.archive_read_support_filter_xz(a);
    t5g_la.archive_read_support_filter_zstd(a);
    t5g_la.archive_read_support_filter_lz4(a);
    t5g_la.archive_read_support_format_raw(a);
    t5g_la.archive_read_support_format_empty(a);
    if (t5g_la.archive_read_open(a, f, NULL, feed, NULL) != ARCHIVE_OK)
        return fault(f, e);
    int r = t5g_la.archive_read_next_header(a, &entry);
    if (t5g_la.archive_filter_count(a) > 2)
        return t5g_err_set(e, T5G_EX_DATA, "compressed more than once");
    /* ARCHIVE_EOF: the decompressed data is empty. */
    return r == ARCHIVE_OK || r == ARCHIVE_WARN || r == ARCHIVE_EOF ? 0 : fault(f, e);
}

/* Read n bytes, fewer only at the end. */
static int
read_full(struct t5g_filter *f, void *buf, size_t n, size_t *got, struct t5g_err *e)
{
    size_t some = 1;
    for (*got = 0; *got < n && some > 0; *got += some)
        if (f->source(f->arg, (char *)buf + *got, n - *got, &some, e) < 0)
            return -1;
    return 0;
}

/* Skippable frames of zstd and lz4, as written by pzstd: a magic number, a length, bytes.
 * libarchive accepts them between other frames, but not first. */
static int
skip_frames(struct t5g_filter *f, struct t5g_err *e)
{
    for (;;) {
        unsigned char length[4];
        size_t got, left;
        if (read_full(f, f->first, sizeof f->first, &f->n_first, e) < 0)
            return -1;
        if (f->n_first == 0)
            return 0;
        if (!t5g_packing_skippable(f->first, f->n_first))
            break;
        if (read_full(f, length, sizeof length, &got, e) < 0)
            return -1;
        left = (size_t)t5g_little(length, sizeof length);
        if (got < sizeof length)
            return t5g_err_set(e, T5G_EX_DATA, "truncated inside a skippable frame");
        for (; left > 0; left -= got) {
            if (f->source(f->arg, f->block, t5g_min(left, BLOCK), &got, e) < 0)
                return -1;
            if (got == 0)
                return t5g_err_set(e, T5G_EX_DATA, "truncated inside a skippable frame");
        }
    }
    if (t5g_packing_of(f->first, f->n_first) != T5G_COMPRESSED)
        return t5g_err_set(e, T5G_EX_DATA, "neither zstd nor lz4 after a skippable frame");
    return open_libarchive(f, e);
}

struct t5g_filter *
t5g_filter_open(t5g_filter_source *source, void *arg, enum t5g_packing what, struct t5g_err *e)
{
    struct t5g_filter *f = t5g_alloc(1, sizeof *f);
    f->source = source;
    f->arg = arg;
    f->block = t5g_alloc_raw(BLOCK, 1);
    bool well;
    if (what == T5G_GZIP)
        well = (f->gunzip = t5g_gunzip_open(read_block, f, e)) != NULL;
    else
        well = (what == T5G_SKIPPABLE ? skip_frames(f, e) : open_libarchive(f, e)) == 0;
    if (well)
        return f;
    t5g_filter_close(f);
    return NULL;
}

void
t5g_filter_close(struct t5g_filter *f)
{
    if (f == NULL)
        return;
    if (f->archive != NULL)
        t5g_la.archive_read_free(f->archive);
    t5g_gunzip_close(f->gunzip);
    t5g_free(f->block);
    t5g_free(f);
}

/* libarchive ignores what follows a bzip2 or lz4 stream, even a stream with damaged first bytes. */
static int
check_end(struct t5g_filter *f, struct t5g_err *e)
{
    uint64_t left = f->in - (uint64_t)t5g_la.archive_filter_bytes(f->archive, -1);
    size_t n = f->in_block;
    bool zeros = left <= n;
    for (size_t i = n - t5g_min(n, (size_t)left); i < n; i++)
        zeros = zeros && f->block[i] == 0;
    while (zeros && n > 0) {
        if (f->source(f->arg, f->block, BLOCK, &n, e) < 0)
            return -1;
        for (size_t i = 0; i < n; i++)
            zeros = zeros && f->block[i] == 0;
    }
    f->in_block = 0;
    return zeros ? 0 : t5g_err_set(e, T5G_EX_DATA, "trailing data after its end");
}

int
t5g_filter_read(struct t5g_filter *f, void *buf, size_t n, size_t *got, struct t5g_err *e)
{
    *got = 0;
    if (f->gunzip != NULL) {
        if (t5g_gunzip_read(f->gunzip, buf, n, got, e) < 0)
            return -1;
    } else if (f->archive != NULL && !f->ended) {
        la_ssize_t r = t5g_la.archive_read_data(f->archive, buf, n);
        if (r < 0)
            return fault(f, e);
        *got = (size_t)r;
        f->ended = r == 0 && n > 0;
        if (f->ended && check_end(f, e) < 0)
            return -1;
    }
    f->out += *got;
    if (f->out > (1 << 20) && f->out / T5G_FILTER_RATIO > f->in)
        return t5g_err_set(e, T5G_EX_DATA, "expands more than %d times", T5G_FILTER_RATIO);
    return 0;
}

uint64_t
t5g_filter_taken(const struct t5g_filter *f)
{
    return f->in;
}
