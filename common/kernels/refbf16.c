/*
 * refbf16.c: products in bf16 in plain C, bit for bit as AVX512_BF16 gives them: see v4bf16.c.
 * Slow; what other levels are held against. Panels are pairs along k, as there.
 */
#include "kernels/levels.h"
#include "kernels/panels.h"

#include <math.h>

/* Numbers below the smallest normal one count as 0. */
static float
flush(float x)
{
    return fabsf(x) < 0x1p-126f ? copysignf(0, x) : x;
}

static uint16_t
narrow(float x)
{
    return t5g_f32_to_bf16(flush(x));
}

static void
bf16_round(uint16_t *y, const float *x, size_t k)
{
    size_t filled = t5g_round_up(k, T5G_BF16_STEP);
    for (size_t i = 0; i < filled; i++)
        y[i] = i < k ? narrow(x[i]) : 0;
}

static void
bf16_panel(uint16_t *panel, const void *w, size_t ldw, int dtype, size_t rows, size_t k)
{
    size_t es = t5g_dtype_size(dtype), filled = t5g_round_up(k, T5G_BF16_STEP);
    memset(panel, 0, filled * T5G_PANEL * sizeof *panel);
    for (size_t j = 0; j < rows; j++)
        for (size_t l = 0; l < k; l++) {
            float x;
            t5g_to_f32(&x, (const char *)w + (j * ldw + l) * es, dtype, 1);
            panel[(l / 2 * T5G_PANEL + j) * 2 + l % 2] = narrow(x);
        }
}

static void
bf16_repanel(uint16_t *panel, const float *from, size_t k)
{
    for (size_t l = 0; l < t5g_round_up(k, T5G_BF16_STEP); l++)
        for (size_t j = 0; j < T5G_PANEL; j++)
            panel[(l / 2 * T5G_PANEL + j) * 2 + l % 2] =
                l < k ? narrow(from[l * T5G_PANEL + j]) : 0;
}

/* s plus both products of a pair, the second one first. */
static float
add_pair(float s, const uint16_t *a, const uint16_t *b)
{
    for (int i = 1; i >= 0; i--)
        s = flush(fmaf(flush(t5g_bf16_to_f32(a[i])), flush(t5g_bf16_to_f32(b[i])), flush(s)));
    return s;
}

static void
bf16_gemm(float *c, size_t ldc, const uint16_t *a, size_t lda, const uint16_t *panel, size_t next,
          size_t m, size_t k, size_t cols, bool add)
{
    for (size_t i = 0; i < m; i++)
        for (size_t j = 0; j < cols; j++) {
            const uint16_t *x = a + i * lda;
            const uint16_t *w = panel + j / T5G_PANEL * next + j % T5G_PANEL * 2;
            float sum = add ? c[i * ldc + j] : 0;
            for (size_t l0 = 0; l0 < k; l0 += T5G_BF16_KC) {
                float s = 0;
                for (size_t l = l0; l < t5g_min(l0 + T5G_BF16_KC, k); l += 2)
                    s = add_pair(s, x + l, w + l * T5G_PANEL);
                sum = add || l0 > 0 ? sum + s : s;
            }
            c[i * ldc + j] = sum;
        }
}

void
t5g_ref_fill_bf16(struct t5g_kernels *k)
{
    k->bf16_round = bf16_round;
    k->bf16_panel = bf16_panel;
    k->bf16_repanel = bf16_repanel;
    k->bf16_gemm = bf16_gemm;
}
