/*
 * png_decode.c: the samples of a PNG (W3C PNG, third edition, 7 to 9) to 8-bit RGB as Pillow's
 * convert("RGB") makes them: alpha is dropped, of 16 bits the high byte stays, but grey is cut at
 * 255; palette entries that the file does not have are black.
 */
#include "image/inflate.h"
#include "image/png.h"

#include <stdlib.h>
#include <string.h>

/* One of the seven passes of an interlaced picture, or all of one that is not. */
struct pass {
    size_t x, y, across, down; /* its first pixel, and the distances */
    size_t w, h;
};

static size_t
passes_of(const struct t5g_picture *p, struct pass pass[7])
{
    static const uint8_t adam7[7][4] = {{0, 0, 8, 8}, {4, 0, 8, 8}, {0, 4, 4, 8}, {2, 0, 4, 4},
                                        {0, 2, 2, 4}, {1, 0, 2, 2}, {0, 1, 1, 2}};
    size_t n = p->interlaced ? 7 : 1;
    for (size_t i = 0; i < n; i++) {
        struct pass q = {0, 0, 1, 1, 0, 0};
        if (p->interlaced)
            q = (struct pass){adam7[i][0], adam7[i][1], adam7[i][2], adam7[i][3], 0, 0};
        q.w = (p->w + q.across - 1 - q.x) / q.across;
        q.h = (p->h + q.down - 1 - q.y) / q.down;
        if (p->w <= q.x || p->h <= q.y)
            q.w = q.h = 0;
        pass[i] = q;
    }
    return n;
}

static size_t
bits_of(const struct t5g_picture *p) /* of a pixel */
{
    return (p->colour == 3 ? 1 : p->channels) * p->depth;
}

/* Bytes of a row behind its filter. */
static size_t
row_bytes(const struct t5g_picture *p, size_t w)
{
    return (w * bits_of(p) + 7) / 8;
}

static uint8_t
paeth(int a, int b, int c)
{
    int pa = abs(b - c), pb = abs(a - c), pc = abs(a + b - 2 * c);
    return (uint8_t)(pa <= pb && pa <= pc ? a : pb <= pc ? b : c);
}

/* 9.2: row [n] from what the filter left of it; above [n], zeros for the first row; step: bytes of
 * a pixel. -1: there is no such filter. */
static int
unfilter(uint8_t *row, const uint8_t *above, size_t n, size_t step, unsigned filter)
{
    for (size_t i = 0; filter == 1 && i + step < n; i++)
        row[i + step] = (uint8_t)(row[i + step] + row[i]);
    for (size_t i = 0; filter == 2 && i < n; i++)
        row[i] = (uint8_t)(row[i] + above[i]);
    for (size_t i = 0; filter == 3 && i < n; i++)
        row[i] = (uint8_t)(row[i] + ((i < step ? 0 : row[i - step]) + above[i]) / 2);
    for (size_t i = 0; filter == 4 && i < n; i++) {
        int left = i < step ? 0 : row[i - step], corner = i < step ? 0 : above[i - step];
        row[i] = (uint8_t)(row[i] + paeth(left, above[i], corner));
    }
    return filter <= 4 ? 0 : -1;
}

/* Pixel i of a row. */
static void
pixel(const struct t5g_picture *p, const uint8_t *palette, const uint8_t *row, size_t i,
      uint8_t *out)
{
    unsigned v = row[i * p->depth / 8];
    size_t bytes = p->depth / 8;
    if (p->depth < 8)
        v = v >> (8 - p->depth - i * p->depth % 8) & ((1U << p->depth) - 1);
    switch (p->colour) {
    case 0:
        if (p->depth < 8)
            v *= 255 / ((1U << p->depth) - 1);
        else if (p->depth == 16)
            v = v > 0 ? 255 : row[2 * i + 1];
        memset(out, (int)v, 3);
        break;
    case 3:
        memcpy(out, palette + 3 * v, 3);
        break;
    case 4:
        memset(out, row[i * 2 * bytes], 3);
        break;
    default:
        for (size_t c = 0; c < 3; c++)
            out[c] = row[(i * p->channels + c) * bytes];
    }
}

/* The palette [256, 3], and the image data of all IDAT chunks behind the first's start. */
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
            return; /* the chunk just read may be written over */
    }
}

static int
decode_pass(const struct t5g_picture *p, const struct pass *q, const uint8_t *palette, uint8_t *raw,
            const uint8_t *zeros, uint8_t *rgb)
{
    size_t n = row_bytes(p, q->w), step = (bits_of(p) + 7) / 8;
    const uint8_t *above = zeros;
    for (size_t i = 0; i < q->h; i++, raw += 1 + n) {
        if (unfilter(raw + 1, above, n, step, raw[0]) < 0)
            return -1;
        above = raw + 1;
        uint8_t *out = rgb + ((q->y + i * q->down) * p->w + q->x) * 3;
        for (size_t k = 0; k < q->w; k++, out += 3 * q->across)
            pixel(p, palette, raw + 1, k, out);
    }
    return 0;
}

int
t5g_png_decode(struct t5g_picture *p, unsigned char *file, size_t n, struct t5g_arena *a,
               uint8_t *rgb, struct t5g_err *e)
{
    struct pass pass[7];
    uint8_t palette[768];
    unsigned char *data = NULL;
    size_t first, packed, got, size = 0, n_passes = passes_of(p, pass);
    p->orientation = t5g_png_orientation(file, n, a);
    for (size_t i = 0; i < n_passes; i++)
        size += pass[i].w > 0 ? pass[i].h * (1 + row_bytes(p, pass[i].w)) : 0;
    uint8_t *raw = t5g_arena_alloc(a, size), *zeros = t5g_arena_alloc(a, row_bytes(p, p->w));
    if (raw == NULL || zeros == NULL)
        return t5g_err_set(e, T5G_EX_DATA, "PNG: more memory than is set aside to decode");
    memset(zeros, 0, row_bytes(p, p->w));
    gather(p, file, n, palette, &first, &data, &packed);
    if (t5g_inflate(data, packed, raw, size, &got, e) < 0)
        return t5g_err_in(e, "PNG: chunk IDAT at byte %zu", first);
    if (got < size)
        return t5g_err_set(e, T5G_EX_DATA,
                           "PNG: chunk IDAT at byte %zu: %zu bytes of samples, expected %zu", first,
                           got, size);
    for (size_t i = 0; i < n_passes; i++) {
        if (decode_pass(p, &pass[i], palette, raw, zeros, rgb) < 0)
            return t5g_err_set(e, T5G_EX_DATA,
                               "PNG: chunk IDAT at byte %zu: a row of filter above 4", first);
        raw += pass[i].w > 0 ? pass[i].h * (1 + row_bytes(p, pass[i].w)) : 0;
    }
    return 0;
}
