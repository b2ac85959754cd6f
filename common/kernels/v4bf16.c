/*
 * v4bf16.c: products in bf16 with AVX512_BF16: one instruction adds two products to each of 16
 * sums. It runs only where the CPU says that it has it, hence its own file and flags.
 *
 * A panel holds pairs along k: element (k / 2 * 16 + column) * 2 + k % 2.
 *
 * The instruction's arithmetic is its own, and the same on every CPU that has it: numbers below
 * 2^-126 count as 0, in and out; of a pair the second product is added first, each addition is
 * fused with its product and rounded to the nearest. ref.c does the same.
 */
#if !defined(__AVX512BF16__)
#error "compile with -mavx512bf16 and what v4.c needs"
#endif

#include "kernels/levels.h"
#include "kernels/v4math.h"
#include "kernels/panels.h"

enum {
    MC = 120, /* rows of a at a time, see v4.c */
};

/* The first min(n, 16) elements as bf16, then zeros. */
TEMPLATE __m256i
narrow16(const char *p, int dtype, size_t n)
{
    if (dtype == T5G_BF16)
        return _mm256_maskz_loadu_epi16(mask_of(n), p);
    return (__m256i)_mm512_cvtneps_pbh(load16(p, dtype, n));
}

static void
bf16_round(uint16_t *y, const float *x, size_t k)
{
    size_t filled = t5g_round_up(k, T5G_BF16_STEP);
    for (size_t i = 0; i < k; i += W)
        _mm256_mask_storeu_epi16(y + i, mask_of(filled - i),
                                 narrow16((const char *)(x + i), T5G_F32, k - i));
}

/* ---- panels ---- */

/* r[i] holds 16 words; word j of r[i] becomes word i of r[j]. */
TEMPLATE void
transpose16(__m512i r[16])
{
    __m512i t[16];
#pragma GCC unroll 8
    for (int i = 0; i < 8; i++) { /* words 0 1 and 2 3 of two rows */
        t[2 * i] = _mm512_unpacklo_epi32(r[2 * i], r[2 * i + 1]);
        t[2 * i + 1] = _mm512_unpackhi_epi32(r[2 * i], r[2 * i + 1]);
    }
#pragma GCC unroll 4
    for (int i = 0; i < 4; i++) { /* r[4 i + j]: words j of four rows, in each of four lanes */
        r[4 * i] = _mm512_unpacklo_epi64(t[4 * i], t[4 * i + 2]);
        r[4 * i + 1] = _mm512_unpackhi_epi64(t[4 * i], t[4 * i + 2]);
        r[4 * i + 2] = _mm512_unpacklo_epi64(t[4 * i + 1], t[4 * i + 3]);
        r[4 * i + 3] = _mm512_unpackhi_epi64(t[4 * i + 1], t[4 * i + 3]);
    }
#pragma GCC unroll 4
    for (int j = 0; j < 4; j++) { /* lanes: word 4 lane + j */
        __m512i a = _mm512_shuffle_i32x4(r[j], r[4 + j], 0x88);
        __m512i b = _mm512_shuffle_i32x4(r[8 + j], r[12 + j], 0x88);
        __m512i c = _mm512_shuffle_i32x4(r[j], r[4 + j], 0xdd);
        __m512i d = _mm512_shuffle_i32x4(r[8 + j], r[12 + j], 0xdd);
        t[j] = _mm512_shuffle_i32x4(a, b, 0x88);
        t[8 + j] = _mm512_shuffle_i32x4(a, b, 0xdd);
        t[4 + j] = _mm512_shuffle_i32x4(c, d, 0x88);
        t[12 + j] = _mm512_shuffle_i32x4(c, d, 0xdd);
    }
#pragma GCC unroll 16
    for (int i = 0; i < 16; i++)
        r[i] = t[i];
}

/* 32 of k: 16 pairs of each of 16 columns. */
TEMPLATE void
panel_block(uint16_t *panel, const char *w, size_t row_bytes, int dtype, size_t rows, size_t left)
{
    const size_t es = item_size(dtype);
    size_t pairs = t5g_min(t5g_round_up(left, T5G_BF16_STEP) / 2, W);
    __m512i r[16];
#pragma GCC unroll 16
    for (size_t j = 0; j < 16; j++) {
        r[j] = _mm512_setzero_si512();
        if (j >= rows)
            continue;
        const char *p = w + j * row_bytes;
        r[j] = _mm512_castsi256_si512(narrow16(p, dtype, left));
        if (left > W)
            r[j] = _mm512_inserti64x4(r[j], narrow16(p + W * es, dtype, left - W), 1);
    }
    transpose16(r);
#pragma GCC unroll 16
    for (size_t i = 0; i < 16; i++)
        if (i < pairs)
            _mm512_storeu_si512(panel + i * 2 * T5G_PANEL, r[i]);
}

TEMPLATE void
panel_as(uint16_t *panel, const char *w, size_t ldw, int dtype, size_t rows, size_t k)
{
    const size_t es = item_size(dtype);
    size_t i = 0;
    if (rows == T5G_PANEL)
        for (; i + 2 * W <= k; i += 2 * W)
            panel_block(panel + i * T5G_PANEL, w + i * es, ldw * es, dtype, T5G_PANEL, 2 * W);
    for (; i < k; i += 2 * W)
        panel_block(panel + i * T5G_PANEL, w + i * es, ldw * es, dtype, rows, k - i);
}

static void
bf16_panel(uint16_t *panel, const void *w, size_t ldw, int dtype, size_t rows, size_t k)
{
    if (dtype == T5G_F32)
        panel_as(panel, w, ldw, T5G_F32, rows, k);
    else if (dtype == T5G_F16)
        panel_as(panel, w, ldw, T5G_F16, rows, k);
    else
        panel_as(panel, w, ldw, T5G_BF16, rows, k);
}

static void
bf16_repanel(uint16_t *panel, const float *from, size_t k)
{
    for (size_t l = 0; l < t5g_round_up(k, T5G_BF16_STEP); l += 2) {
        __m256i a = _mm256_setzero_si256(), b = a;
        if (l < k)
            a = narrow16((const char *)(from + l * T5G_PANEL), T5G_F32, W);
        if (l + 1 < k)
            b = narrow16((const char *)(from + (l + 1) * T5G_PANEL), T5G_F32, W);
        __m512i second = _mm512_slli_epi32(_mm512_cvtepu16_epi32(b), 16);
        _mm512_storeu_si512(panel + l * T5G_PANEL,
                            _mm512_or_si512(_mm512_cvtepu16_epi32(a), second));
    }
}

/* ---- gemm ---- */

/* c [M, cols] = (add ? c : 0) + a [M, 2 pairs] times N panels: tile of v4.c. */
TEMPLATE void
tile(const int M, const int N, float *c, size_t ldc, const uint16_t *a, size_t lda,
     const uint16_t *panel, size_t next, size_t pairs, bool add, __mmask16 last)
{
    const int P = (M + 2) / 3;
    const uint16_t *at[4];
    __m512 s[12][4];
#pragma GCC unroll 12
    for (int i = 0; i < M; i++)
#pragma GCC unroll 4
        for (int j = 0; j < N; j++)
            s[i][j] = _mm512_setzero_ps();
#pragma GCC unroll 4
    for (int p = 0; p < P; p++) {
        at[p] = a + (size_t)p * 3 * lda;
        __asm__("" : "+r"(at[p]));
    }
    for (size_t l = 0; l < pairs; l++) {
        __m512bh b[4];
#pragma GCC unroll 4
        for (int j = 0; j < N; j++)
            b[j] = (__m512bh)_mm512_loadu_si512(panel + (size_t)j * next + l * 2 * T5G_PANEL);
#pragma GCC unroll 12
        for (int i = 0; i < M; i++) {
            int32_t pair;
            memcpy(&pair, at[i / 3] + (size_t)(i % 3) * lda, sizeof pair);
            __m512bh x = (__m512bh)_mm512_set1_epi32(pair);
#pragma GCC unroll 4
            for (int j = 0; j < N; j++)
                s[i][j] = _mm512_dpbf16_ps(s[i][j], x, b[j]);
        }
#pragma GCC unroll 4
        for (int p = 0; p < P; p++) {
            at[p] += 2;
            __asm__("" : "+r"(at[p]));
        }
    }
#pragma GCC unroll 12
    for (int i = 0; i < M; i++)
#pragma GCC unroll 4
        for (int j = 0; j < N; j++) {
            float *to = c + (size_t)i * ldc + (size_t)j * T5G_PANEL;
            __mmask16 cols = j == N - 1 ? last : (__mmask16)0xffff;
            if (add)
                s[i][j] = _mm512_add_ps(_mm512_maskz_loadu_ps(cols, to), s[i][j]);
            _mm512_mask_storeu_ps(to, cols, s[i][j]);
        }
}

#define FEW(M)                                                         \
    case M:                                                            \
        if (M < R) /* else not called, and nothing to generate */      \
            tile(M, N, c, ldc, a, lda, panel, next, pairs, add, last); \
        break;

/* m rows, with N panels, R rows at a time and then those that are left. */
TEMPLATE void
tiles(const int N, size_t m, float *c, size_t ldc, const uint16_t *a, size_t lda,
      const uint16_t *panel, size_t next, size_t pairs, bool add, __mmask16 last)
{
    const int R = N == 4 ? 6 : N == 3 ? 8 : 12; /* 24 sums at most */
    for (; m >= (size_t)R; m -= (size_t)R, c += (size_t)R * ldc, a += (size_t)R * lda)
        tile(R, N, c, ldc, a, lda, panel, next, pairs, add, last);
    switch (m) {
        FEW(1)
        FEW(2)
        FEW(3)
        FEW(4)
        FEW(5)
        FEW(6)
        FEW(7)
        FEW(8)
        FEW(9)
        FEW(10)
        FEW(11)
    default:
        break;
    }
}

/* All rows with N panels. */
TEMPLATE void
gemm_of(const int N, float *c, size_t ldc, const uint16_t *a, size_t lda, const uint16_t *panel,
        size_t next, size_t m, size_t k, bool add, __mmask16 last)
{
    for (size_t i = 0; i < m; i += MC) {
        size_t l = 0;
        do { /* once for k == 0 too: c becomes 0 */
            size_t n = t5g_min(T5G_BF16_KC, k - l);
            tiles(N, t5g_min(MC, m - i), c + i * ldc, ldc, a + i * lda + l, lda,
                  panel + l * T5G_PANEL, next, (n + 1) / 2, add || l > 0, last);
            l += n;
        } while (l < k);
    }
}

static void
bf16_gemm(float *c, size_t ldc, const uint16_t *a, size_t lda, const uint16_t *panel, size_t next,
          size_t m, size_t k, size_t cols, bool add)
{
    while (cols > 0) {
        size_t n = (cols + T5G_PANEL - 1) / T5G_PANEL;
        n = n == 5 ? 3 : t5g_min(n, 4); /* five: 3 + 2, as 4 + 1 is slower */
        size_t take = t5g_min(n * T5G_PANEL, cols);
        __mmask16 last = mask_of(take - (n - 1) * T5G_PANEL);
        if (n == 4)
            gemm_of(4, c, ldc, a, lda, panel, next, m, k, add, last);
        else if (n == 3)
            gemm_of(3, c, ldc, a, lda, panel, next, m, k, add, last);
        else if (n == 2)
            gemm_of(2, c, ldc, a, lda, panel, next, m, k, add, last);
        else
            gemm_of(1, c, ldc, a, lda, panel, next, m, k, add, last);
        c += take;
        panel += n * next;
        cols -= take;
    }
}

void
t5g_v4_fill_bf16(struct t5g_kernels *k)
{
    k->bf16_round = bf16_round;
    k->bf16_panel = bf16_panel;
    k->bf16_repanel = bf16_repanel;
    k->bf16_gemm = bf16_gemm;
}
