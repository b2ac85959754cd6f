/*
 * panelgemm.h: to_panel and gemm for levels whose tiles are one panel wide.
 *
 * The including file first defines
 *
 *   panel_block(panel, w, row_bytes, dtype, rows, left)
 *              min(left, 8) rows of W columns of a panel, from `rows` rows of w
 *   tile(M, c, ldc, a, lda, panel, k, add)
 *              c [M, 16] = (add ? c : 0) + a [M, k] panel [k, 16]
 *   TILE_ROWS  largest M, at most 6
 *   MC         rows of a at a time: MC x T5G_KC floats stay in the second-level cache
 */
#ifndef T5G_PANELGEMM_H
#define T5G_PANELGEMM_H

#include "kernels/panels.h"

TEMPLATE void
panel_as(float *panel, const char *w, size_t ldw, int dtype, size_t rows, size_t k)
{
    size_t es = item_size(dtype);
    for (size_t j = 0; j < T5G_PANEL; j += W) {
        size_t n = rows > j ? t5g_min(rows - j, W) : 0;
        const char *wj = n > 0 ? w + j * ldw * es : w;
        size_t i = 0;
        if (n == W)
            for (; i + 8 <= k; i += 8)
                panel_block(panel + i * T5G_PANEL + j, wj + i * es, ldw * es, dtype, W, 8);
        for (; i < k; i += 8)
            panel_block(panel + i * T5G_PANEL + j, wj + i * es, ldw * es, dtype, n, k - i);
    }
}

static void
to_panel(float *panel, const void *w, size_t ldw, int dtype, size_t rows, size_t k)
{
    if (dtype == T5G_F32)
        panel_as(panel, w, ldw, T5G_F32, rows, k);
    else if (dtype == T5G_F16)
        panel_as(panel, w, ldw, T5G_F16, rows, k);
    else
        panel_as(panel, w, ldw, T5G_BF16, rows, k);
}

#define FEW(M)                                                   \
    case M:                                                      \
        if (M < TILE_ROWS) /* else never called, no code made */ \
            tile(M, c, ldc, a, lda, panel, k, add);              \
        break;

/* m < TILE_ROWS */
static void
tile_rest(size_t m, float *c, size_t ldc, const float *a, size_t lda, const float *panel, size_t k,
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
gemm_wide(float *c, size_t ldc, const float *a, size_t lda, const float *panel, size_t m, size_t k,
          bool add)
{
    for (size_t i0 = 0; i0 < m; i0 += MC) {
        size_t end = t5g_min(i0 + MC, m);
        size_t l = 0;
        do { /* also once for k == 0: c becomes 0 */
            size_t n = t5g_min(T5G_KC, k - l), i = i0;
            const float *b = panel + l * T5G_PANEL;
            for (; i + TILE_ROWS <= end; i += TILE_ROWS)
                tile(TILE_ROWS, c + i * ldc, ldc, a + i * lda + l, lda, b, n, add || l > 0);
            tile_rest(end - i, c + i * ldc, ldc, a + i * lda + l, lda, b, n, add || l > 0);
            l += n;
        } while (l < k);
    }
}

static void
gemm_panel(float *c, size_t ldc, const float *a, size_t lda, const float *panel, size_t m, size_t k,
           size_t cols, bool add)
{
    if (cols == T5G_PANEL) {
        gemm_wide(c, ldc, a, lda, panel, m, k, add);
        return;
    }
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
gemm(float *c, size_t ldc, const float *a, size_t lda, const float *panel, size_t next, size_t m,
     size_t k, size_t cols, bool add)
{
    t5g_gemm_by_panel(gemm_panel, c, ldc, a, lda, panel, next, m, k, cols, add);
}

#endif
