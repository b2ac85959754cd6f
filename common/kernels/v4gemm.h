/*
 * v4gemm.h: gemm of struct t5g_kernels, or bf16_gemm, with AVX-512: a row of a panel, or STEP of
 * them, is one register.
 *
 * The including file first defines
 *
 *   item            type of the elements of a and of panels
 *   STEP            k of a register: as many elements of a column stand side by side in a panel
 *   factor          type of a register of elements
 *   panel_row(p)    those of 16 columns, at p in a panel
 *   spread(p)       those of a row of a, at p, for every column
 *   multiply(x, b, s)   the sums s, a register of floats, plus the products of x and b
 *   KC              k at a time, a multiple of STEP, whose products are summed apart: see panels.h
 */
#ifndef T5G_V4GEMM_H
#define T5G_V4GEMM_H

#include "kernels/panels.h"

enum {
    MC = 120, /* rows of a at a time: 120 x KC elements stay in the second-level cache */
};

/*
 * c [M, cols] = (add ? c : 0) + `steps` times STEP columns of a [M, ..] times N panels that lie
 * `next` elements apart; `last` masks the last one's columns. Rows are addressed by M / 3 pointers
 * and the stride; the asm keeps gcc from making a pointer for each row, too many for the registers.
 */
TEMPLATE void
tile(const int M, const int N, float *c, size_t ldc, const item *a, size_t lda, const item *panel,
     size_t next, size_t steps, bool add, __mmask16 last)
{
    const int P = (M + 2) / 3;
    const item *at[4];
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
    for (size_t l = 0; l < steps; l++) {
        factor b[4];
#pragma GCC unroll 4
        for (int j = 0; j < N; j++)
            b[j] = panel_row(panel + (size_t)j * next + l * STEP * T5G_PANEL);
#pragma GCC unroll 12
        for (int i = 0; i < M; i++) {
            factor x = spread(at[i / 3] + (size_t)(i % 3) * lda);
#pragma GCC unroll 4
            for (int j = 0; j < N; j++)
                s[i][j] = multiply(x, b[j], s[i][j]);
        }
#pragma GCC unroll 4
        for (int p = 0; p < P; p++) {
            at[p] += STEP;
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
        if (M < R) /* else never called, no code is made */            \
            tile(M, N, c, ldc, a, lda, panel, next, steps, add, last); \
        break;

/* m rows times N panels, R rows at a time, then the rest. */
TEMPLATE void
tiles(const int N, size_t m, float *c, size_t ldc, const item *a, size_t lda, const item *panel,
      size_t next, size_t steps, bool add, __mmask16 last)
{
    const int R = N == 4 ? 6 : N == 3 ? 8 : 12; /* 24 sums at most */
    for (; m >= (size_t)R; m -= (size_t)R, c += (size_t)R * ldc, a += (size_t)R * lda)
        tile(R, N, c, ldc, a, lda, panel, next, steps, add, last);
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

/* All rows times N panels. */
TEMPLATE void
gemm_of(const int N, float *c, size_t ldc, const item *a, size_t lda, const item *panel,
        size_t next, size_t m, size_t k, bool add, __mmask16 last)
{
    for (size_t i = 0; i < m; i += MC) {
        size_t l = 0;
        do { /* also once for k == 0: c becomes 0 */
            size_t n = t5g_min(KC, k - l);
            tiles(N, t5g_min(MC, m - i), c + i * ldc, ldc, a + i * lda + l, lda,
                  panel + l * T5G_PANEL, next, (n + STEP - 1) / STEP, add || l > 0, last);
            l += n;
        } while (l < k);
    }
}

static void
gemm(float *c, size_t ldc, const item *a, size_t lda, const item *panel, size_t next, size_t m,
     size_t k, size_t cols, bool add)
{
    while (cols > 0) {
        size_t n = (cols + T5G_PANEL - 1) / T5G_PANEL;
        n = n == 5 ? 3 : t5g_min(n, 4); /* five: 3 + 2, since 4 + 1 is slower */
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

#endif
