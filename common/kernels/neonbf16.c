/*
 * neonbf16.c: products in bf16 with BFMMLA, which adds 4 k of 2 rows times 2 columns to 4 sums. It
 * runs only where the CPU says that it has it, hence its own file and flags.
 *
 * A panel holds 4 k of each column side by side: element (k / 4 * 16 + column) * 4 + k % 4.
 */
#if !defined(__ARM_FEATURE_BF16_VECTOR_ARITHMETIC)
#error "compile with -march=armv8.2-a+bf16"
#endif

#include "kernels/levels.h"
#include "kernels/neonmath.h"
#include "kernels/panels.h"

typedef uint16_t item;

enum {
    MC = 96, /* see panelgemm.h */
    KC = T5G_BF16_KC,
    TILE_ROWS = 6, /* 3 pairs x 8 pairs of columns: 24 sums, 3 of a, the rest for the panel */
    COLUMNS = T5G_PANEL / 2,
};

/* 8 elements of dtype as bf16; `left` of them are there, the others 0. */
TEMPLATE uint16x8_t
narrow8(const char *p, int dtype, size_t left)
{
    if (dtype == T5G_BF16 && left >= 8)
        return vld1q_u16((const uint16_t *)(const void *)p);
    float32x4x2_t x = left >= 8 ? load8(p, dtype) : load_some(p, dtype, left);
    bfloat16x8_t low = vcvtq_low_bf16_f32(x.val[0]);
    return vreinterpretq_u16_bf16(vcvtq_high_bf16_f32(low, x.val[1]));
}

static void
bf16_round(uint16_t *y, const float *x, size_t k)
{
    size_t i = 0;
    for (; i + 8 <= k; i += 8)
        vst1q_u16(y + i, narrow8((const char *)(x + i), T5G_F32, 8));
    if (i < k) {
        uint16x8_t rest = narrow8((const char *)(x + i), T5G_F32, k - i);
        vst1_u16(y + i, vget_low_u16(rest));
        if (i + 4 < k)
            vst1_u16(y + i + 4, vget_high_u16(rest));
    }
}

/* ---- panels ---- */

TEMPLATE void
panel_as(uint16_t *panel, const char *w, size_t ldw, int dtype, size_t rows, size_t k)
{
    const size_t es = item_size(dtype);
    for (size_t j = 0; j < T5G_PANEL; j++)
        for (size_t i = 0; i < k; i += 8) {
            uint16_t *to = panel + i * T5G_PANEL + 4 * j;
            uint16x8_t v = vdupq_n_u16(0);
            if (j < rows)
                v = narrow8(w + (j * ldw + i) * es, dtype, k - i);
            vst1_u16(to, vget_low_u16(v));
            if (i + 4 < k)
                vst1_u16(to + 4 * T5G_PANEL, vget_high_u16(v));
        }
}

#include "kernels/topanel.h"

static void
bf16_repanel(uint16_t *panel, const float *from, size_t k)
{
    for (size_t l = 0; l < k; l += 4)
        for (size_t j = 0; j < T5G_PANEL; j += 8) {
            uint16x8x4_t v;
#pragma GCC unroll 4
            for (size_t i = 0; i < 4; i++) {
                v.val[i] = vdupq_n_u16(0);
                if (l + i < k)
                    v.val[i] = narrow8((const char *)(from + (l + i) * T5G_PANEL + j), T5G_F32, 8);
            }
            vst4q_u16(panel + l * T5G_PANEL + 4 * j, v);
        }
}

/* ---- gemm ---- */

TEMPLATE bfloat16x8_t
load_bf16(const uint16_t *p)
{
    return vreinterpretq_bf16_u16(vld1q_u16(p));
}

/* 4 of two rows. */
TEMPLATE bfloat16x8_t
load_rows(const uint16_t *a, const uint16_t *b)
{
    return vreinterpretq_bf16_u16(vcombine_u16(vld1_u16(a), vld1_u16(b)));
}

/*
 * c [M, 16] = (add ? c : 0) + a [M, k] panel [k, 16]. A sum is s[i / 2][j / 2][i % 2 * 2 + j % 2];
 * of an odd number of rows the last one is taken twice.
 */
TEMPLATE void
tile(const int M, float *c, size_t ldc, const uint16_t *a, size_t lda, const uint16_t *panel,
     size_t k, bool add)
{
    const int P = (M + 1) / 2;
    float32x4_t s[TILE_ROWS / 2][COLUMNS];
#pragma GCC unroll 3
    for (int i = 0; i < P; i++)
#pragma GCC unroll 8
        for (int j = 0; j < COLUMNS; j++)
            s[i][j] = vdupq_n_f32(0);
    for (size_t l = 0; l < k; l += T5G_BF16_STEP, panel += T5G_BF16_STEP * T5G_PANEL) {
        bfloat16x8_t x[TILE_ROWS / 2];
#pragma GCC unroll 3
        for (int i = 0; i < P; i++) {
            const uint16_t *row = a + (size_t)(2 * i) * lda + l;
            x[i] = load_rows(row, 2 * i + 1 < M ? row + lda : row);
        }
#pragma GCC unroll 8
        for (int j = 0; j < COLUMNS; j++) {
            bfloat16x8_t b = load_bf16(panel + 8 * j);
#pragma GCC unroll 3
            for (int i = 0; i < P; i++)
                s[i][j] = vbfmmlaq_f32(s[i][j], x[i], b);
        }
    }
#pragma GCC unroll 6
    for (int i = 0; i < M; i++)
#pragma GCC unroll 4
        for (int j = 0; j < COLUMNS / 2; j++) {
            float *to = c + (size_t)i * ldc + W * j;
            float64x2_t p = vreinterpretq_f64_f32(s[i / 2][2 * j]);
            float64x2_t q = vreinterpretq_f64_f32(s[i / 2][2 * j + 1]);
            float32x4_t sum =
                vreinterpretq_f32_f64(i % 2 == 0 ? vzip1q_f64(p, q) : vzip2q_f64(p, q));
            vst1q_f32(to, add ? vaddq_f32(vld1q_f32(to), sum) : sum);
        }
}

#include "kernels/panelgemm.h"

void
t5g_neon_fill_bf16(struct t5g_kernels *k)
{
    k->bf16_round = bf16_round;
    k->bf16_panel = to_panel;
    k->bf16_repanel = bf16_repanel;
    k->bf16_gemm = gemm;
}
