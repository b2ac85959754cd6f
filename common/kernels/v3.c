/*
 * v3.c: kernels for x86-64-v3 (AVX2, FMA, F16C): 16 registers of 8 floats.
 *
 * gcc keeps the accumulators of a tile in registers only when every loop over them is unrolled,
 * hence the pragmas and the always_inline templates with constant tile sizes.
 */
#if !defined(__AVX2__) || !defined(__FMA__) || !defined(__F16C__)
#error "compile with -mavx2 -mfma -mf16c"
#endif

#include "kernels/levels.h"
#include "kernels/v3math.h"
#include "kernels/panels.h"

typedef float item;

enum {
    MC = 96, /* see panelgemm.h */
    KC = T5G_KC,
    TILE_ROWS = 6,
    DOT_N = 3, /* see rows.h */
    DOT_FEW = 0,
};

/* ---- panels ---- */

/* r[i][j] becomes r[j][i]. */
TEMPLATE void
transpose8(__m256 r[W])
{
    __m256 t[W], u[W];
#pragma GCC unroll 4
    for (int i = 0; i < 4; i++) {
        t[2 * i] = _mm256_unpacklo_ps(r[2 * i], r[2 * i + 1]);
        t[2 * i + 1] = _mm256_unpackhi_ps(r[2 * i], r[2 * i + 1]);
    }
#pragma GCC unroll 2
    for (int i = 0; i < 8; i += 4) {
        u[i] = _mm256_shuffle_ps(t[i], t[i + 2], 0x44);
        u[i + 1] = _mm256_shuffle_ps(t[i], t[i + 2], 0xee);
        u[i + 2] = _mm256_shuffle_ps(t[i + 1], t[i + 3], 0x44);
        u[i + 3] = _mm256_shuffle_ps(t[i + 1], t[i + 3], 0xee);
    }
#pragma GCC unroll 4
    for (int i = 0; i < 4; i++) {
        r[i] = _mm256_permute2f128_ps(u[i], u[i + 4], 0x20);
        r[i + 4] = _mm256_permute2f128_ps(u[i], u[i + 4], 0x31);
    }
}

/* Half a panel: `rows` rows of w, at most 8, become 8 columns of panel, the rest 0; min(left, 8)
 * steps of k. */
TEMPLATE void
panel_block(float *panel, const char *w, size_t row_bytes, int dtype, size_t rows, size_t left)
{
    __m256 r[W];
#pragma GCC unroll 8
    for (size_t j = 0; j < W; j++) {
        if (j >= rows)
            r[j] = _mm256_setzero_ps();
        else if (left >= W)
            r[j] = load8(w + j * row_bytes, dtype);
        else
            r[j] = load_some(w + j * row_bytes, dtype, left);
    }
    transpose8(r);
#pragma GCC unroll 8
    for (size_t i = 0; i < W; i++)
        if (i < left)
            _mm256_storeu_ps(panel + i * T5G_PANEL, r[i]);
}

/* c [M, 16] = (add ? c : 0) + a [M, k] panel [k, 16]: 2 M sums, 2 of the panel, 1 broadcast. */
TEMPLATE void
tile(const int M, float *c, size_t ldc, const float *a, size_t lda, const float *panel, size_t k,
     bool add)
{
    __m256 s[6][2];
#pragma GCC unroll 6
    for (int i = 0; i < M; i++)
        s[i][0] = s[i][1] = _mm256_setzero_ps();
    for (size_t l = 0; l < k; l++) {
        __m256 b0 = _mm256_loadu_ps(panel + l * T5G_PANEL);
        __m256 b1 = _mm256_loadu_ps(panel + l * T5G_PANEL + W);
#pragma GCC unroll 6
        for (int i = 0; i < M; i++) {
            __m256 x = _mm256_broadcast_ss(a + (size_t)i * lda + l);
            s[i][0] = _mm256_fmadd_ps(x, b0, s[i][0]);
            s[i][1] = _mm256_fmadd_ps(x, b1, s[i][1]);
        }
    }
#pragma GCC unroll 6
    for (int i = 0; i < M; i++) {
        float *to = c + (size_t)i * ldc;
        if (add) {
            s[i][0] = _mm256_add_ps(_mm256_loadu_ps(to), s[i][0]);
            s[i][1] = _mm256_add_ps(_mm256_loadu_ps(to + W), s[i][1]);
        }
        _mm256_storeu_ps(to, s[i][0]);
        _mm256_storeu_ps(to + W, s[i][1]);
    }
}

#include "kernels/norms.h"
#include "kernels/fillelements.h"
#include "kernels/panelblocks.h"
#include "kernels/panelgemm.h"
#include "kernels/rows8.h"
#include "kernels/rows.h"

void
t5g_v3_fill(struct t5g_kernels *k)
{
    k->to_panel = to_panel;
    k->gemm = gemm;
    k->dot = dot;
    k->mix = mix;
    fill_elements(k);
}
