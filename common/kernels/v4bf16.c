/*
 * v4bf16.c: products in bf16 with AVX512_BF16: one instruction adds two products to each of 16
 * sums. It runs only where the CPU says that it has it, hence its own file and flags.
 *
 * A panel holds pairs along k: element (k / 2 * 16 + column) * 2 + k % 2.
 *
 * The instruction's arithmetic is its own, and the same on every CPU that has it: numbers below
 * 2^-126 count as 0, in and out; of a pair the second product is added first, each addition is
 * fused with its product and rounded to the nearest. refbf16.c does the same.
 */
#if !defined(__AVX512BF16__)
#error "compile with -mavx512bf16 and what v4.c needs"
#endif

#include "kernels/levels.h"
#include "kernels/v4math.h"
#include "kernels/panels.h"

typedef uint16_t item;
typedef __m512bh factor; /* pairs */

enum {
    STEP = 2, /* see v4gemm.h */
    KC = T5G_BF16_KC,
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
        for (; i + 2 * W <= k; i += 2 * W) {
            prefetch_next(w + T5G_PANEL * (ldw + i) * es, T5G_PANEL * 2 * W * es);
            panel_block(panel + i * T5G_PANEL, w + i * es, ldw * es, dtype, T5G_PANEL, 2 * W);
        }
    for (; i < k; i += 2 * W)
        panel_block(panel + i * T5G_PANEL, w + i * es, ldw * es, dtype, rows, k - i);
}

#include "kernels/topanel.h"

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

#define panel_row(p)      (__m512bh) _mm512_loadu_si512(p)
#define multiply(x, b, s) _mm512_dpbf16_ps(s, x, b)

/* A pair of a row. */
TEMPLATE factor
spread(const uint16_t *p)
{
    int32_t pair;
    memcpy(&pair, p, sizeof pair);
    return (__m512bh)_mm512_set1_epi32(pair);
}

#include "kernels/v4gemm.h"

void
t5g_v4_fill_bf16(struct t5g_kernels *k)
{
    k->bf16_round = bf16_round;
    k->bf16_panel = to_panel;
    k->bf16_repanel = bf16_repanel;
    k->bf16_gemm = gemm;
}
