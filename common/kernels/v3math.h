/* v3math.h: loads, sums and elementary functions on 8 floats; for v3.c only. */
#ifndef T5G_V3MATH_H
#define T5G_V3MATH_H

#include "kernels/kernels.h"

#include <immintrin.h>
#include <string.h>

#define TEMPLATE static inline __attribute__((always_inline))

enum { W = 8 }; /* floats in a register */

/* ---- loading and storing ---- */

TEMPLATE size_t
item_size(int dtype)
{
    return dtype == T5G_F32 ? 4 : dtype == T5G_I8 ? 1 : 2;
}

TEMPLATE __m256
load8(const char *p, int dtype)
{
    if (dtype == T5G_F32)
        return _mm256_loadu_ps((const float *)(const void *)p);
    if (dtype == T5G_I8) {
        __m128i b = _mm_loadl_epi64((const __m128i *)(const void *)p);
        return _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(b));
    }
    __m128i h = _mm_loadu_si128((const __m128i *)(const void *)p);
    if (dtype == T5G_F16)
        return _mm256_cvtph_ps(h);
    return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_cvtepu16_epi32(h), 16));
}

/* The first n < 8 elements, then zeros. */
TEMPLATE __m256
load_some(const char *p, int dtype, size_t n)
{
    char t[W * 4] = {0};
    memcpy(t, p, n * item_size(dtype));
    return load8(t, dtype);
}

TEMPLATE __m256i
mask_of(size_t n)
{
    const __m256i iota = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
    return _mm256_cmpgt_epi32(_mm256_set1_epi32((int)t5g_min(n, W)), iota);
}

/* min(n, 8) floats, then zeros. */
TEMPLATE __m256
get(const float *p, size_t n)
{
    return n >= W ? _mm256_loadu_ps(p) : _mm256_maskload_ps(p, mask_of(n));
}

TEMPLATE void
put(float *p, size_t n, __m256 v)
{
    if (n >= W)
        _mm256_storeu_ps(p, v);
    else
        _mm256_maskstore_ps(p, mask_of(n), v);
}

TEMPLATE float
sum8(__m256 v)
{
    __m128 s = _mm_add_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps(v, 1));
    s = _mm_add_ps(s, _mm_movehl_ps(s, s));
    return _mm_cvtss_f32(_mm_add_ss(s, _mm_movehdup_ps(s)));
}

TEMPLATE float
max8(__m256 v)
{
    __m128 s = _mm_max_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps(v, 1));
    s = _mm_max_ps(s, _mm_movehl_ps(s, s));
    return _mm_cvtss_f32(_mm_max_ss(s, _mm_movehdup_ps(s)));
}

/* ---- exp and tanh ---- */

/*
 * e^x, at most 2 units in the last place; 0 below -87.3 (where results stop being normal numbers),
 * e^88 above 88; NaN stays. x = n ln 2 + r, |r| <= ln 2 / 2, ln 2 in two parts; e^r = 1 + r + r^2
 * q(r) with q fitted for the smallest largest relative error (3e-9 before rounding).
 */
TEMPLATE __m256
exp8(__m256 x)
{
    const __m256 low = _mm256_set1_ps(-87.3f);
    __m256 tiny = _mm256_cmp_ps(x, low, _CMP_LT_OQ);
    x = _mm256_min_ps(_mm256_set1_ps(88.0f), x); /* in this order a NaN in x is the result */
    x = _mm256_max_ps(low, x);
    __m256 n = _mm256_round_ps(_mm256_mul_ps(x, _mm256_set1_ps(1.44269504f)),
                               _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
    __m256 r = _mm256_fnmadd_ps(n, _mm256_set1_ps(0.693359375f), x);
    r = _mm256_fnmadd_ps(n, _mm256_set1_ps(-2.12194440e-4f), r);
    __m256 q = _mm256_set1_ps(0x1.6a2430p-10f);
    q = _mm256_fmadd_ps(q, r, _mm256_set1_ps(0x1.1239e4p-7f));
    q = _mm256_fmadd_ps(q, r, _mm256_set1_ps(0x1.5558f2p-5f));
    q = _mm256_fmadd_ps(q, r, _mm256_set1_ps(0x1.555492p-3f));
    q = _mm256_fmadd_ps(q, r, _mm256_set1_ps(0x1.fffffcp-2f));
    q = _mm256_fmadd_ps(q, _mm256_mul_ps(r, r), r);
    q = _mm256_add_ps(q, _mm256_set1_ps(1));
    __m256i e =
        _mm256_slli_epi32(_mm256_add_epi32(_mm256_cvtps_epi32(n), _mm256_set1_epi32(127)), 23);
    return _mm256_andnot_ps(tiny, _mm256_mul_ps(q, _mm256_castsi256_ps(e)));
}

/*
 * tanh z, at most 3 units in the last place: z + z^3 p(z^2) for |z| < 0.625 (4e-9 before rounding),
 * else 1 - 2 / (e^2z + 1), whose difference does not cancel there.
 */
TEMPLATE __m256
tanh8(__m256 z)
{
    const __m256 sign = _mm256_set1_ps(-0.0f), one = _mm256_set1_ps(1);
    __m256 a = _mm256_andnot_ps(sign, z), z2 = _mm256_mul_ps(z, z);
    __m256 p = _mm256_set1_ps(-0.0057049785f);
    p = _mm256_fmadd_ps(p, z2, _mm256_set1_ps(0.020639079f));
    p = _mm256_fmadd_ps(p, z2, _mm256_set1_ps(-0.05373971f));
    p = _mm256_fmadd_ps(p, z2, _mm256_set1_ps(0.13331442f));
    p = _mm256_fmadd_ps(p, z2, _mm256_set1_ps(-0.3333328f));
    p = _mm256_fmadd_ps(p, _mm256_mul_ps(z2, z), z);
    __m256 t = _mm256_add_ps(exp8(_mm256_add_ps(a, a)), one);
    t = _mm256_sub_ps(one, _mm256_div_ps(_mm256_set1_ps(2), t));
    t = _mm256_or_ps(t, _mm256_and_ps(sign, z));
    return _mm256_blendv_ps(p, t, _mm256_cmp_ps(a, _mm256_set1_ps(0.625f), _CMP_NLT_UQ));
}

#endif
