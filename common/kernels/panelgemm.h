/*
 * panelgemm.h: gemm of struct t5g_kernels, or bf16_gemm, for levels whose tiles are one panel wide.
 *
 * The including file first defines
 *
 *   item       type of the elements of a and of panels
 *   tile(M, c, ldc, a, lda, panel, k, add)
 *              c [M, 16] = (add ? c : 0) + a [M, k] panel [k, 16]
 *   TILE_ROWS  largest M, at most 6
 *   KC         k at a time, whose products are summed apart: see panels.h
 *   MC         rows of a at a time: MC x KC elements stay in the second-level cache
 */
#ifndef T5G_PANELGEMM_H
#define T5G_PANELGEMM_H

#include "kernels/panels.h"

#define FEW(M)                                                   \
    case M:                                                      \
        if (M < TILE_ROWS) /* else never called, no code made */ \
            tile(M, c, ldc, a, lda, panel, k, add);              \
        break;

/* m < TILE_ROWS */
static void
tile_rest(size_t m, float *c, size_t ldc, const item *a, size_t lda, const item *panel, size_t k,
          bool add)
{
    switch (m) {
        FEW(1)
        FEW(2)
        FEW(3)
        FEW(4)
        FEW(5)
    default:
        break;
    }
}

/* c is 16 columns wide. */
static void
gemm_wide(float *c, size_t ldc, const item *a, size_t lda, const item *panel, size_t m, size_t k,
          bool add)
{
    for (size_t i0 = 0; i0 < m; i0 += MC) {
        size_t end = t5g_min(i0 + MC, m);
        size_t l = 0;
        do { /* also once for k == 0: c becomes 0 */
            size_t n = t5g_min(KC, k - l), i = i0;
            const item *b = panel + l * T5G_PANEL;
            for (; i + TILE_ROWS <= end; i += TILE_ROWS)
                tile(TILE_ROWS, c + i * ldc, ldc, a + i * lda + l, lda, b, n, add || l > 0);
            tile_rest(end - i, c + i * ldc, ldc, a + i * lda + l, lda, b, n, add || l > 0);
            l += n;
        } while (l < k);
    }
}

/* The first cols < 16 columns of a panel. */
static void
gemm_narrow(float *c, size_t ldc, const item *a, size_t lda, const item *panel, size_t m, size_t k,
            size_t cols, bool add)
{
    for (size_t i = 0; i < m; i += TILE_ROWS) {
        float t[TILE_ROWS * T5G_PANEL] = {0};
        size_t rows = t5g_min(TILE_ROWS, m - i);
        for (size_t r = 0; add && r < rows; r++)
            memcpy(t + r * T5G_PANEL, c + (i + r) * ldc, cols * sizeof *t);
        gemm_wide(t, T5G_PANEL, a + i * lda, lda, panel, rows, k, add);
        for (size_t r = 0; r < rows; r++)
            memcpy(c + (i + r) * ldc, t + r * T5G_PANEL, cols * sizeof *t);
    }
}

static void
gemm(float *c, size_t ldc, const item *a, size_t lda, const item *panel, size_t next, size_t m,
     size_t k, size_t cols, bool add)
{
    for (; cols >= T5G_PANEL; cols -= T5G_PANEL, c += T5G_PANEL, panel += next)
        gemm_wide(c, ldc, a, lda, panel, m, k, add);
    if (cols > 0)
        gemm_narrow(c, ldc, a, lda, panel, m, k, cols, add);
}

#endif
