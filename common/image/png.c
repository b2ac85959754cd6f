/* png.c: the chunks of a PNG (W3C PNG, third edition, 5): order, lengths, CRC; nothing inflated. */
#include "image/png.h"
#include "base/crc32.h"

#include <string.h>

static uint32_t
be32(const unsigned char *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static bool
is(const unsigned char *type, const char *name)
{
    return memcmp(type, name, 4) == 0;
}

struct walk {
    struct t5g_picture *p;
    bool header, palette, data, data_over;
};

static int
read_header(struct walk *w, const unsigned char *d, size_t n, struct t5g_err *e)
{
    static const struct {
        unsigned char colour, depths, channels; /* depths: the legal ones, or-ed */
    } kinds[] = {{0, 1 | 2 | 4 | 8 | 16, 1},
                 {2, 8 | 16, 3},
                 {3, 1 | 2 | 4 | 8, 1},
                 {4, 8 | 16, 2},
                 {6, 8 | 16, 4}};
    if (n != 13)
        return t5g_err_set(e, T5G_EX_DATA, "%zu bytes, expected 13", n);
    for (size_t i = 0; i < T5G_LEN(kinds); i++) {
        bool power = d[8] != 0 && (d[8] & (d[8] - 1)) == 0;
        if (kinds[i].colour != d[9] || !power || (kinds[i].depths & d[8]) == 0)
            continue;
        if (d[10] != 0 || d[11] != 0 || d[12] > 1)
            return t5g_err_set(e, T5G_EX_DATA, "compression %u, filter %u, interlace %u", d[10],
                               d[11], d[12]);
        w->header = true;
        w->p->w = be32(d);
        w->p->h = be32(d + 4);
        w->p->depth = d[8];
        w->p->channels = kinds[i].channels;
        w->p->colour = d[9];
        w->p->interlaced = d[12] != 0;
        return t5g_picture_check_size(w->p->w, w->p->h, e);
    }
    return t5g_err_set(e, T5G_EX_DATA, "colour type %u with %u bits", d[9], d[8]);
}

/* Refuse an animation whose first frame is only a part of the picture. */
static int
read_frame(const struct walk *w, const unsigned char *d, size_t n, struct t5g_err *e)
{
    if (n != 26)
        return t5g_err_set(e, T5G_EX_DATA, "%zu bytes, expected 26", n);
    if (!w->data && (be32(d + 4) != w->p->w || be32(d + 8) != w->p->h || be32(d + 12) != 0 ||
                     be32(d + 16) != 0))
        return t5g_err_set(e, T5G_EX_DATA, "a first frame that is a part of the picture");
    return 0;
}

/* One chunk with a correct CRC; -1 with a message that does not name its place. */
static int
read_chunk(struct walk *w, const unsigned char *type, const unsigned char *d, size_t n,
           struct t5g_err *e)
{
    bool indexed = w->p->colour == 3;
    if (!w->header && !is(type, "IHDR"))
        return t5g_err_set(e, T5G_EX_DATA, "before IHDR");
    w->data_over = w->data_over || (w->data && !is(type, "IDAT"));
    if (is(type, "IHDR")) {
        return w->header ? t5g_err_set(e, T5G_EX_DATA, "a second one") : read_header(w, d, n, e);
    } else if (is(type, "PLTE") && indexed && !w->data) { /* otherwise it is not used */
        if (w->palette || n == 0 || n % 3 != 0 || n > 768)
            return t5g_err_set(e, T5G_EX_DATA, "not allowed here, or of bad length");
        w->palette = true;
    } else if (is(type, "IDAT")) {
        if (w->data_over || (indexed && !w->palette))
            return t5g_err_set(e, T5G_EX_DATA,
                               w->data_over ? "not behind the others" : "before the palette");
        w->data = w->data || n > 0;
    } else if (is(type, "tRNS") && (w->p->colour == 0 || w->p->colour == 2)) {
        size_t least = w->p->colour == 2 ? 6 : 2;
        if (n < least)
            return t5g_err_set(e, T5G_EX_DATA, "%zu bytes, expected %zu", n, least);
    } else if (is(type, "fcTL")) {
        return read_frame(w, d, n, e);
    } else if (is(type, "IEND")) {
        if (n != 0 || !w->data)
            return t5g_err_set(e, T5G_EX_DATA, n != 0 ? "of bad length" : "no image data before");
    } else if ((type[0] & 0x20) == 0 && !is(type, "PLTE")) {
        return t5g_err_set(e, T5G_EX_DATA, "unknown, and needed to show the picture");
    }
    return 0;
}

int
t5g_png_check(struct t5g_picture *p, const unsigned char *file, size_t n, struct t5g_err *e)
{
    struct walk w = {.p = p};
    p->format = T5G_PICTURE_PNG;
    for (size_t at = 8;;) {
        if (n - at < 12)
            return t5g_err_set(e, T5G_EX_DATA, "PNG: cut off at byte %zu, without IEND", n);
        size_t len = be32(file + at);
        const unsigned char *type = file + at + 4, *d = type + 4;
        for (int i = 0; i < 4; i++)
            if ((type[i] | 0x20) < 'a' || (type[i] | 0x20) > 'z')
                return t5g_err_set(e, T5G_EX_DATA, "PNG: no chunk at byte %zu", at);
        if (len > n - at - 12)
            return t5g_err_set(e, T5G_EX_DATA,
                               "PNG: chunk %.4s at byte %zu: %zu bytes, %zu are left",
                               (const char *)type, at, len, n - at - 12);
        if (t5g_crc32(type, len + 4) != be32(d + len))
            return t5g_err_set(e, T5G_EX_DATA, "PNG: chunk %.4s at byte %zu: wrong CRC",
                               (const char *)type, at);
        if (read_chunk(&w, type, d, len, e) < 0)
            return t5g_err_in(e, "PNG: chunk %.4s at byte %zu", (const char *)type, at);
        at += 12 + len;
        if (is(type, "IEND"))
            return 0;
    }
}

bool
t5g_png_next(struct t5g_png_chunk *c, const unsigned char *file, size_t n, size_t *at)
{
    if (n - *at < 12)
        return false;
    *c = (struct t5g_png_chunk){file + *at + 4, file + *at + 8, be32(file + *at), *at};
    *at = is(c->type, "IEND") ? n : *at + 12 + c->n;
    return true;
}
