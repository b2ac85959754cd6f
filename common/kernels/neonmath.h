/* neonmath.h: loads, stores and arithmetic on 4 floats, for level neon only. */
#ifndef T5G_NEONMATH_H
#define T5G_NEONMATH_H

#include "kernels/kernels.h"
#include "kernels/template.h"

#include <arm_neon.h>
#include <string.h>

typedef float32x4_t vec;
typedef float32x4x2_t vec8; /* 8 floats */

enum {
    W = 4,    /* floats in a register */
    TAIL = 1, /* see norms.h */
};

/* ---- loading and storing ---- */

/* 8 elements, as many as a register holds in 16 bits. */
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

/* min(n, 4) floats, then zeros. No memcpy: a call would spill the registers of the surrounding
 * loop. */
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

TEMPLATE uint32x4_t
iota(void)
{
    static const uint32_t first[W] = {0, 1, 2, 3};
    return vld1q_u32(first);
}

TEMPLATE vec
get_or(const float *p, size_t n, vec x)
{
    uint32x4_t in = vcltq_u32(iota(), vdupq_n_u32((uint32_t)t5g_min(n, W)));
    return n >= W ? vld1q_f32(p) : vbslq_f32(in, get(p, n), x);
}

TEMPLATE vec8
get8(const float *p, size_t n)
{
    size_t low = t5g_min(W, n);
    return (vec8){{get(p, n), get(p + low, n - low)}};
}

TEMPLATE void
put8(float *p, size_t n, vec8 v)
{
    size_t low = t5g_min(W, n);
    put(p, n, v.val[0]);
    put(p + low, n - low, v.val[1]);
}

#define vget(p)    vld1q_f32(p)
#define vput(p, v) vst1q_f32(p, v)

/* ---- arithmetic: see elementwise.h, norms.h and rows8.h ---- */

#define vset(f)                  vdupq_n_f32(f)
#define vadd(a, b)               vaddq_f32(a, b)
#define vsub(a, b)               vsubq_f32(a, b)
#define vmul(a, b)               vmulq_f32(a, b)
#define vdiv(a, b)               vdivq_f32(a, b)
#define vfma(a, b, c)            vfmaq_f32(c, a, b)
#define vfnma(a, b, c)           vfmsq_f32(c, a, b)
#define vrotate(a, c, b, s)      vfmsq_f32(vmulq_f32(a, c), b, s)
#define vrotate_back(b, c, a, s) vfmaq_f32(vmulq_f32(b, c), a, s)
#define vmax(m, x)               vmaxnmq_f32(m, x) /* ignores NaN; the sum still becomes NaN */
#define vsum(v)                  vaddvq_f32(v)
#define vtop(v)                  vmaxnmvq_f32(v)
#define vfirst(v)                vgetq_lane_f32(v, 0)
#define vround(x)                vrndnq_f32(x)
#define vabs(z)                  vabsq_f32(z)
#define vsign(x, z)              vbslq_f32(vdupq_n_u32(0x80000000), z, x)
#define vlimit(lo, x, hi)        vmaxq_f32(lo, vminq_f32(hi, x)) /* both propagate NaN */

TEMPLATE vec
vtimes2(vec q, vec n, vec x, vec lo)
{
    int32x4_t e = vshlq_n_s32(vaddq_s32(vcvtnq_s32_f32(n), vdupq_n_s32(127)), 23);
    q = vmulq_f32(q, vreinterpretq_f32_s32(e));
    return vreinterpretq_f32_u32(vbicq_u32(vreinterpretq_u32_f32(q), vcltq_f32(x, lo)));
}

TEMPLATE vec
vbelow(vec z, float f, vec a, vec b)
{
    return vbslq_f32(vcltq_f32(z, vdupq_n_f32(f)), a, b);
}

TEMPLATE vec
vseen(size_t j, size_t lo, size_t hi, vec x, vec other)
{
    uint32x4_t at = vaddq_u32(iota(), vdupq_n_u32((uint32_t)j));
    uint32x4_t seen = vandq_u32(vcgeq_u32(at, vdupq_n_u32((uint32_t)lo)),
                                vcltq_u32(at, vdupq_n_u32((uint32_t)hi)));
    return vbslq_f32(seen, x, other);
}

TEMPLATE vec
vfma8(vec8 w, vec8 x, vec s)
{
    return vfmaq_f32(vfmaq_f32(s, w.val[0], x.val[0]), w.val[1], x.val[1]);
}

TEMPLATE vec8
vmix8(vec8 s, vec8 v, const float *p)
{
    return (vec8){{vfmaq_n_f32(s.val[0], v.val[0], *p), vfmaq_n_f32(s.val[1], v.val[1], *p)}};
}

#endif
