/* rgb.c: picture files to upright 8-bit RGB, as Pillow's convert("RGB") and exif_transpose do. */
#include "image/picture.h"

#include <string.h>

int
t5g_picture_decode(struct t5g_picture *p, unsigned char *file, size_t n, struct t5g_arena *a,
                   uint8_t **rgb, struct t5g_err *e)
{
    if ((*rgb = t5g_arena_alloc(a, p->w * p->h * 3)) == NULL)
        return t5g_arena_fail(a, e);
    if (p->format == T5G_PICTURE_PNG)
        return t5g_png_decode(p, file, n, a, *rgb, e);
    if (p->format == T5G_PICTURE_JPEG)
        return t5g_jpeg_decode(p, file, n, a, *rgb, e);
    return t5g_pnm_decode(p, file, n, *rgb, e);
}

/* Where pixel (i, j) of the upright picture is in the stored one of w x h. */
static size_t
source(int orientation, size_t i, size_t j, size_t w, size_t h)
{
    bool turned = orientation >= 5;
    size_t row = turned ? j : i, col = turned ? i : j;
    if (orientation == 3 || orientation == 4 || orientation == 6 || orientation == 7)
        row = h - 1 - row;
    if (orientation == 2 || orientation == 3 || orientation == 7 || orientation == 8)
        col = w - 1 - col;
    return row * w + col;
}

int
t5g_picture_orient(int orientation, struct t5g_arena *a, uint8_t **rgb, size_t *w, size_t *h,
                   struct t5g_err *e)
{
    if (orientation <= 1 || orientation > 8)
        return 0;
    size_t tall = orientation >= 5 ? *w : *h, wide = orientation >= 5 ? *h : *w;
    uint8_t *to = t5g_arena_alloc(a, *w * *h * 3);
    if (to == NULL)
        return t5g_arena_fail(a, e);
    for (size_t i = 0; i < tall; i++)
        for (size_t j = 0; j < wide; j++)
            memcpy(to + (i * wide + j) * 3, *rgb + source(orientation, i, j, *w, *h) * 3, 3);
    *rgb = to;
    *w = wide;
    *h = tall;
    return 0;
}
