/*
 * neonquant.c: quantised weights with the instructions of every aarch64 CPU. A byte of the panel is
 * multiplied by one of the activations, two products are added in 16 bits (at most 2 * 127 * 127,
 * which fits), then pairs in 32 bits: exact. neondot.c does the same in one instruction.
 */
#include "kernels/neon.h"
#include "kernels/neonmath.h"

#include <math.h>
#include <sys/auxv.h>
#include <asm/hwcap.h>

enum { ROWS = 2, SUMS = 8 }; /* 16 sums, 8 of the panel, 4 of the activations and products */

TEMPLATE void
step(const int R, int32x4_t t[ROWS][SUMS], const int8_t *q, size_t ldq, const int8x16_t w[4],
     const int8x16_t v[4])
{
    int8x16_t x[ROWS], y[ROWS];
#pragma GCC unroll 2
    for (int i = 0; i < R; i++) {
        int32x2_t eight = vreinterpret_s32_s8(vld1_s8(q + (size_t)i * ldq));
        x[i] = vreinterpretq_s8_s32(vdupq_lane_s32(eight, 0));
        y[i] = vreinterpretq_s8_s32(vdupq_lane_s32(eight, 1));
    }
#pragma GCC unroll 4
    for (int j = 0; j < 4; j++)
#pragma GCC unroll 2
        for (int i = 0; i < R; i++) {
            int16x8_t a = vmull_s8(vget_low_s8(w[j]), vget_low_s8(x[i]));
            int16x8_t b = vmull_high_s8(w[j], x[i]);
            a = vmlal_s8(a, vget_low_s8(v[j]), vget_low_s8(y[i]));
            b = vmlal_high_s8(b, v[j], y[i]);
            t[i][2 * j] = vpadalq_s16(t[i][2 * j], a);
            t[i][2 * j + 1] = vpadalq_s16(t[i][2 * j + 1], b);
        }
}

/* A register of t has two columns, each in two halves. */
TEMPLATE void
columns(int32x4_t out[4], const int32x4_t t[SUMS])
{
#pragma GCC unroll 4
    for (int j = 0; j < 4; j++)
        out[j] = vpaddq_s32(t[2 * j], t[2 * j + 1]);
}

#include "kernels/neonqtile.h"

void
t5g_neon_qgemm(float *c, size_t ldc, const struct t5g_qacts *a, const struct t5g_qpanel *b,
               size_t m, size_t cols, bool add)
{
    if ((getauxval(AT_HWCAP) & HWCAP_ASIMDDP) != 0)
        t5g_neon_qgemm_dot(c, ldc, a, b, m, cols, add);
    else
        qgemm(c, ldc, a, b, m, cols, add);
}

/* ---- activations ---- */

/* Largest |x|, compared by bits as integers: a NaN is larger than any number. */
static float
largest(const float *x, size_t n)
{
    const uint32x4_t positive = vdupq_n_u32(0x7fffffff);
    uint32x4_t top = vdupq_n_u32(0);
    for (size_t i = 0; i < n; i += W)
        top = vmaxq_u32(top, vandq_u32(vreinterpretq_u32_f32(vld1q_f32(x + i)), positive));
    uint32_t best = vmaxvq_u32(top);
    float max;
    memcpy(&max, &best, 4);
    return max;
}

/* To the nearest, ties to even. */
static void
round32(int8_t *q, const float *x, float f)
{
    for (size_t i = 0; i < 32; i += 2 * W) {
        int32x4_t v0 = vcvtnq_s32_f32(vmulq_n_f32(vld1q_f32(x + i), f));
        int32x4_t v1 = vcvtnq_s32_f32(vmulq_n_f32(vld1q_f32(x + i + W), f));
        vst1_s8(q + i, vmovn_s16(vcombine_s16(vmovn_s32(v0), vmovn_s32(v1))));
    }
}

static int32_t
sum_of(const int8_t *q, size_t n)
{
    int32x4_t s = vdupq_n_s32(0);
    for (size_t i = 0; i < n; i += 16)
        s = vpadalq_s16(s, vpaddlq_s8(vld1q_s8(q + i)));
    return vaddvq_s32(s);
}

#define vget(p)    vld1q_f32(p)
#define vput(p, v) vst1q_f32(p, v)

TEMPLATE vec
butterfly(vec v, int h)
{
    static const float signs[2][W] = {{1, -1, 1, -1}, {1, 1, -1, -1}};
    float32x4_t other = h == 1 ? vrev64q_f32(v) : vextq_f32(v, v, 2);
    return vfmaq_f32(other, v, vld1q_f32(signs[h - 1])); /* exact products */
}

#include "kernels/rotatevec.h"

void
t5g_neon_rotate(float *y, const float *x, size_t k)
{
    rotate(y, x, k);
}

#include "kernels/quantize.h"

void
t5g_neon_quantize(int8_t *q, float *scale, int32_t *sum, const float *x, size_t k, size_t group,
                  size_t piece)
{
    quantize(q, scale, sum, x, k, group, piece);
}
