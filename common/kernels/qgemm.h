/*
 * qgemm.h: qgemm for levels whose tiles are one panel wide.
 *
 * The including file first defines
 *
 *   tile(R, bits, c, ldc, a, row, b)   c [R, 16] += rows row..row+R of a times the panel b
 *   ROWS                               largest R, at most 4
 */
#ifndef T5G_QGEMM_H
#define T5G_QGEMM_H

#include "kernels/panels.h"

/* m <= ROWS */
TEMPLATE void
rows_of(const int bits, float *c, size_t ldc, const struct t5g_qacts *a, const struct t5g_qpanel *b,
        size_t row, size_t m)
{
    if (m == ROWS)
        tile(ROWS, bits, c, ldc, a, row, b);
    else if (m == 3)
        tile(3 < ROWS ? 3 : ROWS, bits, c, ldc, a, row, b);
    else if (m == 2)
        tile(2 < ROWS ? 2 : ROWS, bits, c, ldc, a, row, b);
    else
        tile(1, bits, c, ldc, a, row, b);
}

static void
qgemm_panel(float *c, size_t ldc, const struct t5g_qacts *a, const struct t5g_qpanel *b, size_t m,
            size_t cols, bool add)
{
    for (size_t i = 0; i < m; i += ROWS) {
        float narrow[ROWS * T5G_PANEL] = {0};
        size_t n = t5g_min(ROWS, m - i), ld = cols == T5G_PANEL ? ldc : T5G_PANEL;
        float *to = cols == T5G_PANEL ? c + i * ldc : narrow;
        for (size_t r = 0; r < n; r++)
            if (!add)
                memset(to + r * ld, 0, T5G_PANEL * sizeof *to);
            else if (to == narrow)
                memcpy(to + r * ld, c + (i + r) * ldc, cols * sizeof *to);
        if (b->bits == 8)
            rows_of(8, to, ld, a, b, i, n);
        else
            rows_of(4, to, ld, a, b, i, n);
        for (size_t r = 0; r < n && to == narrow; r++)
            memcpy(c + (i + r) * ldc, to + r * ld, cols * sizeof *to);
    }
}

static void
qgemm(float *c, size_t ldc, const struct t5g_qacts *a, const struct t5g_qpanel *b, size_t m,
      size_t cols, bool add)
{
    t5g_qgemm_by_panel(qgemm_panel, c, ldc, a, b, m, cols, add);
}

#endif
