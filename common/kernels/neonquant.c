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

/* Largest |x|, compared by bits as integers: a NaN is larger than any number. */
static float
largest(const float *x, size_t n)
{
    const uint32x4_t positive = vdupq_n_u32(0x7fffffff);
    uint32x4_t top = vdupq_n_u32(0);
    for (size_t i = 0; i < n; i += W)
        top = vmaxq_u32(top, vandq_u32(vreinterpretq_u32_f32(get(x + i, n - i)), positive));
    uint32_t best = vmaxvq_u32(top);
    float max;
    memcpy(&max, &best, 4);
    return max;
}

void
t5g_neon_quantize(int8_t *q, float *scale, int32_t *sum, const float *x, size_t k, size_t group)
{
    for (size_t g = 0; g * group < k; g++) {
        size_t n = t5g_min(group, k - g * group);
        const float *xg = x + g * group;
        int8_t *qg = q + g * group;
        float max = largest(xg, n);
        bool none = max < 1e-30f || !isfinite(max);
        float f = none ? 0 : 127 / max;
        int32x4_t s = vdupq_n_s32(0);
        if (none)
            memset(qg, 0, n);
        for (size_t i = 0; i < n && !none; i += 2 * W) {
            size_t second = t5g_min(i + W, n);
            int32x4_t v0 = vcvtnq_s32_f32(vmulq_n_f32(get(xg + i, n - i), f)); /* ties to even */
            int32x4_t v1 = vcvtnq_s32_f32(vmulq_n_f32(get(xg + second, n - second), f));
            s = vaddq_s32(s, vaddq_s32(v0, v1));
            int8x8_t bytes = vmovn_s16(vcombine_s16(vmovn_s32(v0), vmovn_s32(v1)));
            int8_t eight[2 * W];
            vst1_s8(eight, bytes);
            memcpy(qg + i, eight, t5g_min(2 * W, n - i));
        }
        scale[g] = isfinite(max) ? (none ? 0 : max / 127) : NAN;
        sum[g] = vaddvq_s32(s);
    }
    memset(q + k, 0, t5g_round_up(k, 8) - k);
}
