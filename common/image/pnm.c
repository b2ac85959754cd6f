/*
 * pnm.c: PBM, PGM and PPM, raw (P4 to P6) and plain (P1 to P3), by netpbm's pages; where they are
 * silent (comments within numbers, values above the largest), as Pillow does.
 */
#include "image/picture.h"

#include <ctype.h>
#include <math.h>

/* The byte after the line of the comment at `at`, or n. */
static size_t
behind_comment(const unsigned char *file, size_t n, size_t at)
{
    while (at < n && file[at] != '\n' && file[at] != '\r')
        at++;
    return at < n ? at + 1 : n;
}

/* The next number, of up to 10 digits, at *at, which moves after it and one white space. *v: its
 * value. False: none, and *at is at the offending byte. */
static bool
number(const unsigned char *file, size_t n, size_t *at, uint64_t *v)
{
    size_t digits = 0;
    *v = 0;
    while (*at < n) {
        unsigned char c = file[*at];
        if (c == '#') {
            *at = behind_comment(file, n, *at);
        } else if (isspace(c)) {
            ++*at;
            if (digits > 0)
                return true;
        } else if (isdigit(c) && digits < 10) {
            *v = *v * 10 + (c - '0');
            digits++;
            ++*at;
        } else {
            return false;
        }
    }
    return digits > 0;
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
    static const char *const what[] = {"width", "height", "largest value"};
    bool bits = file[1] == '1' || file[1] == '4';
    size_t at = 2;
    uint64_t v[3] = {0, 0, 1};
    p->format = T5G_PICTURE_PNM;
    p->channels = file[1] == '3' || file[1] == '6' ? 3 : 1;
    p->plain = file[1] <= '3';
    if (n > 2 && !isspace(file[2]) && file[2] != '#')
        return t5g_err_set(e, T5G_EX_DATA, "PNM: byte 2: expected white space");
    for (size_t i = 0; i < (bits ? 2 : 3); i++)
        if (!number(file, n, &at, &v[i]))
            return t5g_err_set(e, T5G_EX_DATA, "PNM: byte %zu: expected a number (%s)", at,
                               what[i]);
    if (v[2] == 0 || v[2] > 65535)
        return t5g_err_set(e, T5G_EX_DATA, "PNM: byte %zu: largest value %llu, expected 1 to 65535",
                           at, (unsigned long long)v[2]);
    if (t5g_picture_check_size(v[0], v[1], e) < 0)
        return t5g_err_in(e, "PNM: byte %zu", at);
    p->w = v[0];
    p->h = v[1];
    p->max = (unsigned)v[2];
    p->depth = bits ? 1 : v[2] > 255 ? 16 : 8;
    p->data = at;
    size_t least = p->plain ? p->w * p->h * p->channels : row_bytes(p) * p->h;
    if (least > n - at)
        return t5g_err_set(e, T5G_EX_DATA,
                           "PNM: %zu bytes of samples from byte %zu on, expected %s%zu", n - at, at,
                           p->plain ? "at least " : "", least);
    return 0;
}

/*
 * Sample v as Pillow converts it: to 8 bits by rounding to the nearest, ties to even; grey beyond 8
 * bits to 16, clipped at 255 when it becomes RGB.
 */
static uint8_t
level(const struct t5g_picture *p, unsigned v)
{
    double out = p->channels == 1 && p->max > 255 ? 65535 : 255;
    return (uint8_t)fmin(rint((double)v / p->max * out), 255);
}

/* The sample of a plain file at *at, which moves after it; -1: none, or too large. */
static int
plain_sample(const struct t5g_picture *p, const unsigned char *file, size_t n, size_t *at)
{
    uint64_t v;
    if (p->depth == 1) /* digits need no space between them */
        return *at < n && (file[*at] | 1) == '1' ? file[(*at)++] - '0' : -1;
    return number(file, n, at, &v) && v <= p->max ? (int)v : -1;
}

static int
decode_plain(const struct t5g_picture *p, const unsigned char *file, size_t n, uint8_t *rgb,
             struct t5g_err *e)
{
    size_t at = p->data;
    for (size_t i = 0; i < p->w * p->h * p->channels; i++) {
        while (at < n && (isspace(file[at]) || file[at] == '#'))
            at = file[at] == '#' ? behind_comment(file, n, at) : at + 1;
        size_t before = at;
        int v = plain_sample(p, file, n, &at);
        if (v < 0)
            return t5g_err_set(e, T5G_EX_DATA,
                               "PNM: byte %zu: sample %zu: expected a number from 0 to %u", before,
                               i + 1, p->max);
        uint8_t out = p->depth == 1 ? (uint8_t)(v != 0 ? 0 : 255) : level(p, (unsigned)v);
        for (size_t c = 0; c < 3 / p->channels; c++)
            *rgb++ = out;
    }
    return 0;
}

int
t5g_pnm_decode(const struct t5g_picture *p, const unsigned char *file, size_t n, uint8_t *rgb,
               struct t5g_err *e)
{
    if (p->plain)
        return decode_plain(p, file, n, rgb, e);
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
    return 0;
}
