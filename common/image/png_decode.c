/*
 * png_decode.c: the samples of a PNG to 8-bit RGB as Pillow's convert("RGB") makes them: alpha is
 * dropped (png_alpha.c then acts); 16-bit colours keep their high byte, but 16-bit grey is clipped
 * at 255; palette entries missing in the file are black.
 */
#include "image/png.h"
#include "image/stb.h"

#include <string.h>

/* Bytes of inflated data: a filter and the samples of every row in each pass (PNG, 8.2). */
static size_t
raw_size(const struct t5g_picture *p)
{
    static const uint8_t adam7[7][4] = {{0, 0, 8, 8}, {4, 0, 8, 8}, {0, 4, 4, 8}, {2, 0, 4, 4},
                                        {0, 2, 2, 4}, {1, 0, 2, 2}, {0, 1, 1, 2}};
    size_t bits = p->channels * p->depth, size = 0;
    if (!p->interlaced)
        return p->h * (1 + (p->w * bits + 7) / 8);
    for (size_t i = 0; i < T5G_LEN(adam7); i++) {
        size_t x = adam7[i][0], y = adam7[i][1], across = adam7[i][2], down = adam7[i][3];
        size_t w = p->w > x ? (p->w - x + across - 1) / across : 0;
        size_t h = p->h > y ? (p->h - y + down - 1) / down : 0;
        size += w > 0 ? h * (1 + (w * bits + 7) / 8) : 0;
    }
    return size;
}

/* The palette [256, 3], and the data of all IDAT chunks, moved together in the first one's
 * place. */
static void
gather(const struct t5g_picture *p, unsigned char *file, size_t n, uint8_t *palette, size_t *first,
       unsigned char **data, size_t *size)
{
    struct t5g_png_chunk c;
    size_t at = 8;
    memset(palette, 0, 768);
    for (*first = 0, *size = 0; t5g_png_next(&c, file, n, &at);) {
        if (memcmp(c.type, "PLTE", 4) == 0 && p->colour == 3)
            memcpy(palette, c.data, c.n);
        if (memcmp(c.type, "IDAT", 4) != 0)
            continue;
        if (*first == 0) {
            *first = c.at;
            *data = file + c.at + 8;
        }
        memmove(*data + *size, c.data, c.n);
        *size += c.n;
        if (memcmp(file + at + 4, "IDAT", 4) != 0)
            return; /* this chunk may have been overwritten: look at the next */
    }
}

/* samples [area, channels] to rgb [area, 3]. */
static void
narrow(const struct t5g_picture *p, const uint8_t *palette, const void *samples, size_t channels,
       uint8_t *rgb)
{
    const uint8_t *s8 = samples;
    const uint16_t *s16 = samples;
    for (size_t i = 0; i < p->w * p->h; i++, rgb += 3)
        for (size_t c = 0; c < 3; c++) {
            size_t k = i * channels + (channels < 3 ? 0 : c);
            if (p->colour == 3)
                rgb[c] = palette[3 * s8[k] + c];
            else if (p->depth < 16)
                rgb[c] = s8[k];
            else if (p->colour == 0) /* 16-bit grey is clipped, not scaled */
                rgb[c] = (uint8_t)t5g_min(s16[k], 255);
            else
                rgb[c] = (uint8_t)(s16[k] >> 8);
        }
}

int
t5g_png_decode(struct t5g_picture *p, unsigned char *file, size_t n, struct t5g_arena *a,
               uint8_t *rgb, struct t5g_err *e)
{
    struct t5g_png_alpha alpha;
    uint8_t palette[768];
    unsigned char *data = NULL;
    const void *samples;
    size_t first, packed, got, channels, size = raw_size(p);
    t5g_png_read_alpha(&alpha, p, file, n);
    p->orientation = t5g_png_orientation(file, n, a);
    uint8_t *raw = t5g_arena_alloc(a, size + T5G_STB_SLACK);
    if (raw == NULL)
        return t5g_arena_fail(a, e);
    gather(p, file, n, palette, &first, &data, &packed);
    if (t5g_stb_inflate(data, packed, raw, size, &got, e) < 0)
        return t5g_err_in(e, "PNG: chunk IDAT at byte %zu", first);
    if (got < size)
        return t5g_err_set(e, T5G_EX_DATA,
                           "PNG: chunk IDAT at byte %zu: %zu bytes of samples, expected %zu", first,
                           got, size);
    if (t5g_stb_samples(p, raw, got, a, &samples, &channels, e) < 0)
        return t5g_err_in(e, "PNG: chunk IDAT at byte %zu", first);
    narrow(p, palette, samples, channels, rgb);
    t5g_png_whiten(&alpha, p, palette, samples, channels, rgb);
    return 0;
}
