/*
 * png_alpha.c: transparency of a PNG, as transformers and Pillow 13 treat it.
 *
 * Since version 5.21 transformers puts a picture with transparency on white. Given a path, however,
 * it calls convert("RGB") first, which drops alpha but keeps a transparent colour, one value of the
 * chunk tRNS, as a colour of the RGB picture; only that one then becomes white. Where Pillow
 * compares the transparent value with other things than PNG means, so does this file.
 */
#include "image/png.h"

#include <string.h>

#define WHITE 255u

static unsigned
be16(const unsigned char *p)
{
    return (unsigned)p[0] << 8 | p[1];
}

/*
 * The transparent entry of a palette of which all others are opaque, -1: there are several, or
 * half-transparent ones. Pillow finds out by a regular expression, whose `$` also matches in front
 * of a line feed at the end.
 */
static int
only_entry(const unsigned char *alpha, size_t n)
{
    int found = -1;
    n -= n > 1 && alpha[n - 1] == '\n';
    for (size_t i = 0; i < n; i++) {
        if (alpha[i] != 255 && (alpha[i] != 0 || found >= 0))
            return -1;
        if (alpha[i] == 0)
            found = (int)i;
    }
    return found;
}

static void
read_chunk(struct t5g_png_alpha *a, const struct t5g_picture *p, const unsigned char *d, size_t n)
{
    a->keyed = a->entries = false;
    if (p->colour == 3) {
        int entry = only_entry(d, n);
        a->keyed = entry >= 0;
        a->entries = n > 0;
        memset(a->entry, 255, sizeof a->entry);
        for (size_t i = 0; i < t5g_min(n, 256); i++)
            a->entry[i] = entry < 0 ? d[i] : (int)i == entry ? 0 : 255;
        a->key[0] = (uint16_t)(entry & 255);
    } else if (p->colour == 0 || p->colour == 2) {
        a->keyed = true;
        for (size_t c = 0; c < 3; c++)
            a->key[c] = (uint16_t)be16(d + (p->colour == 2 ? 2 * c : 0));
    }
}

/* What the transparent value of the file is among the RGB values of Pillow's picture. */
static void
settle_key(struct t5g_png_alpha *a, const struct t5g_picture *p, const uint8_t *palette)
{
    unsigned v = a->key[0];
    bool path = p->alpha == T5G_ALPHA_AUTO;
    for (size_t c = 0; c < 3; c++) {
        if (p->colour == 3)
            a->key[c] = palette[3 * v + c];
        else if (p->colour == 2)
            a->key[c] &= 255;
        else if (p->depth == 1) /* a number where a colour is expected is its red */
            a->key[c] = v != 0 && (!path || c == 0) ? 255 : 0;
        else if (p->depth == 16 && path)
            a->key[c] = c == 0 ? v & 255 : 0;
        else
            a->key[c] = (uint16_t)(path ? t5g_min(v, 255) : v & 255);
    }
}

void
t5g_png_read_alpha(struct t5g_png_alpha *a, const struct t5g_picture *p, const unsigned char *file,
                   size_t n)
{
    struct t5g_png_chunk c;
    *a = (struct t5g_png_alpha){0};
    if (p->alpha == T5G_ALPHA_DROP)
        return;
    for (size_t at = 8; t5g_png_next(&c, file, n, &at);)
        if (memcmp(c.type, "tRNS", 4) == 0)
            read_chunk(a, p, c.data, c.n);
}

/* One pixel with an alpha below 255 on white, rounded as Pillow's alpha_composite. */
static void
put_on_white(uint8_t rgb[3], unsigned alpha)
{
    for (size_t c = 0; c < 3; c++) {
        unsigned sum = (rgb[c] * alpha + WHITE * (255 - alpha)) * 128 + (128u << 7);
        rgb[c] = (uint8_t)(((sum >> 8) + sum) >> 8 >> 7);
    }
}

void
t5g_png_whiten(struct t5g_png_alpha *a, const struct t5g_picture *p, const uint8_t *palette,
               const void *samples, size_t channels, uint8_t *rgb)
{
    const uint8_t *s8 = samples;
    const uint16_t *s16 = samples;
    bool has_channel = p->colour >= 4 && p->alpha == T5G_ALPHA_WHITE;
    bool by_entry = a->entries && p->alpha == T5G_ALPHA_WHITE;
    if (!has_channel && !by_entry && !a->keyed)
        return;
    settle_key(a, p, palette);
    for (size_t i = 0; i < p->w * p->h; i++, rgb += 3) {
        unsigned alpha = 255;
        if (has_channel)
            alpha = p->depth == 16 ? s16[(i + 1) * channels - 1] >> 8 : s8[(i + 1) * channels - 1];
        else if (by_entry)
            alpha = a->entry[s8[i * channels]];
        else if (rgb[0] == a->key[0] && rgb[1] == a->key[1] && rgb[2] == a->key[2])
            alpha = 0;
        if (alpha < 255)
            put_on_white(rgb, alpha);
    }
}
