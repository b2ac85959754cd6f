/*
 * neonquant.c: quantised weights with the instructions of every aarch64 CPU. A byte of the panel is
 * multiplied by one of the activations, two products are added in 16 bits (at most 2 * 127 * 127,
 * which fits), then pairs in 32 bits: exact. neondot.c does the same in one instruction.
 */
#include "kernels/levels.h"
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

/* ---- activations ---- */

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

typedef uint32x4_t ivec;

#define vbits(v)   vreinterpretq_u32_f32(v)
#define imax(a, b) vmaxq_u32(a, b)

TEMPLATE float
itop(ivec v)
{
    return vgetq_lane_f32(vreinterpretq_f32_u32(vdupq_n_u32(vmaxvq_u32(v))), 0);
}

TEMPLATE vec
butterfly(vec v, int h)
{
    static const float signs[2][W] = {{1, -1, 1, -1}, {1, 1, -1, -1}};
    float32x4_t other = h == 1 ? vrev64q_f32(v) : vextq_f32(v, v, 2);
    return vfmaq_f32(other, v, vld1q_f32(signs[h - 1])); /* exact products */
}

#include "kernels/quantizevec.h"

void
t5g_neon_fill_quantised(struct t5g_kernels *k)
{
    k->rotate = rotate;
    k->quantize = quantize;
    k->quantize_row = quantize_row;
    k->qgemm = qgemm;
    if ((getauxval(AT_HWCAP) & HWCAP_ASIMDDP) != 0)
        t5g_neon_fill_dot(k);
}
