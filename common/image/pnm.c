/* pnm.c: PBM, PGM and PPM with raw samples (netpbm's pbm(5), pgm(5), ppm(5)). */
#include "image/pnm.h"

#include <ctype.h>
#include <math.h>

/* Next number of the header at *at, which moves behind it and one white space; 0 when none. */
static uint64_t
token(const unsigned char *file, size_t n, size_t *at)
{
    uint64_t v = 0;
    size_t digits = 0;
    for (; *at < n; ++*at) {
        unsigned char c = file[*at];
        if (c == '#') {
            while (*at < n && file[*at] != '\n' && file[*at] != '\r')
                ++*at;
        } else if (c >= '0' && c <= '9' && digits < 10) {
            v = v * 10 + (c - '0');
            digits++;
        } else if (isspace(c) && digits > 0) {
            ++*at;
            return v;
        } else if (!isspace(c)) {
            return 0;
        }
    }
    return 0;
}

/* Bytes of a row of samples. */
static size_t
row_bytes(const struct t5g_picture *p)
{
    return p->depth == 1 ? (p->w + 7) / 8 : p->w * p->channels * (p->depth / 8);
}

int
t5g_pnm_check(struct t5g_picture *p, const unsigned char *file, size_t n, struct t5g_err *e)
{
    size_t at = 2;
    p->format = T5G_PICTURE_PNM;
    p->channels = file[1] == '6' ? 3 : 1;
    uint64_t w = token(file, n, &at), h = token(file, n, &at);
    uint64_t max = file[1] == '4' ? 1 : token(file, n, &at);
    if (max == 0 || max > 65535)
        return t5g_err_set(e, T5G_EX_DATA, "PNM: no header of size and largest value");
    if (t5g_picture_check_size("PNM", w, h, e) < 0)
        return -1;
    p->w = w;
    p->h = h;
    p->max = (unsigned)max;
    p->depth = file[1] == '4' ? 1 : max > 255 ? 16 : 8;
    p->data = at;
    if (row_bytes(p) * p->h > n - at)
        return t5g_err_set(e, T5G_EX_DATA, "PNM: %zu bytes of samples, expected %zu", n - at,
                           row_bytes(p) * p->h);
    return 0;
}

/*
 * What Pillow makes of sample v: 8 bits by rounding to the nearest (to even between two); grey
 * beyond 8 bits is kept in 16 and cut at 255 when it becomes RGB.
 */
static uint8_t
level(const struct t5g_picture *p, unsigned v)
{
    double out = p->channels == 1 && p->max > 255 ? 65535 : 255;
    return (uint8_t)fmin(rint((double)v / p->max * out), 255);
}

void
t5g_pnm_decode(const struct t5g_picture *p, const unsigned char *file, uint8_t *rgb)
{
    for (size_t i = 0; i < p->h; i++) {
        const unsigned char *row = file + p->data + i * row_bytes(p);
        for (size_t j = 0; j < p->w * 3; j++) {
            size_t k = p->channels == 3 ? j : j / 3;
            if (p->depth == 1) /* 1 is black */
                *rgb++ = (row[k / 8] >> (7 - k % 8) & 1) != 0 ? 0 : 255;
            else
                *rgb++ =
                    level(p, p->depth == 8 ? row[k] : (unsigned)row[2 * k] << 8 | row[2 * k + 1]);
        }
    }
}
