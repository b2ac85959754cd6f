/* filter.h: decompression of sequential input. */
#ifndef T5G_FILTER_H
#define T5G_FILTER_H

#include "base/err.h"
#include "archive/container.h"

struct t5g_filter;

enum { T5G_FILTER_RATIO = 1000 }; /* bytes out per byte in; more (after 1 MiB) is a bomb */

/* As t5g_read_some. */
typedef int t5g_filter_source(void *arg, void *buf, size_t n, size_t *got, struct t5g_err *e);

/*
 * what: T5G_GZIP, T5G_COMPRESSED or T5G_SKIPPABLE. Several frames, members or streams may follow
 * each other, and zeros after them where that format's own tool accepts them. NULL with e (65, 69
 * without libarchive or zlib, 71, and the errors of source).
 */
struct t5g_filter *t5g_filter_open(t5g_filter_source *source, void *arg, enum t5g_packing what,
                                   struct t5g_err *e);
void t5g_filter_close(struct t5g_filter *f);

/* Some bytes, at most n; *got = 0 at the end. 0, or -1 with e (65: damaged, truncated, trailing
 * data, or a bomb; and the errors of source). */
int t5g_filter_read(struct t5g_filter *f, void *buf, size_t n, size_t *got, struct t5g_err *e);

/* Compressed bytes taken from source so far. */
uint64_t t5g_filter_taken(const struct t5g_filter *f);

#endif
