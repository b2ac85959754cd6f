/*
 * neonqtile.h: qgemm but for its innermost sums, which the file that includes this has defined:
 *
 *   ROWS  most rows of activations of a tile
 *   SUMS  registers of sums for 16 columns of a row
 *   step(R, t, q, ldq, w, v): t [R, SUMS] += R rows of q times 8 k of 16 columns, of which w holds
 *         the first and v the last 4, as in a panel
 *   columns(out, t): out [4] = the sums of 16 columns out of t [SUMS]
 *
 * Those sums are exact. The bytes of 8-bit panels become signed by taking 128 away, which is their
 * zero; those of others are below 64. The floating part is one fused product a group, as in ref.c.
 */
#include "kernels/neonmath.h"
#include "kernels/panels.h"

struct acts {
    const int8_t *q; /* at the first k */
};

TEMPLATE void
prepare(const int R, struct acts *x, const struct t5g_qacts *a, size_t row, size_t from, size_t end)
{
    (void)R;
    (void)end;
    x->q = a->q + row * a->ldq + from;
}

/* Sums of R rows times n k of a panel; beyond k, up to a multiple of 8, q is 0. */
TEMPLATE void
sums(const int R, int32x4_t t[ROWS][SUMS], const int8_t *q, size_t ldq, size_t n, const uint8_t *p,
     uint8x16_t flip)
{
#pragma GCC unroll 4
    for (int i = 0; i < R; i++)
#pragma GCC unroll 8
        for (int j = 0; j < SUMS; j++)
            t[i][j] = vdupq_n_s32(0);
    for (size_t k = 0; k < n; k += 8, p += 128) {
        int8x16_t w[4], v[4];
#pragma GCC unroll 4
        for (int j = 0; j < 4; j++) {
            w[j] = vreinterpretq_s8_u8(veorq_u8(vld1q_u8(p + 16 * j), flip));
            v[j] = vreinterpretq_s8_u8(veorq_u8(vld1q_u8(p + 64 + 16 * j), flip));
        }
        step(R, t, q + k, ldq, w, v);
    }
}

TEMPLATE void
tile(const int R, float *c, size_t ldc, const struct t5g_qacts *a, size_t row, const struct acts *x,
     const struct t5g_qblock *b, size_t p, size_t from, size_t end, size_t g)
{
    const uint8x16_t flip = vdupq_n_u8(b->bits == 8 ? 128 : 0);
    const uint8_t *w = b->w + p * b->next + (from - b->from) * T5G_PANEL;
    const uint16_t *scale = b->scale + p * b->next_scale + g * T5G_PANEL;
    for (size_t k = from; k < end; k += b->size, g++, scale += T5G_PANEL) {
        const int32_t *zero = b->zero[p][g * b->zero_step];
        size_t at = k - from;
        int32x4_t t[ROWS][SUMS];
        sums(R, t, x->q + at, a->ldq, t5g_min(b->size, end - k), w + at * T5G_PANEL, flip);
        float32x4x2_t s0 = load8((const char *)scale, T5G_BF16);
        float32x4x2_t s1 = load8((const char *)(scale + 8), T5G_BF16);
        float32x4_t scales[4] = {s0.val[0], s0.val[1], s1.val[0], s1.val[1]};
#pragma GCC unroll 4
        for (int i = 0; i < R; i++) {
            float f = a->scale[(row + (size_t)i) * a->groups + b->acts + (g >> b->acts_shift)];
            int32_t sum = a->sum[(row + (size_t)i) * a->pieces + b->group + g];
            int32x4_t y[4];
            float *to = c + (size_t)i * ldc;
            columns(y, t[i]);
#pragma GCC unroll 4
            for (int j = 0; j < 4; j++) {
                float32x4_t s = vmulq_n_f32(scales[j], f);
                float32x4_t v = vcvtq_f32_s32(vmlsq_n_s32(y[j], vld1q_s32(zero + 4 * j), sum));
                vst1q_f32(to + W * j, vfmaq_f32(vld1q_f32(to + W * j), v, s));
            }
        }
    }
}

enum { WIDE = 1, FEW_WIDE = 1, FEW_ROWS = 0, ZERO8 = 0 };

#include "kernels/qtiles.h"
#include "kernels/qgemm.h"
