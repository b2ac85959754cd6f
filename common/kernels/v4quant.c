/*
 * v4quant.c: quantised weights with AVX-512 VNNI. One instruction adds four products of an unsigned
 * byte of the panel and a signed one of the activations to 32 bits: exact. The floating part is one
 * fused product a group, as in ref.c.
 */
#include "kernels/v4quant.h"
#include "kernels/v4math.h"
#include "kernels/panels.h"

#include <string.h>

/*
 * t [R, N] += 4 k of R rows of q times N panels. A row is reached from every third one and the
 * stride: see tile in v4.c.
 */
TEMPLATE void
step(const int R, const int N, __m512i t[6][4], const int8_t *const at[2], size_t ldq,
     const uint8_t *w, size_t next)
{
    __m512i v[4];
#pragma GCC unroll 4
    for (int j = 0; j < N; j++)
        v[j] = _mm512_loadu_si512(w + (size_t)j * next);
#pragma GCC unroll 6
    for (int i = 0; i < R; i++) {
        int32_t four;
        memcpy(&four, at[i / 3] + (size_t)(i % 3) * ldq, 4);
        __m512i x = _mm512_set1_epi32(four);
#pragma GCC unroll 4
        for (int j = 0; j < N; j++)
            t[i][j] = _mm512_dpbusd_epi32(t[i][j], v[j], x);
    }
}

/* t [R, N] = -sum * zero of group g of the block; eight: all zeros are 128. */
TEMPLATE void
offsets(const int R, const int N, const bool eight, __m512i t[6][4], const struct t5g_qacts *a,
        size_t row, const struct t5g_qblock *b, size_t g)
{
    __m512i zero[4];
#pragma GCC unroll 4
    for (int j = 0; j < N && !eight; j++)
        zero[j] = _mm512_loadu_si512(b->zero[j][g]);
#pragma GCC unroll 6
    for (int i = 0; i < R; i++) {
        int32_t sum = -a->sum[(row + (size_t)i) * a->pieces + b->group + g];
#pragma GCC unroll 4
        for (int j = 0; j < N; j++) /* both factors fit into 16 bits */
            t[i][j] = eight ? _mm512_set1_epi32(128 * sum)
                            : _mm512_madd_epi16(zero[j], _mm512_set1_epi32((uint16_t)sum));
    }
}

/*
 * c [R, cols] = (add ? c : 0) + R rows of a times N panels of the block, the last one's columns by
 * mask. Between groups the f32 sums are in c, since the exact sums of a group take the registers.
 */
TEMPLATE void
tile(const int R, const int N, const bool eight, float *c, size_t ldc, const struct t5g_qacts *a,
     size_t row, const struct t5g_qblock *b, bool add, __mmask16 last)
{
    const int8_t *q = a->q + row * a->ldq;
    const uint8_t *w = b->w;
    for (size_t k = b->from, g = 0; k < b->to; k += b->size, g++) {
        size_t end = t5g_min(k + b->size, b->to);
        __m512i t[6][4];
        const int8_t *at[2] = {q + k, q + k + (R > 3 ? 3 * a->ldq : 0)};
        offsets(R, N, eight, t, a, row, b, g);
        for (size_t l = k; l < end; l += 4, w += 64) {
            step(R, N, t, at, a->ldq, w, b->next);
            at[0] += 4;
            at[1] += 4;
            __asm__("" : "+r"(at[0]), "+r"(at[1]));
        }
        const uint16_t *scale = b->scale + g * T5G_PANEL;
#pragma GCC unroll 4
        for (int j = 0; j < N; j++) {
            __m512 s = load16((const char *)(scale + (size_t)j * b->next_scale), T5G_BF16, W);
            __mmask16 cols = j == N - 1 ? last : (__mmask16)0xffff;
#pragma GCC unroll 6
            for (int i = 0; i < R; i++) {
                float *to = c + (size_t)i * ldc + (size_t)j * T5G_PANEL;
                size_t group = (row + (size_t)i) * a->groups + b->acts + (g >> b->acts_shift);
                __m512 f = _mm512_mul_ps(_mm512_set1_ps(a->scale[group]), s);
                __m512 y =
                    add || k > b->from ? _mm512_maskz_loadu_ps(cols, to) : _mm512_setzero_ps();
                y = _mm512_fmadd_ps(_mm512_cvtepi32_ps(t[i][j]), f, y);
                _mm512_mask_storeu_ps(to, cols, y);
            }
        }
    }
}

#define TILE(R)                                                  \
    case R:                                                      \
        tile(R, N, eight, c + i * ldc, ldc, a, i, b, add, last); \
        break;

TEMPLATE void
tiles_of(const int N, const bool eight, float *c, size_t ldc, const struct t5g_qacts *a,
         const struct t5g_qblock *b, size_t m, bool add, __mmask16 last)
{
    size_t i = 0;
    for (; i + 6 <= m; i += 6)
        tile(6, N, eight, c + i * ldc, ldc, a, i, b, add, last);
    switch (m - i) {
        TILE(1)
        TILE(2)
        TILE(3)
        TILE(4)
        TILE(5)
    default:
        break;
    }
}

#define TILES_OF(N)                                         \
    do {                                                    \
        if (b->bits == 8)                                   \
            tiles_of(N, true, c, ldc, a, b, m, add, last);  \
        else                                                \
            tiles_of(N, false, c, ldc, a, b, m, add, last); \
    } while (0)

enum { WIDE = 4, FEW_WIDE = 1, FEW_ROWS = 6, ZERO8 = 128 };

static void
tiles(float *c, size_t ldc, const struct t5g_qacts *a, const struct t5g_qblock *b, size_t m,
      size_t cols, bool add)
{
    size_t n = (cols + T5G_PANEL - 1) / T5G_PANEL;
    __mmask16 last = mask_of(cols - (n - 1) * T5G_PANEL);
    if (n == 4)
        TILES_OF(4);
    else if (n == 3)
        TILES_OF(3);
    else if (n == 2)
        TILES_OF(2);
    else
        TILES_OF(1);
}

#include "kernels/qgemm.h"

void
t5g_v4_qgemm(float *c, size_t ldc, const struct t5g_qacts *a, const struct t5g_qpanel *b, size_t m,
             size_t cols, bool add)
{
    qgemm(c, ldc, a, b, m, cols, add);
}
