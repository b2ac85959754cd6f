/* gunzip.h: gzip (RFC 1952) through zlib, which verifies checksums; libarchive ignores them. */
#ifndef T5G_GUNZIP_H
#define T5G_GUNZIP_H

#include "base/err.h"

#include <stddef.h>

struct t5g_gunzip;

/* Gives the next *n compressed bytes at *p, valid until the next call; *n = 0 at the end. 0, or -1
 * with e. */
typedef int t5g_gunzip_fill(void *arg, const void **p, size_t *n, struct t5g_err *e);

/* NULL with e (69 without zlib, 71). */
struct t5g_gunzip *t5g_gunzip_open(t5g_gunzip_fill *fill, void *arg, struct t5g_err *e);
void t5g_gunzip_close(struct t5g_gunzip *g);

/*
 * Some decompressed bytes, at most n; *got = 0 at the end. Consecutive members form one file; zeros
 * after the last are padding. 0, or -1 with e (65 damaged, truncated or trailing data; 71; and the
 * errors of fill).
 */
int t5g_gunzip_read(struct t5g_gunzip *g, void *buf, size_t n, size_t *got, struct t5g_err *e);

#endif
