/*
 * x86sums.h: sum_of of quantize.h for v3 and v4.
 *
 * The including file first defines
 *
 *   add_fours(s, q)   s [8] plus the sums of four consecutive bytes of q [32]
 */
#ifndef T5G_X86SUMS_H
#define T5G_X86SUMS_H

#include "kernels/template.h"

#include <immintrin.h>

TEMPLATE int32_t
sum_of(const int8_t *q, size_t n)
{
    __m256i all = _mm256_setzero_si256();
    for (size_t i = 0; i < n; i += 32)
        all = add_fours(all, _mm256_loadu_si256((const __m256i *)(const void *)(q + i)));
    __m128i s = _mm_add_epi32(_mm256_castsi256_si128(all), _mm256_extracti128_si256(all, 1));
    s = _mm_add_epi32(s, _mm_shuffle_epi32(s, 0x4e));
    return _mm_cvtsi128_si32(_mm_add_epi32(s, _mm_shuffle_epi32(s, 0xb1)));
}

#endif
