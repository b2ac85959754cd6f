/*
 * v3quant.c: quantised weights with AVX2. An unsigned byte of the panel is multiplied by a signed
 * byte of the activations, pairs are added in 16 bits (at most 2 * 127 * 127, so it never
 * saturates), then in 32 bits: exact. In floating point there is one fused product for each group,
 * as in ref.c.
 */
#include "kernels/v3quant.h"
#include "kernels/v3math.h"
#include "kernels/panels.h"

#include <math.h>

enum { ROWS = 4 }; /* of activations in a tile: 8 sums, 2 of the panel, and the products */

void
t5g_v3_quantize(int8_t *q, float *scale, int32_t *sum, const float *x, size_t k, size_t group)
{
    const __m256 positive = _mm256_castsi256_ps(_mm256_set1_epi32(0x7fffffff));
    const __m256i order = _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7);
    for (size_t g = 0; g * group < k; g++) {
        size_t n = t5g_min(group, k - g * group);
        const float *xg = x + g * group;
        __m256i top = _mm256_setzero_si256();
        for (size_t i = 0; i < n; i += W) /* as integers: a NaN is larger than any number */
            top = _mm256_max_epi32(
                top, _mm256_castps_si256(_mm256_and_ps(get(xg + i, n - i), positive)));
        int32_t lane[W], best = 0;
        _mm256_storeu_si256((__m256i *)lane, top);
        for (int i = 0; i < W; i++)
            best = lane[i] > best ? lane[i] : best;
        float max;
        memcpy(&max, &best, 4);
        bool none = max < 1e-30f || !isfinite(max);
        __m256 f = _mm256_set1_ps(none ? 0 : 127 / max);
        int32_t s = 0;
        for (size_t i = 0; i < n; i += 4 * W) {
            __m256i v[4];
            for (size_t j = 0; j < 4; j++) {
                size_t at = i + j * W;
                __m256 y =
                    at < n && !none ? _mm256_mul_ps(get(xg + at, n - at), f) : _mm256_setzero_ps();
                v[j] = _mm256_cvtps_epi32(y); /* to the nearest, ties to even */
            }
            __m256i all =
                _mm256_add_epi32(_mm256_add_epi32(v[0], v[1]), _mm256_add_epi32(v[2], v[3]));
            _mm256_storeu_si256((__m256i *)lane, all);
            for (int j = 0; j < W; j++)
                s += lane[j];
            __m256i low = _mm256_packs_epi32(v[0], v[1]), high = _mm256_packs_epi32(v[2], v[3]);
            __m256i bytes = _mm256_permutevar8x32_epi32(_mm256_packs_epi16(low, high), order);
            if (n - i >= 4 * W)
                _mm256_storeu_si256((__m256i *)(q + g * group + i), bytes);
            else {
                int8_t rest[4 * W];
                _mm256_storeu_si256((__m256i *)rest, bytes);
                memcpy(q + g * group + i, rest, n - i);
            }
        }
        scale[g] = isfinite(max) ? (none ? 0 : max / 127) : NAN;
        sum[g] = s;
    }
    memset(q + k, 0, t5g_round_up(k, 8) - k);
}

/* Sums of R rows of q times 4 k of 16 columns. */
TEMPLATE void
step(const int R, __m256i t[ROWS][2], const int8_t *q, size_t ldq, __m256i w0, __m256i w1)
{
    const __m256i one = _mm256_set1_epi16(1);
#pragma GCC unroll 4
    for (int i = 0; i < R; i++) {
        int32_t four;
        memcpy(&four, q + (size_t)i * ldq, 4);
        __m256i x = _mm256_set1_epi32(four);
        __m256i p0 = _mm256_madd_epi16(_mm256_maddubs_epi16(w0, x), one);
        __m256i p1 = _mm256_madd_epi16(_mm256_maddubs_epi16(w1, x), one);
        t[i][0] = _mm256_add_epi32(t[i][0], p0);
        t[i][1] = _mm256_add_epi32(t[i][1], p1);
    }
}

/* c [R, 16] += rows of a times the panel. */
TEMPLATE void
tile(const int R, const int bits, float *c, size_t ldc, const struct t5g_qacts *a, size_t row,
     const struct t5g_qpanel *b)
{
    const __m256i low = _mm256_set1_epi8(15);
    const int32_t zero = t5g_qpanel_zero(bits);
    for (size_t g = 0; g < a->groups; g++) {
        size_t from = g * b->group, to = t5g_min(from + b->group, b->k);
        __m256i t[ROWS][2];
#pragma GCC unroll 4
        for (int i = 0; i < R; i++)
            t[i][0] = t[i][1] = _mm256_setzero_si256();
        const int8_t *q = a->q + row * a->ldq;
        if (bits == 8) {
            const uint8_t *w = b->w + from * T5G_PANEL;
            for (size_t k = from; k < to; k += 4, w += 64)
                step(R, t, q + k, a->ldq, _mm256_loadu_si256((const __m256i *)w),
                     _mm256_loadu_si256((const __m256i *)(w + 32)));
        } else {
            const uint8_t *w = b->w + from * T5G_PANEL / 2;
            for (size_t k = from; k < to; k += 8, w += 64) {
                __m256i w0 = _mm256_loadu_si256((const __m256i *)w);
                __m256i w1 = _mm256_loadu_si256((const __m256i *)(w + 32));
                step(R, t, q + k, a->ldq, _mm256_and_si256(w0, low), _mm256_and_si256(w1, low));
                step(R, t, q + k + 4, a->ldq, _mm256_and_si256(_mm256_srli_epi16(w0, 4), low),
                     _mm256_and_si256(_mm256_srli_epi16(w1, 4), low));
            }
        }
        __m256 s0 = load8((const char *)(b->scale + g * T5G_PANEL), T5G_BF16);
        __m256 s1 = load8((const char *)(b->scale + g * T5G_PANEL + W), T5G_BF16);
#pragma GCC unroll 4
        for (int i = 0; i < R; i++) {
            size_t at = (row + (size_t)i) * a->groups + g;
            __m256 s = _mm256_set1_ps(a->scale[at]);
            __m256i offset = _mm256_set1_epi32(zero * a->sum[at]);
            float *y = c + (size_t)i * ldc;
            __m256 x0 = _mm256_cvtepi32_ps(_mm256_sub_epi32(t[i][0], offset));
            __m256 x1 = _mm256_cvtepi32_ps(_mm256_sub_epi32(t[i][1], offset));
            _mm256_storeu_ps(y, _mm256_fmadd_ps(x0, _mm256_mul_ps(s, s0), _mm256_loadu_ps(y)));
            _mm256_storeu_ps(y + W,
                             _mm256_fmadd_ps(x1, _mm256_mul_ps(s, s1), _mm256_loadu_ps(y + W)));
        }
    }
}

#include "kernels/qgemm.h"

void
t5g_v3_qgemm(float *c, size_t ldc, const struct t5g_qacts *a, const struct t5g_qpanel *b, size_t m,
             size_t cols, bool add)
{
    qgemm(c, ldc, a, b, m, cols, add);
}
