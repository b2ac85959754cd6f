/* filter.c: gzip by zlib; bzip2, xz, zstd and lz4 by libarchive's raw format. */
#include "archive/filter.h"
#include "archive/gunzip.h"
#include "archive/libarchive.h"
#include "base/mem.h"

#include <string.h>

enum { BLOCK = 1 << 16 };

struct t5g_filter {
    t5g_filter_source *source;
    void *arg;
    unsigned char first[4]; /* [n_first] bytes to read before those of source */
    size_t n_first;
    struct t5g_gunzip *gunzip;
    struct t5g_libarchive *others; /* neither: only skippable frames */
    char *block;                   /* [BLOCK] */
    size_t in_block;               /* bytes in block */
    uint64_t in, out;              /* bytes in and out, without skippable frames */
    bool ended;
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

static int
open_others(struct t5g_filter *f, struct t5g_err *e)
{
    return (f->others = t5g_libarchive_decompress(read_block, f, e)) != NULL ? 0 : -1;
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
    return open_others(f, e);
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
        well = (what == T5G_SKIPPABLE ? skip_frames(f, e) : open_others(f, e)) == 0;
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
    t5g_libarchive_close(f->others);
    t5g_gunzip_close(f->gunzip);
    t5g_free(f->block);
    t5g_free(f);
}

/* libarchive ignores what follows a bzip2 or lz4 stream, even a stream with damaged first bytes. */
static int
check_end(struct t5g_filter *f, struct t5g_err *e)
{
    uint64_t left = f->in - t5g_libarchive_used(f->others);
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
    } else if (f->others != NULL && !f->ended) {
        if (t5g_libarchive_read(f->others, buf, n, got, e) != 0)
            return -1;
        f->ended = *got == 0 && n > 0;
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
