/*
 * qtiles.h: tiles of qgemm.h for levels whose tiles are one panel wide.
 *
 * The file that includes this has defined ROWS, the most rows of a tile, and
 *
 *   struct acts, prepare(R, x, a, row, k, end)   what a tile needs of columns k..end, at most
 *                                                T5G_ROTATE of them, of rows row..row+R of a
 *   tile(R, c, ldc, a, row, x, b, p, k, end, g)  c [R, 16] += that times panel p of the block,
 *                                                whose group g begins at k
 */
#ifndef T5G_QTILES_H
#define T5G_QTILES_H

#include "kernels/panels.h"
#include "kernels/rotate.h"

TEMPLATE void
tiles_of(const int R, float *c, size_t ldc, const struct t5g_qacts *a, size_t row,
         const struct t5g_qblock *b, size_t cols, bool add)
{
    struct acts x;
    for (size_t r = 0; r < (size_t)R && !add; r++)
        memset(c + r * ldc, 0, cols * sizeof *c);
    for (size_t k = b->from, g = 0; k < b->to; k += T5G_ROTATE, g += T5G_ROTATE / b->size) {
        size_t end = t5g_min(k + T5G_ROTATE, b->to);
        prepare(R, &x, a, row, k, end);
        for (size_t j = 0, p = 0; j < cols; j += T5G_PANEL, p++) {
            float narrow[ROWS * T5G_PANEL];
            size_t n = t5g_min(T5G_PANEL, cols - j);
            if (n == T5G_PANEL) {
                tile(R, c + j, ldc, a, row, &x, b, p, k, end, g);
                continue;
            }
            memset(narrow, 0, sizeof narrow);
            for (size_t r = 0; r < (size_t)R; r++)
                memcpy(narrow + r * T5G_PANEL, c + r * ldc + j, n * sizeof *c);
            tile(R, narrow, T5G_PANEL, a, row, &x, b, p, k, end, g);
            for (size_t r = 0; r < (size_t)R; r++)
                memcpy(c + r * ldc + j, narrow + r * T5G_PANEL, n * sizeof *c);
        }
    }
}

#define TILES_OF(R)                                                  \
    case R:                                                          \
        if (R < ROWS) /* else not called, and nothing to generate */ \
            tiles_of(R, c + i * ldc, ldc, a, i, b, cols, add);       \
        break;

static void
tiles(float *c, size_t ldc, const struct t5g_qacts *a, const struct t5g_qblock *b, size_t m,
      size_t cols, bool add)
{
    size_t i = 0;
    for (; i + ROWS <= m; i += ROWS)
        tiles_of(ROWS, c + i * ldc, ldc, a, i, b, cols, add);
    switch (m - i) {
        TILES_OF(1)
        TILES_OF(2)
        TILES_OF(3)
        TILES_OF(4)
        TILES_OF(5)
    default:
        break;
    }
}

#endif
