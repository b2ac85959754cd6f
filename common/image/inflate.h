/* inflate.h: decompression of zlib's format (RFC 1950, 1951) from memory to memory, for where no
 * library can be loaded and nothing allocated. */
#ifndef T5G_INFLATE_H
#define T5G_INFLATE_H

#include "base/err.h"

/*
 * Decompress in [n] to out [size]; *got: bytes written. It ends with the stream, or where out is
 * full and more would come. As strict as zlib: codes must be complete, distances within what was
 * written, and the checksum right where the stream ends. 0, or -1 with e (65) of what is wrong; cut
 * input is an error unless out is full.
 */
int t5g_inflate(const unsigned char *in, size_t n, unsigned char *out, size_t size, size_t *got,
                struct t5g_err *e);

#endif
