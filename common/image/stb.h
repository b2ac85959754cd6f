/* stb.h: PNG and JPEG decompressed by stb_image. */
#ifndef T5G_STB_H
#define T5G_STB_H

#include "image/picture.h"

/*
 * Samples of a file that the container checks passed, in the arena: *samples [h, w, *channels], of
 * uint16_t when wide (16-bit PNG), else uint8_t. Not reentrant. It is known to have memory faults:
 * call it where they do no harm. -1 with e (65).
 */
int t5g_stb_decode(const struct t5g_picture *p, const unsigned char *file, size_t n, bool wide,
                   struct t5g_arena *a, void **samples, size_t *channels, struct t5g_err *e);

#endif
