/* resize.h: pictures to the tower's size, bit for bit as Pillow's BILINEAR does. */
#ifndef T5G_RESIZE_H
#define T5G_RESIZE_H

#include "base/err.h"
#include "image/arena.h"

/*
 * out [s, s, 3] = in [h, w, 3] (rows at stride bytes) resized. Scratch memory is taken from the
 * arena and given back. -1 with e (65) if it is too small.
 */
int t5g_resize(uint8_t *out, size_t s, const uint8_t *in, size_t w, size_t h, size_t stride,
               struct t5g_arena *a, struct t5g_err *e);

#endif
