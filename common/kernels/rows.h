/*
 * rows.h: dot and mix of struct t5g_kernels from a level's tiles.
 *
 * The including file first defines
 *
 *   dot_tile(R, N, y, ldy, x, ldx, w, dtype, k)
 *              R rows of w times N rows of x: 8 by 1, 4 by 1 to DOT_N, 1 by 1
 *   mix_as(o, ldo, p, ldp, rows, v, dtype, ldv, n, k)
 *              mix for one dtype
 *   DOT_N      rows of x that a tile takes, at most 4
 *   DOT_FEW    1: two or three rows of x make a tile too; 0: they are taken one by one
 */
#ifndef T5G_ROWS_H
#define T5G_ROWS_H

#include "kernels/kernels.h"

TEMPLATE void
dot_as(float *y, size_t ldy, const float *x, size_t ldx, size_t n, const char *w, int dtype,
       size_t rows, size_t k)
{
    const size_t row = k * item_size(dtype);
    size_t r = 0;
    if (n == 1) /* eight chains hide the latency of the sums */
        for (; r + 8 <= rows; r += 8)
            dot_tile(8, 1, y + r, ldy, x, ldx, w + r * row, dtype, k);
    for (; r + 4 <= rows; r += 4) {
        size_t i = 0;
        for (; i + DOT_N <= n; i += DOT_N)
            dot_tile(4, DOT_N, y + i * ldy + r, ldy, x + i * ldx, ldx, w + r * row, dtype, k);
        if (DOT_FEW && n - i == 3)
            dot_tile(4, 3, y + i * ldy + r, ldy, x + i * ldx, ldx, w + r * row, dtype, k);
        else if (DOT_FEW && n - i == 2)
            dot_tile(4, 2, y + i * ldy + r, ldy, x + i * ldx, ldx, w + r * row, dtype, k);
        else
            for (; i < n; i++)
                dot_tile(4, 1, y + i * ldy + r, ldy, x + i * ldx, ldx, w + r * row, dtype, k);
    }
    for (; r < rows; r++)
        for (size_t i = 0; i < n; i++)
            dot_tile(1, 1, y + i * ldy + r, ldy, x + i * ldx, ldx, w + r * row, dtype, k);
}

static void
dot(float *y, size_t ldy, const float *x, size_t ldx, size_t n, const void *w, int dtype,
    size_t rows, size_t k)
{
    if (dtype == T5G_F32)
        dot_as(y, ldy, x, ldx, n, w, T5G_F32, rows, k);
    else if (dtype == T5G_F16)
        dot_as(y, ldy, x, ldx, n, w, T5G_F16, rows, k);
    else if (dtype == T5G_I8)
        dot_as(y, ldy, x, ldx, n, w, T5G_I8, rows, k);
    else
        dot_as(y, ldy, x, ldx, n, w, T5G_BF16, rows, k);
}

static void
mix(float *o, size_t ldo, const float *p, size_t ldp, size_t rows, const void *v, int dtype,
    size_t ldv, size_t n, size_t k)
{
    if (dtype == T5G_F32)
        mix_as(o, ldo, p, ldp, rows, v, T5G_F32, ldv, n, k);
    else if (dtype == T5G_I8)
        mix_as(o, ldo, p, ldp, rows, v, T5G_I8, ldv, n, k);
    else
        mix_as(o, ldo, p, ldp, rows, v, T5G_BF16, ldv, n, k);
}

#endif
