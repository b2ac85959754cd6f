/*
 * panelblocks.h: to_panel from square blocks, for levels whose registers hold a part of a panel's
 * row.
 *
 * The including file first defines what topanel.h wants but panel_as, and
 *
 *   panel_block(panel, w, row_bytes, dtype, rows, left)
 *              min(left, 8) rows of W columns of a panel, from `rows` rows of w
 */
#ifndef T5G_PANELBLOCKS_H
#define T5G_PANELBLOCKS_H

#include "kernels/panels.h"

TEMPLATE void
panel_as(item *panel, const char *w, size_t ldw, int dtype, size_t rows, size_t k)
{
    size_t es = item_size(dtype);
    for (size_t j = 0; j < T5G_PANEL; j += W) {
        size_t n = rows > j ? t5g_min(rows - j, W) : 0;
        const char *wj = n > 0 ? w + j * ldw * es : w;
        size_t i = 0;
        if (n == W)
            for (; i + 8 <= k; i += 8) {
                prefetch_next(wj + W * ldw * es + i * W * es, W * 8 * es);
                panel_block(panel + i * T5G_PANEL + j, wj + i * es, ldw * es, dtype, W, 8);
            }
        for (; i < k; i += 8)
            panel_block(panel + i * T5G_PANEL + j, wj + i * es, ldw * es, dtype, n, k - i);
    }
}

#include "kernels/topanel.h"

#endif
