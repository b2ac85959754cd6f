/*
 * jpeg_render.c: blocks to samples, samples to full size, components to RGB, as by libjpeg-turbo's
 * defaults and then Pillow's convert("RGB"). Samples at half resolution are interpolated, the
 * nearer one with three times the weight of the other, in both directions; at other resolutions
 * samples are repeated.
 */
#include "image/jpeg.h"

#include <string.h>

static int
transform(struct t5g_jpeg *j, struct t5g_jpeg_component *p)
{
    size_t stride = p->cols * 8;
    uint8_t *sample = t5g_arena_alloc(j->arena, stride * p->rows * 8);
    if (sample == NULL)
        return -1;
    for (size_t y = 0; y < p->rows; y++)
        for (size_t x = 0; x < p->cols; x++)
            t5g_jpeg_idct(p->block[y * p->stride + x], p->quant, sample + y * 8 * stride + x * 8,
                          stride);
    p->sample = sample;
    return 0;
}

/* Twice as many samples: near [w] has weight 3, its neighbour on either side 1. */
static void
widen(uint8_t *out, const uint8_t *near, const uint8_t *far, size_t w)
{
    /* far NULL: one line; else near has weight 3 and far 1. */
    int a = far == NULL ? 1 : 4, left = far == NULL ? 1 : 8, right = far == NULL ? 2 : 7;
    int shift = far == NULL ? 2 : 4, edge = far == NULL ? 0 : 8;
    int last = 0, this = far == NULL ? near[0] : 3 * near[0] + far[0];
    out[0] = (uint8_t)(far == NULL ? this : (this * a + edge) >> shift);
    for (size_t i = 0; i < w; i++) {
        int next = i + 1 == w ? 0 : far == NULL ? near[i + 1] : 3 * near[i + 1] + far[i + 1];
        if (i > 0)
            out[2 * i] = (uint8_t)((3 * this + last + left) >> shift);
        if (i + 1 < w)
            out[2 * i + 1] = (uint8_t)((3 * this + next + right) >> shift);
        else
            out[2 * i + 1] = (uint8_t)(far == NULL ? this : (this * a + 7) >> shift);
        last = this;
        this = next;
    }
}

/* Line y of a component at full size: out [w + up to 3], or a pointer to samples. */
static const uint8_t *
full_line(const struct t5g_jpeg *j, const struct t5g_jpeg_component *p, size_t y, uint8_t *out)
{
    size_t across = j->max_h / p->h, down = j->max_v / p->v, stride = p->cols * 8;
    size_t line = y / down;
    size_t other = y % 2 == 0 ? line - (line > 0) : line + (line + 1 < p->lines);
    const uint8_t *near = p->sample + line * stride, *far = p->sample + other * stride;
    if (across == 1 && down == 1)
        return near;
    if (across == 2 && down <= 2 && p->w > 2) {
        widen(out, near, down == 2 ? far : NULL, p->w);
    } else if (across == 1 && down == 2) {
        for (size_t x = 0; x < p->w; x++)
            out[x] = (uint8_t)((3 * near[x] + far[x] + 1 + (int)(y % 2)) >> 2);
    } else {
        for (size_t x = 0; x < j->w; x++)
            out[x] = near[x / across];
    }
    return out;
}

static uint8_t
clip(int v)
{
    return (uint8_t)(v < 0 ? 0 : v > 255 ? 255 : v);
}

/* JFIF's YCbCr, constants of 16 bits. */
static void
to_rgb(uint8_t *out, int y, int cb, int cr)
{
    cb -= 128;
    cr -= 128;
    out[0] = clip(y + ((91881 * cr + 32768) >> 16));
    out[1] = clip(y + ((-22554 * cb - 46802 * cr + 32768) >> 16));
    out[2] = clip(y + ((116130 * cb + 32768) >> 16));
}

/* Pillow's CMYK to RGB, from samples that are inverted in the file. */
static uint8_t
ink(uint8_t c, uint8_t k)
{
    int v = (255 - c) * k + 128;
    return clip(k - (((v >> 8) + v) >> 8));
}

enum colours { GREY, RGB, YCC, CMYK, YCCK };

/* The colours of the components, of which a JPEG gives only hints. */
static enum colours
colours_of(const struct t5g_jpeg *j)
{
    const struct t5g_jpeg_component *c = j->component;
    if (j->n_components == 1)
        return GREY;
    if (j->n_components == 4)
        return j->adobe && j->transform != 0 ? YCCK : CMYK;
    if (j->jfif)
        return YCC;
    if (j->adobe)
        return j->transform == 0 ? RGB : YCC;
    return c[0].id == 'R' && c[1].id == 'G' && c[2].id == 'B' ? RGB : YCC;
}

static void
convert(enum colours colours, uint8_t *out, const uint8_t *const line[4], size_t w)
{
    for (size_t x = 0; x < w; x++, out += 3) {
        switch (colours) {
        case GREY:
            out[0] = out[1] = out[2] = line[0][x];
            break;
        case RGB:
        case CMYK:
            for (size_t c = 0; c < 3; c++)
                out[c] = line[c][x];
            break;
        case YCC:
        case YCCK:
            to_rgb(out, line[0][x], line[1][x], line[2][x]);
            break;
        }
        for (size_t c = 0; c < 3 && colours >= CMYK; c++)
            out[c] = ink(colours == YCCK ? (uint8_t)(255 - out[c]) : out[c], line[3][x]);
    }
}

int
t5g_jpeg_render(struct t5g_jpeg *j, uint8_t *rgb, struct t5g_err *e)
{
    uint8_t *wide[4];
    const uint8_t *line[4];
    enum colours colours = colours_of(j);
    for (size_t c = 0; c < j->n_components; c++) {
        struct t5g_jpeg_component *p = &j->component[c];
        wide[c] = t5g_arena_alloc(j->arena, j->w + 8);
        if (wide[c] == NULL || transform(j, p) < 0)
            return t5g_arena_fail(j->arena, e);
    }
    for (size_t y = 0; y < j->h; y++) {
        for (size_t c = 0; c < j->n_components; c++)
            line[c] = full_line(j, &j->component[c], y, wide[c]);
        convert(colours, rgb + y * j->w * 3, line, j->w);
    }
    return 0;
}
