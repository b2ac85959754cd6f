/*
 * v4quant.c: quantised weights with AVX-512 VNNI. One instruction adds four products of an unsigned
 * byte of the panel and a signed one of the activations to 32 bits: exact. The floating part is one
 * fused product a group, as in ref.c.
 */
#include "kernels/levels.h"
#include "kernels/v4math.h"
#include "kernels/panels.h"

#include <string.h>

/* ---- activations ---- */

typedef __m512i ivec;

#define vbits(v)        _mm512_castps_si512(v)
#define imax(a, b)      _mm512_max_epi32(a, b)
#define itop(v)         _mm_cvtss_f32(_mm_castsi128_ps(_mm_cvtsi32_si128(_mm512_reduce_max_epi32(v))))
#define add_fours(s, q) _mm256_dpbusd_epi32(s, _mm256_set1_epi8(1), q)

TEMPLATE vec
butterfly(vec v, int h)
{
    const __mmask16 upper = h == 1 ? 0xaaaa : h == 2 ? 0xcccc : h == 4 ? 0xf0f0 : 0xff00;
    __m512 other = h == 1   ? _mm512_permute_ps(v, 0xb1)
                   : h == 2 ? _mm512_permute_ps(v, 0x4e)
                   : h == 4 ? _mm512_shuffle_f32x4(v, v, 0xb1)
                            : _mm512_shuffle_f32x4(v, v, 0x4e);
    __m512 sign = _mm512_mask_blend_ps(upper, vset(1.0f), vset(-1.0f));
    return _mm512_fmadd_ps(v, sign, other); /* exact products: a sum or a difference */
}

/* To the nearest, ties to even. */
TEMPLATE void
round32(int8_t *q, const float *x, float f)
{
    __m512i a = _mm512_cvtps_epi32(_mm512_mul_ps(vget(x), vset(f)));
    __m512i b = _mm512_cvtps_epi32(_mm512_mul_ps(vget(x + W), vset(f)));
    /* one store, which a load of as many bytes can take over */
    __m256i both = _mm256_set_m128i(_mm512_cvtepi32_epi8(b), _mm512_cvtepi32_epi8(a));
    _mm256_storeu_si256((__m256i *)(void *)q, both);
}

#include "kernels/x86sums.h"
#include "kernels/quantizevec.h"

/* ---- products ---- */

enum {
    ROWS = 8, /* of a tile of one panel, */
    WIDE = 2, /* and 7 of two: 14 exact sums, 14 in f32, 2 of the panels, 1 of the activations */
    FEW_WIDE = 1,
    FEW_ROWS = 2 * ROWS,
    ZERO8 = 128,
};

/*
 * t [R, N] += 4 k of R rows of q times N panels. A row is reached from every third one and the
 * stride: see tile in v4.c.
 */
TEMPLATE void
step(const int R, const int N, __m512i t[ROWS][WIDE], const int8_t *const at[3], size_t ldq,
     const uint8_t *w, size_t next)
{
    __m512i v[WIDE];
#pragma GCC unroll 2
    for (int j = 0; j < N; j++)
        v[j] = _mm512_loadu_si512(w + (size_t)j * next);
#pragma GCC unroll 8
    for (int i = 0; i < R; i++) {
        int32_t four;
        memcpy(&four, at[i / 3] + (size_t)(i % 3) * ldq, 4);
        __m512i x = _mm512_set1_epi32(four);
#pragma GCC unroll 2
        for (int j = 0; j < N; j++)
            t[i][j] = _mm512_dpbusd_epi32(t[i][j], v[j], x);
    }
}

/* t [R, N] = -sum * zero of group g of the block; eight: all zeros are 128. */
TEMPLATE void
offsets(const int R, const int N, const bool eight, __m512i t[ROWS][WIDE],
        const struct t5g_qacts *a, size_t row, const struct t5g_qblock *b, size_t g)
{
    __m512i zero[WIDE];
#pragma GCC unroll 2
    for (int j = 0; j < N && !eight; j++)
        zero[j] = _mm512_loadu_si512(b->zero[j][g]);
#pragma GCC unroll 8
    for (int i = 0; i < R; i++) {
        int32_t sum = -a->sum[(row + (size_t)i) * a->pieces + b->group + g];
#pragma GCC unroll 2
        for (int j = 0; j < N; j++) /* both factors fit into 16 bits */
            t[i][j] = eight ? _mm512_set1_epi32(128 * sum)
                            : _mm512_madd_epi16(zero[j], _mm512_set1_epi32((uint16_t)sum));
    }
}

/*
 * c [R, cols] = (add ? c : 0) + R rows of a times N panels of the block, the last one's columns by
 * mask.
 */
TEMPLATE void
tile(const int R, const int N, const bool eight, float *c, size_t ldc, const struct t5g_qacts *a,
     size_t row, const struct t5g_qblock *b, bool add, __mmask16 last)
{
    const int8_t *q = a->q + row * a->ldq + b->from, *at[3];
    const uint8_t *w = b->w;
    const uint16_t *scale = b->scale;
    __m512 y[ROWS][WIDE];
#pragma GCC unroll 3
    for (int p = 0; p * 3 < R; p++)
        at[p] = q + (size_t)p * 3 * a->ldq;
#pragma GCC unroll 8
    for (int i = 0; i < R; i++)
#pragma GCC unroll 2
        for (int j = 0; j < N; j++)
            y[i][j] = add ? _mm512_maskz_loadu_ps(j == N - 1 ? last : (__mmask16)0xffff,
                                                  c + (size_t)i * ldc + j * T5G_PANEL)
                          : _mm512_setzero_ps();
    for (size_t k = b->from, g = 0; k < b->to; k += b->size, g++, scale += T5G_PANEL) {
        size_t end = t5g_min(k + b->size, b->to);
        __m512i t[ROWS][WIDE];
        __m512 s[WIDE];
        offsets(R, N, eight, t, a, row, b, g);
        for (size_t l = k; l < end; l += 4, w += 64) {
            step(R, N, t, at, a->ldq, w, b->next);
            if (N == 1 && eight) /* few rows: the next panel comes from memory meanwhile */
                __builtin_prefetch(w + b->next);
#pragma GCC unroll 3
            for (int p = 0; p * 3 < R; p++) {
                at[p] += 4;
                __asm__("" : "+r"(at[p]));
            }
        }
#pragma GCC unroll 2
        for (int j = 0; j < N; j++)
            s[j] = load16((const char *)(scale + (size_t)j * b->next_scale), T5G_BF16, W);
#pragma GCC unroll 8
        for (int i = 0; i < R; i++) {
            size_t group = (row + (size_t)i) * a->groups + b->acts + (g >> b->acts_shift);
            __m512 f = _mm512_set1_ps(a->scale[group]);
#pragma GCC unroll 2
            for (int j = 0; j < N; j++)
                y[i][j] =
                    _mm512_fmadd_ps(_mm512_cvtepi32_ps(t[i][j]), _mm512_mul_ps(f, s[j]), y[i][j]);
        }
    }
#pragma GCC unroll 8
    for (int i = 0; i < R; i++)
#pragma GCC unroll 2
        for (int j = 0; j < N; j++)
            _mm512_mask_storeu_ps(c + (size_t)i * ldc + j * T5G_PANEL,
                                  j == N - 1 ? last : (__mmask16)0xffff, y[i][j]);
}

#define TILE(R)                                                  \
    case R:                                                      \
        tile(R, N, eight, c + i * ldc, ldc, a, i, b, add, last); \
        break;

/* Rows of the next tile, m being left: the last two tiles share their rows, as one row is slow. */
TEMPLATE size_t
tile_rows(const int N, size_t m)
{
    const size_t most = N == 1 ? ROWS : ROWS - 1;
    return m <= most ? m : m < 2 * most ? (m + 1) / 2 : most;
}

TEMPLATE void
tiles_of(const int N, const bool eight, float *c, size_t ldc, const struct t5g_qacts *a,
         const struct t5g_qblock *b, size_t m, bool add, __mmask16 last)
{
    /* Of many rows each brings a part of the next panels from memory. */
    const uint8_t *ahead = b->w + (size_t)N * b->next;
    size_t lines = N > 1 && eight ? (size_t)N * b->next / 64 : 0;
    for (size_t i = 0, n; i < m; i += n) {
        n = tile_rows(N, m - i);
        for (size_t j = lines * i / m; j < lines * (i + n) / m; j++)
            __builtin_prefetch(ahead + 64 * j);
        switch (n) {
            TILE(1)
            TILE(2)
            TILE(3)
            TILE(4)
            TILE(5)
            TILE(6)
            TILE(7)
        default:
            if (N == 1)
                tile(ROWS, N, eight, c + i * ldc, ldc, a, i, b, add, last);
        }
    }
}

static void
tiles(float *c, size_t ldc, const struct t5g_qacts *a, const struct t5g_qblock *b, size_t m,
      size_t cols, bool add)
{
    size_t n = (cols + T5G_PANEL - 1) / T5G_PANEL;
    __mmask16 last = mask_of(cols - (n - 1) * T5G_PANEL);
    if (n == 2 && b->bits == 8)
        tiles_of(2, true, c, ldc, a, b, m, add, last);
    else if (n == 2)
        tiles_of(2, false, c, ldc, a, b, m, add, last);
    else if (b->bits == 8)
        tiles_of(1, true, c, ldc, a, b, m, add, last);
    else
        tiles_of(1, false, c, ldc, a, b, m, add, last);
}

#include "kernels/qgemm.h"

/* ---- products of a few rows ---- */

enum { FEW_TILE = 8 };

#define iget(p)              _mm512_loadu_si512(p)
#define iand(a, b)           _mm512_and_si512(a, b)
#define ior(a, b)            _mm512_or_si512(a, b)
#define ishr(v, n)           _mm512_srli_epi16(v, n)
#define ishl(v, n)           _mm512_slli_epi16(v, n)
#define iset8(b)             _mm512_set1_epi8(b)
#define iwiden(low, high, i) _mm512_cvtepu8_epi32(_mm_set_epi64x((int64_t)(high), (int64_t)(low)))
#define itimes(z, s)         _mm512_madd_epi16(z, _mm512_set1_epi32((uint16_t)(s)))
#define ifloat(t)            _mm512_cvtepi32_ps(t)
#define vscales(p)           load16((const char *)(p), T5G_BF16, W)

TEMPLATE ivec
isums(const int bits, ivec t, const ivec v[4], const int8_t *q)
{
    (void)bits;
#pragma GCC unroll 4
    for (int j = 0; j < 4; j++) {
        int32_t four;
        memcpy(&four, q + 4 * j, 4);
        t = _mm512_dpbusd_epi32(t, v[j], _mm512_set1_epi32(four));
    }
    return t;
}

#include "kernels/few.h"

void
t5g_v4_fill_quantised(struct t5g_kernels *k)
{
    k->rotate = rotate;
    k->quantize = quantize;
    k->quantize_row = quantize_row;
    k->qgemm = qgemm_or_few;
}
