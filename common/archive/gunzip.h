/* gunzip.h: decompression of gzip (RFC 1952) by zlib, with every checksum looked at: libarchive
 * passes over those of gzip. */
#ifndef T5G_GUNZIP_H
#define T5G_GUNZIP_H

#include "base/err.h"

#include <stddef.h>

struct t5g_gunzip;

/* Where compressed bytes come from: *p, *n the next ones, alive until the next call; *n = 0 at the
 * end. 0, or -1 with e. */
typedef int t5g_gunzip_fill(void *arg, const void **p, size_t *n, struct t5g_err *e);

/* NULL with e (69 without zlib, 71). */
struct t5g_gunzip *t5g_gunzip_open(t5g_gunzip_fill *fill, void *arg, struct t5g_err *e);
void t5g_gunzip_close(struct t5g_gunzip *g);

/*
 * Some decompressed bytes, at most n; *got = 0 at the end. Members one after another are one file,
 * zeros behind the last are padding. 0, or -1 with e: 65 for damaged or cut, or that of fill.
 */
int t5g_gunzip_read(struct t5g_gunzip *g, void *buf, size_t n, size_t *got, struct t5g_err *e);

#endif
