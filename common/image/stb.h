/* stb.h: what stb_image does for PNG: it inflates, takes filters back, puts passes together. */
#ifndef T5G_STB_H
#define T5G_STB_H

#include "image/picture.h"

/* Bytes behind `size` that t5g_stb_inflate may write; behind its input that it may look at. */
enum { T5G_STB_SLACK = 1 << 16, T5G_STB_AHEAD = 8 };

/*
 * Decompress in [n, and T5G_STB_AHEAD more], a zlib stream (RFC 1950), to out [size +
 * T5G_STB_SLACK]; *got: bytes of it, at most size. It ends with the stream, whose checksum, where
 * there is one, must be right, or where out is full. 0, or -1 with e (65) of what is wrong.
 */
int t5g_stb_inflate(const unsigned char *in, size_t n, unsigned char *out, size_t size, size_t *got,
                    struct t5g_err *e);

/*
 * Samples of a PNG from raw [n], its inflated data: *samples [h, w, *channels] in the arena, bytes,
 * or uint16_t where p->depth is 16; grey of less than 8 bits is spread to 0..255, indices are not.
 * -1 with e (65).
 */
int t5g_stb_samples(const struct t5g_picture *p, unsigned char *raw, size_t n, struct t5g_arena *a,
                    const void **samples, size_t *channels, struct t5g_err *e);

#endif
