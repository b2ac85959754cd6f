/* v3math.h: loads, stores and arithmetic on 8 floats, for level v3 only. */
#ifndef T5G_V3MATH_H
#define T5G_V3MATH_H

#include "kernels/kernels.h"
#include "kernels/template.h"

#include <immintrin.h>
#include <string.h>

typedef __m256 vec;
typedef __m256 vec8; /* 8 floats */

enum {
    W = 8,    /* floats in a register */
    TAIL = 4, /* see norms.h */
};

/* ---- loading and storing ---- */

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

TEMPLATE vec
get_or(const float *p, size_t n, vec x)
{
    return n >= W ? _mm256_loadu_ps(p)
                  : _mm256_blendv_ps(x, get(p, n), _mm256_castsi256_ps(mask_of(n)));
}

#define vget(p)    _mm256_loadu_ps(p)
#define vput(p, v) _mm256_storeu_ps(p, v)
#define get8       get
#define put8       put

/* ---- arithmetic: see elementwise.h, norms.h and rows8.h ---- */

TEMPLATE float
vsum(vec v)
{
    __m128 s = _mm_add_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps(v, 1));
    s = _mm_add_ps(s, _mm_movehl_ps(s, s));
    return _mm_cvtss_f32(_mm_add_ss(s, _mm_movehdup_ps(s)));
}

TEMPLATE float
vtop(vec v)
{
    __m128 s = _mm_max_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps(v, 1));
    s = _mm_max_ps(s, _mm_movehl_ps(s, s));
    return _mm_cvtss_f32(_mm_max_ss(s, _mm_movehdup_ps(s)));
}

#define vset(f)                  _mm256_set1_ps(f)
#define vadd(a, b)               _mm256_add_ps(a, b)
#define vsub(a, b)               _mm256_sub_ps(a, b)
#define vmul(a, b)               _mm256_mul_ps(a, b)
#define vdiv(a, b)               _mm256_div_ps(a, b)
#define vfma(a, b, c)            _mm256_fmadd_ps(a, b, c)
#define vfnma(a, b, c)           _mm256_fnmadd_ps(a, b, c)
#define vrotate(a, c, b, s)      _mm256_fmsub_ps(a, c, _mm256_mul_ps(b, s))
#define vrotate_back(b, c, a, s) _mm256_fmadd_ps(b, c, _mm256_mul_ps(a, s))
#define vmax(m, x)               _mm256_max_ps(m, x)
#define vfirst(v)                _mm256_cvtss_f32(v)
#define vround(x)                _mm256_round_ps(x, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC)
#define vabs(z)                  _mm256_andnot_ps(_mm256_set1_ps(-0.0f), z)
#define vsign(x, z)              _mm256_or_ps(x, _mm256_and_ps(_mm256_set1_ps(-0.0f), z))
#define vfma8(w, x, s)           _mm256_fmadd_ps(w, x, s)
#define vmix8(s, v, p)           _mm256_fmadd_ps(_mm256_broadcast_ss(p), v, s)

TEMPLATE vec
vlimit(vec lo, vec x, vec hi)
{
    return _mm256_max_ps(lo, _mm256_min_ps(hi, x)); /* in this order, NaN in x gives NaN */
}

TEMPLATE vec
vtimes2(vec q, vec n, vec x, vec lo)
{
    __m256i e =
        _mm256_slli_epi32(_mm256_add_epi32(_mm256_cvtps_epi32(n), _mm256_set1_epi32(127)), 23);
    return _mm256_andnot_ps(_mm256_cmp_ps(x, lo, _CMP_LT_OQ),
                            _mm256_mul_ps(q, _mm256_castsi256_ps(e)));
}

TEMPLATE vec
vbelow(vec z, float f, vec a, vec b)
{
    return _mm256_blendv_ps(a, b, _mm256_cmp_ps(z, _mm256_set1_ps(f), _CMP_NLT_UQ));
}

TEMPLATE vec
vseen(size_t j, size_t lo, size_t hi, vec x, vec other)
{
    const __m256i iota = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
    __m256i at = _mm256_add_epi32(iota, _mm256_set1_epi32((int)j));
    __m256i seen = _mm256_and_si256(_mm256_cmpgt_epi32(at, _mm256_set1_epi32((int)lo - 1)),
                                    _mm256_cmpgt_epi32(_mm256_set1_epi32((int)hi), at));
    return _mm256_blendv_ps(other, x, _mm256_castsi256_ps(seen));
}

#endif
