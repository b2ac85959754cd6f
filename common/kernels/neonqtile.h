/*
 * neonqtile.h: qgemm without its innermost sums. The including file first defines
 *
 *   ROWS  rows of activations a tile, at most 4
 *   SUMS  registers of sums for 16 columns of a row
 *   step(R, t, q, ldq, w, v): t [R, SUMS] += R rows of q times 8 k of 16 columns; w holds the
 *         first 4 k and v the last, as in a panel. A panel's bytes are taken as signed: all that
 *         matter are below 128.
 *   columns(out, t): out [4] = the sums of 16 columns from t [SUMS]
 *
 * These sums are exact. In floating point there is one fused product for each group, as in ref.c.
 */
#include "kernels/neonmath.h"
#include "kernels/panels.h"

/* c [R, 16] += rows of a times the panel. */
TEMPLATE void
tile(const int R, const int bits, float *c, size_t ldc, const struct t5g_qacts *a, size_t row,
     const struct t5g_qpanel *b)
{
    const uint8x16_t low = vdupq_n_u8(15);
    const int32_t zero = t5g_qpanel_zero(bits);
    for (size_t g = 0; g < a->groups; g++) {
        size_t from = g * b->group, to = t5g_min(from + b->group, b->k);
        const int8_t *q = a->q + row * a->ldq;
        const uint8_t *p = b->w + from * t5g_qpanel_bytes(bits);
        int32x4_t t[ROWS][SUMS];
#pragma GCC unroll 4
        for (int i = 0; i < R; i++)
#pragma GCC unroll 8
            for (int j = 0; j < SUMS; j++)
                t[i][j] = vdupq_n_s32(0);
        /* q is 0 from k up to a multiple of 8. */
        for (size_t k = from; k < to; k += 8) {
            int8x16_t w[4], v[4];
#pragma GCC unroll 4
            for (int j = 0; j < 4; j++) {
                uint8x16_t x = vld1q_u8(p + 16 * j);
                if (bits == 8) {
                    w[j] = vreinterpretq_s8_u8(x);
                    v[j] = vreinterpretq_s8_u8(vld1q_u8(p + 64 + 16 * j));
                } else {
                    w[j] = vreinterpretq_s8_u8(vandq_u8(x, low));
                    v[j] = vreinterpretq_s8_u8(vshrq_n_u8(x, 4));
                }
            }
            p += bits == 8 ? 128 : 64;
            step(R, t, q + k, a->ldq, w, v);
        }
        float32x4x2_t s0 = load8((const char *)(b->scale + g * T5G_PANEL), T5G_BF16);
        float32x4x2_t s1 = load8((const char *)(b->scale + g * T5G_PANEL + 8), T5G_BF16);
        float32x4_t scales[4] = {s0.val[0], s0.val[1], s1.val[0], s1.val[1]};
#pragma GCC unroll 4
        for (int i = 0; i < R; i++) {
            size_t at = (row + (size_t)i) * a->groups + g;
            int32x4_t offset = vdupq_n_s32(zero * a->sum[at]), x[4];
            float *y = c + (size_t)i * ldc;
            columns(x, t[i]);
#pragma GCC unroll 4
            for (int j = 0; j < 4; j++) {
                float32x4_t s = vmulq_n_f32(scales[j], a->scale[at]);
                float32x4_t f = vcvtq_f32_s32(vsubq_s32(x[j], offset));
                vst1q_f32(y + W * j, vfmaq_f32(vld1q_f32(y + W * j), f, s));
            }
        }
    }
}

#include "kernels/qgemm.h"
