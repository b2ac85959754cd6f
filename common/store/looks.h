/* looks.h: whether a file is a picture, by its first bytes or by its name. */
#ifndef T5G_LOOKS_H
#define T5G_LOOKS_H

#include "base/base.h"

enum { T5G_LOOKS = 1024 }; /* bytes to look at */

/*
 * Whether n bytes, a whole file or its first T5G_LOOKS, begin a picture of any kind (PNG, JPEG,
 * GIF, WebP, TIFF, BMP, PNM, HEIF, AVIF, JPEG XL, JPEG 2000), so that none is missed; t5g-vision
 * reports those it cannot read. For BMP and PNM the whole header is checked, since a text may begin
 * with "BM" or "P1"; for HEIF the brand, since some videos have the same container.
 */
bool t5g_looks_picture(const unsigned char *p, size_t n);

/*
 * The format of n bytes that are not UTF-8 (a picture, a stream, a PDF, UTF-16), and what to do
 * with them, for a message: "a PNG picture: give it with -i". NULL: unknown.
 */
const char *t5g_looks_no_text(const unsigned char *p, size_t n);

/* Whether the path name [n] has the suffix of a picture, so that damaged ones are not skipped. */
bool t5g_named_picture(const char *name, size_t n);

#endif
