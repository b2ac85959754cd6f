/* v4math.h: loads, stores and arithmetic on 16 floats, for level v4 only. */
#ifndef T5G_V4MATH_H
#define T5G_V4MATH_H

#include "kernels/kernels.h"
#include "kernels/template.h"

#include <immintrin.h>

typedef __m512 vec;

enum { W = 16 }; /* floats in a register */

TEMPLATE __mmask16
mask_of(size_t n)
{
    return n >= W ? (__mmask16)0xffff : (__mmask16)((1u << n) - 1);
}

/* The first min(n, 16) elements, then zeros. */
TEMPLATE __m512
load16(const char *p, int dtype, size_t n)
{
    __mmask16 m = mask_of(n);
    if (dtype == T5G_F32)
        return _mm512_maskz_loadu_ps(m, p);
    if (dtype == T5G_I8)
        return _mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(_mm_maskz_loadu_epi8(m, p)));
    __m256i h = _mm256_maskz_loadu_epi16(m, p);
    if (dtype == T5G_F16)
        return _mm512_cvtph_ps(h);
    return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(h), 16));
}

#define get(p, n)       _mm512_maskz_loadu_ps(mask_of(n), p)
#define get_or(p, n, x) _mm512_mask_loadu_ps(x, mask_of(n), p)
#define put(p, n, v)    _mm512_mask_storeu_ps(p, mask_of(n), v)
#define vget(p)         _mm512_loadu_ps(p)
#define vput(p, v)      _mm512_storeu_ps(p, v)

/* ---- arithmetic: see elementwise.h and quantizevec.h ---- */

#define vset(f)        _mm512_set1_ps(f)
#define vadd(a, b)     _mm512_add_ps(a, b)
#define vsub(a, b)     _mm512_sub_ps(a, b)
#define vmul(a, b)     _mm512_mul_ps(a, b)
#define vdiv(a, b)     _mm512_div_ps(a, b)
#define vfma(a, b, c)  _mm512_fmadd_ps(a, b, c)
#define vfnma(a, b, c) _mm512_fnmadd_ps(a, b, c)
#define vmax(m, x)     _mm512_max_ps(m, x)
#define vabs(z)        _mm512_abs_ps(z)
#define vsum(v)        _mm512_reduce_add_ps(v)
#define vtop(v)        _mm512_reduce_max_ps(v)
#define vfirst(v)      _mm512_cvtss_f32(v)
#define vround(x)      _mm512_roundscale_ps(x, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC)

TEMPLATE vec
vlimit(vec lo, vec x, vec hi)
{
    return _mm512_max_ps(lo, _mm512_min_ps(hi, x)); /* in this order, NaN in x gives NaN */
}

TEMPLATE vec
vtimes2(vec q, vec n, vec x, vec lo)
{
    __mmask16 tiny = _mm512_cmp_ps_mask(x, lo, _CMP_LT_OQ);
    return _mm512_mask_scalef_ps(_mm512_setzero_ps(), (__mmask16)~tiny, q, n);
}

TEMPLATE vec
vseen(size_t j, size_t lo, size_t hi, vec x, vec other)
{
    __mmask16 seen = mask_of(hi > j ? hi - j : 0);
    seen &= (__mmask16)~mask_of(lo > j ? lo - j : 0);
    return _mm512_mask_mov_ps(other, seen, x);
}

#endif
