/*
 * qgemm.h: products with quantised weights, WIDE panels at a time: those of 8 bits as they are;
 * those of less are widened to bytes, T5G_QBLOCK k at a time, so there is one kind of tile.
 *
 * The file that includes this has defined WIDE, FEW_WIDE (panels at a time for m up to FEW_ROWS),
 * ZERO8 (the zero of 8-bit weights, as tiles see them) and
 *
 *   tiles(c, ldc, a, b, m, cols, add)   c [m, cols] (+)= a times the block b
 */
#ifndef T5G_QGEMM_H
#define T5G_QGEMM_H

#include "kernels/panels.h"
#include "kernels/rotate.h"

struct wide {
    uint8_t w[WIDE][T5G_PANEL * T5G_QBLOCK];
    int32_t zero[WIDE][T5G_QGROUPS][T5G_PANEL];
};

/* Bytes and zeros of columns from..to of n panels of 6 or 4 bits. */
static void
qwiden(struct wide *wide, const struct t5g_qpanel *b, const uint8_t *w, const uint8_t *zero,
       size_t n, size_t from, size_t to)
{
    size_t bytes = t5g_qpanel_zeros(b->bits);
    for (size_t p = 0; p < n; p++) {
        t5g_qpanel_widen(wide->w[p], w + p * b->next_w, b->bits, t5g_round_up(to - from, 16));
        for (size_t k = from, g = 0; k < to; k += b->group, g++)
            t5g_qpanel_zero(wide->zero[p][g], zero + p * b->next_zero + k / b->group * bytes,
                            b->bits);
    }
}

static void
qgemm(float *c, size_t ldc, const struct t5g_qacts *a, const struct t5g_qpanel *b, size_t m,
      size_t cols, bool add)
{
    struct wide wide;
    struct t5g_qblock x = {.bits = b->bits, .size = b->group, .next_scale = b->next_scale};
    bool eight = b->bits == 8;
    /* For a few rows weights come from memory, and are read in the order in which they lie. */
    size_t at_once = (m <= FEW_ROWS ? FEW_WIDE : WIDE) * T5G_PANEL;
    x.next = eight ? b->next_w : sizeof wide.w[0];
    x.acts_shift = (size_t)__builtin_ctzl(a->group / b->group);
    x.zero = wide.zero;
    x.zero_step = !eight;
    for (size_t p = 0; p < WIDE; p++)
        for (size_t i = 0; i < T5G_PANEL; i++)
            wide.zero[p][0][i] = ZERO8;
    for (size_t j = 0; j < cols; j += at_once) {
        size_t panel = j / T5G_PANEL, n = t5g_min(at_once, cols - j);
        for (x.from = 0; x.from < b->k; x.from = x.to) {
            x.to = eight ? b->k : t5g_min(x.from + T5G_QBLOCK, b->k);
            x.group = x.from / b->group;
            x.acts = x.from / a->group;
            x.scale = b->scale + panel * b->next_scale + x.group * T5G_PANEL;
            x.w = b->w + panel * b->next_w + t5g_qpanel_bytes(b->bits, x.from);
            if (!eight) {
                qwiden(&wide, b, x.w, b->zero + panel * b->next_zero,
                       (n + T5G_PANEL - 1) / T5G_PANEL, x.from, x.to);
                x.w = wide.w[0];
            }
            tiles(c + j, ldc, a, &x, m, n, add || x.from > 0);
        }
    }
}

#endif
