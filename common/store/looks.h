/* looks.h: whether a file is a picture, by its first bytes and by its name. */
#ifndef T5G_LOOKS_H
#define T5G_LOOKS_H

#include "base/base.h"

enum { T5G_LOOKS = 1024 }; /* first bytes that tell */

/*
 * [n] bytes, all of a file or its first T5G_LOOKS, begin a picture of any kind (PNG, JPEG, GIF,
 * WebP, TIFF, BMP, PNM, HEIF, AVIF, JPEG XL, JPEG 2000), so that none is missed; t5g-vision says
 * which it can read. Of BMP and PNM the whole header must make sense, of HEIF the brand: a text may
 * begin with "BM" or "P1", and videos are of one family with HEIF.
 */
bool t5g_looks_picture(const unsigned char *p, size_t n);

/*
 * What [n] bytes that are not UTF-8 are by their beginning, and what to do with them, for a
 * message: "a PNG picture: give it with -i", a stream, a PDF, text in UTF-16. NULL: nothing that is
 * known.
 */
const char *t5g_looks_no_text(const unsigned char *p, size_t n);

/* The name, a path of n bytes, is one for a picture: a damaged one is to be found, not passed
 * over. */
bool t5g_named_picture(const char *name, size_t n);

#endif
