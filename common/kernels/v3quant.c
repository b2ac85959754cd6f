/*
 * v3quant.c: quantised weights with AVX2. Bytes become 16-bit integers, whose products are summed
 * in pairs to 32 bits: exact. (Products of bytes in one instruction would saturate.) The floating
 * part is one fused product a group, as in ref.c.
 */
#include "kernels/levels.h"
#include "kernels/v3math.h"
#include "kernels/panels.h"

#include <math.h>

/* ---- activations ---- */

typedef __m256i ivec;

#define vbits(v)   _mm256_castps_si256(v)
#define imax(a, b) _mm256_max_epi32(a, b)

TEMPLATE float
itop(ivec v)
{
    __m128i t = _mm_max_epi32(_mm256_castsi256_si128(v), _mm256_extracti128_si256(v, 1));
    t = _mm_max_epi32(t, _mm_shuffle_epi32(t, 0x4e));
    t = _mm_max_epi32(t, _mm_shuffle_epi32(t, 0xb1));
    return _mm_cvtss_f32(_mm_castsi128_ps(t));
}

TEMPLATE vec
butterfly(vec v, int h)
{
    const vec one = vset(1.0f), minus = vset(-1.0f);
    __m256 other = h == 1   ? _mm256_permute_ps(v, 0xb1)
                   : h == 2 ? _mm256_permute_ps(v, 0x4e)
                            : _mm256_permute2f128_ps(v, v, 1);
    __m256 sign = h == 1   ? _mm256_blend_ps(one, minus, 0xaa)
                  : h == 2 ? _mm256_blend_ps(one, minus, 0xcc)
                           : _mm256_blend_ps(one, minus, 0xf0);
    return _mm256_fmadd_ps(v, sign, other); /* exact products: a sum or a difference */
}

TEMPLATE void
round32(int8_t *q, const float *x, float f)
{
    const __m256i order = _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7);
    __m256i v[4];
#pragma GCC unroll 4
    for (size_t j = 0; j < 4; j++) /* to the nearest, ties to even */
        v[j] = _mm256_cvtps_epi32(_mm256_mul_ps(vget(x + j * W), vset(f)));
    __m256i low = _mm256_packs_epi32(v[0], v[1]), high = _mm256_packs_epi32(v[2], v[3]);
    __m256i bytes = _mm256_permutevar8x32_epi32(_mm256_packs_epi16(low, high), order);
    _mm256_storeu_si256((__m256i *)(void *)q, bytes);
}

/* In pairs to 16 bits, in fours to 32. */
TEMPLATE __m256i
add_fours(__m256i s, __m256i q)
{
    q = _mm256_maddubs_epi16(_mm256_set1_epi8(1), q);
    return _mm256_add_epi32(s, _mm256_madd_epi16(q, _mm256_set1_epi16(1)));
}

#include "kernels/x86sums.h"
#include "kernels/quantizevec.h"

/* ---- products ---- */

enum {
    ROWS = 6,
    WIDE = 4,
    FEW_WIDE = 1,
    FEW_ROWS = 6,
    ZERO8 = 128
}; /* 12 sums, 2 of the panel, 1 of the activations */

/* Rows of a block in 16 bits: of every four, the even ones and then the odd ones. */
struct acts {
    int16_t q[ROWS][T5G_ROTATE];
};

TEMPLATE void
prepare(const int R, struct acts *x, const struct t5g_qacts *a, size_t row, size_t from, size_t end)
{
#pragma GCC unroll 6
    for (int i = 0; i < R; i++)
        for (size_t k = from; k < end; k += 16) {
            const int8_t *q = a->q + (row + (size_t)i) * a->ldq + k;
            __m128i v = _mm_loadu_si128((const __m128i *)(const void *)q);
            __m128i even = _mm_srai_epi16(_mm_slli_epi16(v, 8), 8), odd = _mm_srai_epi16(v, 8);
            __m128i *to = (__m128i *)(void *)(x->q[i] + (k - from));
            _mm_storeu_si128(to, _mm_unpacklo_epi32(even, odd));
            _mm_storeu_si128(to + 1, _mm_unpackhi_epi32(even, odd));
        }
}

/* t [R] += 2 k of R rows times those of 16 columns, w[0] and w[1]. */
TEMPLATE void
step(const int R, __m256i t[ROWS][2], const struct acts *x, size_t at, __m256i w0, __m256i w1)
{
#pragma GCC unroll 6
    for (int i = 0; i < R; i++) {
        int32_t two;
        memcpy(&two, &x->q[i][at], 4);
        __m256i v = _mm256_set1_epi32(two);
        t[i][0] = _mm256_add_epi32(t[i][0], _mm256_madd_epi16(w0, v));
        t[i][1] = _mm256_add_epi32(t[i][1], _mm256_madd_epi16(w1, v));
        __asm__("" : "+x"(t[i][0]), "+x"(t[i][1])); /* else gcc adds products first, and spills */
    }
}

/* t [R] += R rows times n k of a panel, which begin `at` k behind the first of x. */
TEMPLATE void
sums(const int R, __m256i t[ROWS][2], const struct acts *x, size_t at, size_t n, const uint8_t *w)
{
    const __m256i low = _mm256_set1_epi16(0xff);
    for (size_t k = at; k < at + n; k += 4, w += 64) {
        const __m256i *p = (const __m256i *)(const void *)w;
        __m256i w0 = _mm256_loadu_si256(p), w1 = _mm256_loadu_si256(p + 1);
        step(R, t, x, k, _mm256_and_si256(w0, low), _mm256_and_si256(w1, low));
        step(R, t, x, k + 2, _mm256_srli_epi16(w0, 8), _mm256_srli_epi16(w1, 8));
    }
}

TEMPLATE void
tile(const int R, float *c, size_t ldc, const struct t5g_qacts *a, size_t row, const struct acts *x,
     const struct t5g_qblock *b, size_t p, size_t from, size_t end, size_t g)
{
    const uint8_t *w = b->w + p * b->next + (from - b->from) * T5G_PANEL;
    const uint16_t *scale = b->scale + p * b->next_scale + g * T5G_PANEL;
    for (size_t k = from; k < end; k += b->size, g++, scale += T5G_PANEL) {
        const __m256i *zero = (const __m256i *)(const void *)b->zero[p][g * b->zero_step];
        __m256i t[ROWS][2], z0 = _mm256_loadu_si256(zero), z1 = _mm256_loadu_si256(zero + 1);
#pragma GCC unroll 6
        for (int i = 0; i < R; i++) { /* -sum * zero: both factors fit into 16 bits */
            int32_t sum = -a->sum[(row + (size_t)i) * a->pieces + b->group + g];
            t[i][0] = _mm256_madd_epi16(z0, _mm256_set1_epi32(sum));
            t[i][1] = _mm256_madd_epi16(z1, _mm256_set1_epi32(sum));
        }
        sums(R, t, x, k - from, t5g_min(b->size, end - k), w + (k - from) * T5G_PANEL);
        __m256 s0 = load8((const char *)scale, T5G_BF16);
        __m256 s1 = load8((const char *)(scale + W), T5G_BF16);
#pragma GCC unroll 6
        for (int i = 0; i < R; i++) {
            float *y = c + (size_t)i * ldc;
            __m256 s = _mm256_broadcast_ss(a->scale + (row + (size_t)i) * a->groups + b->acts +
                                           (g >> b->acts_shift));
            __m256 x0 = _mm256_cvtepi32_ps(t[i][0]), x1 = _mm256_cvtepi32_ps(t[i][1]);
            vput(y, _mm256_fmadd_ps(x0, _mm256_mul_ps(s, s0), vget(y)));
            vput(y + W, _mm256_fmadd_ps(x1, _mm256_mul_ps(s, s1), vget(y + W)));
        }
    }
}

#include "kernels/qtiles.h"
#include "kernels/qgemm.h"

/* ---- products of a few rows ---- */

enum { FEW_TILE = 4 };

#define iget(p)    _mm256_loadu_si256((const __m256i *)(const void *)(p))
#define iand(a, b) _mm256_and_si256(a, b)
#define ior(a, b)  _mm256_or_si256(a, b)
#define ishr(v, n) _mm256_srli_epi16(v, n)
#define ishl(v, n) _mm256_slli_epi16(v, n)
#define iset8(b)   _mm256_set1_epi8(b)
#define iwiden(low, high, i) \
    _mm256_cvtepu8_epi32(_mm_cvtsi64_si128((int64_t)((i) == 0 ? low : high)))
#define itimes(z, s) _mm256_madd_epi16(z, _mm256_set1_epi32((uint16_t)(s)))
#define ifloat(t)    _mm256_cvtepi32_ps(t)
#define vscales(p)   load8((const char *)(p), T5G_BF16)

/* In 16 bits there is room for four products of a byte and a weight below 64, and for eight of one
 * below 16. */
TEMPLATE ivec
isums(const int bits, ivec t, const ivec v[4], const int8_t *q)
{
    const __m256i one = _mm256_set1_epi16(1);
    __m256i s[4];
#pragma GCC unroll 4
    for (int j = 0; j < 4; j++) {
        int32_t four;
        memcpy(&four, q + 4 * j, 4);
        s[j] = _mm256_maddubs_epi16(v[j], _mm256_set1_epi32(four));
    }
    __m256i a = _mm256_add_epi16(s[0], s[1]), b = _mm256_add_epi16(s[2], s[3]);
    if (bits == 4)
        return _mm256_add_epi32(t, _mm256_madd_epi16(_mm256_add_epi16(a, b), one));
    return _mm256_add_epi32(t,
                            _mm256_add_epi32(_mm256_madd_epi16(a, one), _mm256_madd_epi16(b, one)));
}

#include "kernels/few.h"

void
t5g_v3_fill_quantised(struct t5g_kernels *k)
{
    k->rotate = rotate;
    k->quantize = quantize;
    k->quantize_row = quantize_row;
    k->qgemm = qgemm_or_few;
}
