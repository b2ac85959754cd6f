/* v4math.h: loads, sums and elementary functions on 16 floats; for v4.c only. */
#ifndef T5G_V4MATH_H
#define T5G_V4MATH_H

#include "kernels/kernels.h"

#include <immintrin.h>

#define TEMPLATE static inline __attribute__((always_inline))

enum { W = 16 }; /* floats in a register */

TEMPLATE __mmask16
mask_of(size_t n)
{
    return n >= W ? (__mmask16)0xffff : (__mmask16)((1u << n) - 1);
}

TEMPLATE size_t
item_size(int dtype)
{
    return dtype == T5G_F32 ? 4 : dtype == T5G_I8 ? 1 : 2;
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

/* e^x as exp8 of v3math.h: the same polynomial and the same limits. */
TEMPLATE __m512
exp16(__m512 x)
{
    const __m512 low = _mm512_set1_ps(-87.3f);
    __mmask16 tiny = _mm512_cmp_ps_mask(x, low, _CMP_LT_OQ);
    x = _mm512_min_ps(_mm512_set1_ps(88.0f), x); /* in this order a NaN in x is the result */
    x = _mm512_max_ps(low, x);
    __m512 n = _mm512_roundscale_ps(_mm512_mul_ps(x, _mm512_set1_ps(1.44269504f)),
                                    _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
    __m512 r = _mm512_fnmadd_ps(n, _mm512_set1_ps(0.693359375f), x);
    r = _mm512_fnmadd_ps(n, _mm512_set1_ps(-2.12194440e-4f), r);
    __m512 q = _mm512_set1_ps(0x1.6a2430p-10f);
    q = _mm512_fmadd_ps(q, r, _mm512_set1_ps(0x1.1239e4p-7f));
    q = _mm512_fmadd_ps(q, r, _mm512_set1_ps(0x1.5558f2p-5f));
    q = _mm512_fmadd_ps(q, r, _mm512_set1_ps(0x1.555492p-3f));
    q = _mm512_fmadd_ps(q, r, _mm512_set1_ps(0x1.fffffcp-2f));
    q = _mm512_fmadd_ps(q, _mm512_mul_ps(r, r), r);
    q = _mm512_add_ps(q, _mm512_set1_ps(1));
    return _mm512_mask_scalef_ps(_mm512_setzero_ps(), (__mmask16)~tiny, q, n);
}

#endif
