/* rgb.c: decoded samples to upright 8-bit RGB, as Pillow's convert("RGB") and exif_transpose do. */
#include "image/pnm.h"
#include "image/stb.h"

#include <string.h>

/*
 * What decoding may take: a multiple of the picture's own size. A file that inflates to more than
 * its header says runs against it.
 */
static size_t
budget(const struct t5g_picture *p, size_t n)
{
    size_t area = (p->w + 64) * (p->h + 64);
    if (p->format == T5G_PICTURE_JPEG) /* planes, coefficients, result, and a copy of the file */
        return area * (p->channels * 3 + 4) + 2 * n + ((size_t)1 << 20);
    return area * 5 * 5 * (p->depth == 16 ? 2 : 1) + 4 * n + ((size_t)1 << 20);
}

/*
 * Four components are CMYK, or YCCK where an APP14 segment says so; without one the decoder would
 * take them for colour with alpha. *file and *n get such a segment.
 */
static int
name_transform(const struct t5g_picture *p, unsigned char **file, size_t *n, struct t5g_arena *a)
{
    static const unsigned char app14[] = {0xff, 0xd8, 0xff, 0xee, 0, 14, 'A', 'd', 'o',
                                          'b',  'e',  0,    100,  0, 0,  0,   0,   0};
    if (p->data != 0) {
        if ((*file)[p->data] != 0)
            (*file)[p->data] = 2;
        return 0;
    }
    unsigned char *copy = t5g_arena_alloc(a, *n + sizeof app14 - 2);
    if (copy == NULL)
        return -1;
    memcpy(copy, app14, sizeof app14);
    memcpy(copy + sizeof app14, *file + 2, *n - 2);
    *file = copy;
    *n += sizeof app14 - 2;
    return 0;
}

/* Samples [area, channels] to rgb [area, 3]; the two may start at the same address. */
static void
narrow(uint8_t *rgb, const void *samples, size_t area, size_t channels, bool wide, bool grey)
{
    const uint8_t *s8 = samples;
    const uint16_t *s16 = samples;
    for (size_t i = 0; i < area; i++) {
        uint8_t v[3];
        for (size_t c = 0; c < 3; c++) {
            size_t k = i * channels + (channels < 3 ? 0 : c);
            if (!wide)
                v[c] = s8[k];
            else if (grey) /* 16-bit grey is cut, not scaled */
                v[c] = (uint8_t)t5g_min(s16[k], 255);
            else
                v[c] = (uint8_t)(s16[k] >> 8);
        }
        memcpy(rgb + 3 * i, v, 3);
    }
}

static int
too_small(struct t5g_err *e, const struct t5g_arena *a)
{
    return t5g_err_set(e, T5G_EX_DATA, "needs more memory than the %zu MB set aside to decode",
                       a->size >> 20);
}

int
t5g_picture_decode(const struct t5g_picture *p, unsigned char *file, size_t n, struct t5g_arena *a,
                   uint8_t **rgb, struct t5g_err *e)
{
    void *samples;
    size_t channels, area = p->w * p->h, all = a->size;
    bool wide = p->format == T5G_PICTURE_PNG && p->depth == 16;
    if (p->format == T5G_PICTURE_PNM) {
        if ((*rgb = t5g_arena_alloc(a, area * 3)) == NULL)
            return too_small(e, a);
        t5g_pnm_decode(p, file, *rgb);
        return 0;
    }
    if (p->format == T5G_PICTURE_JPEG && p->channels == 4 && name_transform(p, &file, &n, a) < 0)
        return too_small(e, a);
    a->size = t5g_min(a->size, a->used + budget(p, n));
    int r = t5g_stb_decode(p, file, n, wide, a, &samples, &channels, e);
    a->size = all;
    if (r < 0)
        return -1;
    *rgb = samples;
    if (channels < 3 && (*rgb = t5g_arena_alloc(a, area * 3)) == NULL)
        return too_small(e, a);
    if (wide || channels != 3)
        narrow(*rgb, samples, area, channels, wide, p->grey);
    return 0;
}

/* Where pixel (i, j) of the upright picture lies in the stored one of w x h. */
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
        return too_small(e, a);
    for (size_t i = 0; i < tall; i++)
        for (size_t j = 0; j < wide; j++)
            memcpy(to + (i * wide + j) * 3, *rgb + source(orientation, i, j, *w, *h) * 3, 3);
    *rgb = to;
    *w = wide;
    *h = tall;
    return 0;
}
