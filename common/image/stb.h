/* stb.h: stb_image's parts for PNG: inflate, undo filters, merge passes. */
#ifndef T5G_STB_H
#define T5G_STB_H

#include "image/picture.h"

/* Bytes after `size` that t5g_stb_inflate may write; bytes after its input that it may read. */
enum { T5G_STB_SLACK = 1 << 16, T5G_STB_AHEAD = 8 };

/*
 * Decompress in [n, and T5G_STB_AHEAD more], a zlib stream (RFC 1950), to out [size +
 * T5G_STB_SLACK]; *got: their number, at most size. It ends with the stream, whose checksum, if
 * any, must be right, or when out is full. 0, or -1 with e (65).
 */
int t5g_stb_inflate(const unsigned char *in, size_t n, unsigned char *out, size_t size, size_t *got,
                    struct t5g_err *e);

/*
 * Samples of a PNG from raw [n], its inflated data: *samples [h, w, *channels] in the arena, bytes,
 * or uint16_t if p->depth is 16; grey of less than 8 bits is scaled to 0..255, indices are not.
 * -1 with e (65).
 */
int t5g_stb_samples(const struct t5g_picture *p, unsigned char *raw, size_t n, struct t5g_arena *a,
                    const void **samples, size_t *channels, struct t5g_err *e);

#endif
