/*
 * q8row.c: a row of numbers as bytes with one scale, rotated.
 *
 *   r = rotate(x)                              outliers are spread: kernels/rotate.h
 *   scale = largest |r| / 127,  q = round(r / scale)
 *   x' = rotate(q scale)                       the rotation is its own inverse
 */
#include "nn/q8row.h"
#include "kernels/rotate.h"

void
t5g_q8_row(const struct t5g_kernels *k, int8_t *q, float *scale, float *x, size_t n)
{
    *scale = k->quantize_row(q, x, n);
}

void
t5g_q8_row_back(const struct t5g_kernels *k, float *x, const int8_t *q, float scale, size_t n)
{
    for (size_t i = 0; i < n; i++)
        x[i] = (float)q[i] * scale;
    k->rotate(x, x, n);
}

size_t
t5g_q8_runs(size_t d)
{
    return (d + T5G_ROTATE - 1) / T5G_ROTATE;
}

void
t5g_q8_rows(const struct t5g_kernels *k, int8_t *q, float *scale, float *x, size_t n, size_t d)
{
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < d; j += T5G_ROTATE)
            t5g_q8_row(k, q + i * d + j, scale++, x + i * d + j, t5g_min(T5G_ROTATE, d - j));
}

void
t5g_q8_rows_back(const struct t5g_kernels *k, float *x, const int8_t *q, const float *scale,
                 size_t n, size_t d)
{
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < d; j += T5G_ROTATE)
            t5g_q8_row_back(k, x + i * d + j, q + i * d + j, *scale++, t5g_min(T5G_ROTATE, d - j));
}
