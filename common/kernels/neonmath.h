/* neonmath.h: loads, sums and elementary functions on 4 floats; for the files of level neon only.
 */
#ifndef T5G_NEONMATH_H
#define T5G_NEONMATH_H

#include "kernels/kernels.h"

#include <arm_neon.h>
#include <string.h>

#define TEMPLATE static inline __attribute__((always_inline))

enum { W = 4 }; /* floats in a register */

/* ---- loading and storing ---- */

TEMPLATE size_t
item_size(int dtype)
{
    return dtype == T5G_F32 ? 4 : dtype == T5G_I8 ? 1 : 2;
}

/* 8 elements: as many as a register of 16-bit elements holds. */
TEMPLATE float32x4x2_t
load8(const char *p, int dtype)
{
    float32x4x2_t v;
    if (dtype == T5G_F32) {
        v.val[0] = vld1q_f32((const float *)(const void *)p);
        v.val[1] = vld1q_f32((const float *)(const void *)(p + 16));
        return v;
    }
    if (dtype == T5G_I8) {
        int16x8_t b = vmovl_s8(vld1_s8((const int8_t *)p));
        v.val[0] = vcvtq_f32_s32(vmovl_s16(vget_low_s16(b)));
        v.val[1] = vcvtq_f32_s32(vmovl_high_s16(b));
        return v;
    }
    uint16x8_t h = vld1q_u16((const uint16_t *)(const void *)p);
    if (dtype == T5G_F16) {
        float16x8_t f = vreinterpretq_f16_u16(h);
        v.val[0] = vcvt_f32_f16(vget_low_f16(f));
        v.val[1] = vcvt_high_f32_f16(f);
        return v;
    }
    const uint16x8_t zero = vdupq_n_u16(0); /* the low half of each f32 */
    v.val[0] = vreinterpretq_f32_u16(vzip1q_u16(zero, h));
    v.val[1] = vreinterpretq_f32_u16(vzip2q_u16(zero, h));
    return v;
}

/* The first n < 8 elements, then zeros. */
TEMPLATE float32x4x2_t
load_some(const char *p, int dtype, size_t n)
{
    char t[2 * W * 4] = {0};
    memcpy(t, p, n * item_size(dtype));
    return load8(t, dtype);
}

/* min(n, 4) floats, then zeros. No memcpy: a call would empty the registers of the loop around. */
TEMPLATE float32x4_t
get(const float *p, size_t n)
{
    if (n >= W)
        return vld1q_f32(p);
    float32x4_t v = vdupq_n_f32(0);
    if (n > 0)
        v = vld1q_lane_f32(p, v, 0);
    if (n > 1)
        v = vld1q_lane_f32(p + 1, v, 1);
    if (n > 2)
        v = vld1q_lane_f32(p + 2, v, 2);
    return v;
}

TEMPLATE void
put(float *p, size_t n, float32x4_t v)
{
    if (n >= W) {
        vst1q_f32(p, v);
        return;
    }
    if (n > 0)
        vst1q_lane_f32(p, v, 0);
    if (n > 1)
        vst1q_lane_f32(p + 1, v, 1);
    if (n > 2)
        vst1q_lane_f32(p + 2, v, 2);
}

/* ---- exp and tanh ---- */

/*
 * e^x, at most 2 units in the last place; 0 below -87.3 (where results stop being normal numbers),
 * e^88 above 88; NaN stays. x = n ln 2 + r, |r| <= ln 2 / 2, ln 2 in two parts; e^r = 1 + r + r^2
 * q(r) with q fitted for the smallest largest relative error (3e-9 before rounding).
 */
TEMPLATE float32x4_t
exp4(float32x4_t x)
{
    const float32x4_t low = vdupq_n_f32(-87.3f);
    uint32x4_t tiny = vcltq_f32(x, low);
    x = vmaxq_f32(low, vminq_f32(vdupq_n_f32(88), x)); /* both hand a NaN on */
    float32x4_t n = vrndnq_f32(vmulq_n_f32(x, 1.44269504f));
    float32x4_t r = vfmsq_f32(x, n, vdupq_n_f32(0.693359375f));
    r = vfmsq_f32(r, n, vdupq_n_f32(-2.12194440e-4f));
    float32x4_t q = vdupq_n_f32(0x1.6a2430p-10f);
    q = vfmaq_f32(vdupq_n_f32(0x1.1239e4p-7f), q, r);
    q = vfmaq_f32(vdupq_n_f32(0x1.5558f2p-5f), q, r);
    q = vfmaq_f32(vdupq_n_f32(0x1.555492p-3f), q, r);
    q = vfmaq_f32(vdupq_n_f32(0x1.fffffcp-2f), q, r);
    q = vfmaq_f32(r, q, vmulq_f32(r, r));
    q = vaddq_f32(q, vdupq_n_f32(1));
    int32x4_t e = vshlq_n_s32(vaddq_s32(vcvtnq_s32_f32(n), vdupq_n_s32(127)), 23);
    q = vmulq_f32(q, vreinterpretq_f32_s32(e));
    return vreinterpretq_f32_u32(vbicq_u32(vreinterpretq_u32_f32(q), tiny));
}

/*
 * tanh z, at most 3 units in the last place: z + z^3 p(z^2) for |z| < 0.625 (4e-9 before rounding),
 * else 1 - 2 / (e^2z + 1), whose difference does not cancel there.
 */
TEMPLATE float32x4_t
tanh4(float32x4_t z)
{
    const float32x4_t one = vdupq_n_f32(1);
    float32x4_t a = vabsq_f32(z), z2 = vmulq_f32(z, z);
    float32x4_t p = vdupq_n_f32(-0.0057049785f);
    p = vfmaq_f32(vdupq_n_f32(0.020639079f), p, z2);
    p = vfmaq_f32(vdupq_n_f32(-0.05373971f), p, z2);
    p = vfmaq_f32(vdupq_n_f32(0.13331442f), p, z2);
    p = vfmaq_f32(vdupq_n_f32(-0.3333328f), p, z2);
    p = vfmaq_f32(z, p, vmulq_f32(z2, z));
    float32x4_t t = vaddq_f32(exp4(vaddq_f32(a, a)), one);
    t = vsubq_f32(one, vdivq_f32(vdupq_n_f32(2), t));
    t = vbslq_f32(vdupq_n_u32(0x80000000), z, t); /* the sign of z */
    return vbslq_f32(vcltq_f32(a, vdupq_n_f32(0.625f)), p, t);
}

#endif
