/*
 * quantize.h: activations to 8 bits, the same at every level.
 *
 * The file that includes this has defined
 *
 *   rotate(y, x, k)    as in struct t5g_kernels
 *   largest(x, n)      largest |x|, n a multiple of 32; not finite where an element is not
 *   round32(q, x, f)   q [32] = x [32] * f, rounded to the nearest, ties to even
 *   sum_of(q, n)       their sum, n a multiple of 32
 */
#ifndef T5G_QUANTIZE_H
#define T5G_QUANTIZE_H

#include "kernels/kernels.h"
#include "kernels/rotate.h"
#include "kernels/template.h"

/* n elements of which max is the largest, n a multiple of 32; returns their scale. */
TEMPLATE float
round_to(int8_t *q, const float *x, size_t n, float max)
{
    bool none = max < 1e-30f || !isfinite(max);
    float f = 127 / max;
    for (size_t i = 0; i < n && !none; i += 32)
        round32(q + i, x + i, f);
    if (none)
        memset(q, 0, n);
    return isfinite(max) ? (none ? 0 : max / 127) : NAN;
}

/* n elements of one group, n a multiple of 32; returns its scale. */
static float
quantize_group(int8_t *q, int32_t *sum, const float *x, size_t n, size_t piece)
{
    float scale = round_to(q, x, n, largest(x, n));
    for (size_t i = 0; i < n; i += piece)
        *sum++ = sum_of(q + i, t5g_min(piece, n - i));
    return scale;
}

static float
quantize_row(int8_t *q, float *x, size_t k)
{
    float rest[32] = {0};
    int8_t last[32];
    size_t whole = k / 32 * 32;
    rotate(x, x, k);
    memcpy(rest, x + whole, (k - whole) * sizeof *x);
    float max = largest(x, whole), of_rest = largest(rest, 32);
    if (of_rest > max || isnan(of_rest)) /* a NaN in max stays */
        max = of_rest;
    float scale = round_to(q, x, whole, max);
    round_to(last, rest, 32, max);
    memcpy(q + whole, last, k - whole);
    return scale;
}

static void
quantize(int8_t *q, float *scale, int32_t *sum, const float *x, size_t k, size_t group,
         size_t piece)
{
    _Alignas(64) float y[T5G_ROTATE]; /* no register lies in two lines */
    for (size_t i = 0; i < k; i += T5G_ROTATE) {
        size_t n = t5g_min(T5G_ROTATE, k - i), filled = t5g_round_up(n, 32);
        rotate(y, x + i, n);
        for (size_t j = n; j < filled; j++)
            y[j] = 0;
        for (size_t g = 0; g < n; g += group)
            *scale++ = quantize_group(q + i + g, sum + (i + g) / piece, y + g,
                                      t5g_min(group, filled - g), piece);
    }
}

#endif
