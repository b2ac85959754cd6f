/*
 * neongemm.c: packed panels and the product with them, for aarch64.
 *
 * gcc keeps the accumulators of a tile in registers only when every loop over them is unrolled,
 * hence the pragmas and the always_inline templates with constant tile sizes, here and in neon.c.
 */
#include "kernels/levels.h"
#include "kernels/neonmath.h"
#include "kernels/panels.h"

typedef float item;

enum {
    MC = 95, /* see panelgemm.h */
    KC = T5G_KC,
    TILE_ROWS = 5, /* with 6 there is no room for 4 k of each row of a */
    Q = 4,         /* registers to a panel row */
};

/* r[i][j] becomes r[j][i]. */
TEMPLATE void
transpose4(float32x4_t r[W])
{
    float64x2_t t0 = vreinterpretq_f64_f32(vtrn1q_f32(r[0], r[1]));
    float64x2_t t1 = vreinterpretq_f64_f32(vtrn2q_f32(r[0], r[1]));
    float64x2_t t2 = vreinterpretq_f64_f32(vtrn1q_f32(r[2], r[3]));
    float64x2_t t3 = vreinterpretq_f64_f32(vtrn2q_f32(r[2], r[3]));
    r[0] = vreinterpretq_f32_f64(vtrn1q_f64(t0, t2));
    r[1] = vreinterpretq_f32_f64(vtrn1q_f64(t1, t3));
    r[2] = vreinterpretq_f32_f64(vtrn2q_f64(t0, t2));
    r[3] = vreinterpretq_f32_f64(vtrn2q_f64(t1, t3));
}

/*
 * A quarter of a panel: `rows` rows of w, at most 4, become 4 columns of panel, the rest 0;
 * min(left, 8) steps of k.
 */
TEMPLATE void
panel_block(float *panel, const char *w, size_t row_bytes, int dtype, size_t rows, size_t left)
{
    float32x4_t r[2][W];
#pragma GCC unroll 4
    for (size_t j = 0; j < W; j++) {
        float32x4x2_t v = {{vdupq_n_f32(0), vdupq_n_f32(0)}};
        if (j < rows)
            v = left >= 2 * W ? load8(w + j * row_bytes, dtype)
                              : load_some(w + j * row_bytes, dtype, left);
        r[0][j] = v.val[0];
        r[1][j] = v.val[1];
    }
    transpose4(r[0]);
    transpose4(r[1]);
#pragma GCC unroll 8
    for (size_t i = 0; i < 2 * W; i++)
        if (i < left)
            vst1q_f32(panel + i * T5G_PANEL, r[i / W][i % W]);
}

/* s [M, 16] += column `lane` of a [M, 4] times one row of the panel. */
TEMPLATE void
tile_step(const int M, float32x4_t s[TILE_ROWS][Q], const float32x4_t a[TILE_ROWS], const int lane,
          const float *panel)
{
    float32x4_t b[Q];
#pragma GCC unroll 4
    for (int j = 0; j < Q; j++)
        b[j] = vld1q_f32(panel + W * j);
#pragma GCC unroll 5
    for (int i = 0; i < M; i++)
#pragma GCC unroll 4
        for (int j = 0; j < Q; j++)
            s[i][j] = vfmaq_n_f32(s[i][j], b[j], a[i][lane]);
}

/* c [M, 16] = (add ? c : 0) + a [M, k] panel [k, 16]: 4 M sums, 4 of the panel, M of a for 4 k. */
TEMPLATE void
tile(const int M, float *c, size_t ldc, const float *a, size_t lda, const float *panel, size_t k,
     bool add)
{
    float32x4_t s[TILE_ROWS][Q], x[TILE_ROWS];
#pragma GCC unroll 5
    for (int i = 0; i < M; i++)
#pragma GCC unroll 4
        for (int j = 0; j < Q; j++)
            s[i][j] = vdupq_n_f32(0);
    size_t l = 0;
    for (; l + 4 <= k; l += 4, panel += 4 * T5G_PANEL) {
#pragma GCC unroll 5
        for (int i = 0; i < M; i++)
            x[i] = vld1q_f32(a + (size_t)i * lda + l);
#pragma GCC unroll 4
        for (int lane = 0; lane < 4; lane++)
            tile_step(M, s, x, lane, panel + lane * T5G_PANEL);
    }
    for (; l < k; l++, panel += T5G_PANEL) {
#pragma GCC unroll 5
        for (int i = 0; i < M; i++)
            x[i] = vdupq_n_f32(a[(size_t)i * lda + l]);
        tile_step(M, s, x, 0, panel);
    }
#pragma GCC unroll 5
    for (int i = 0; i < M; i++)
#pragma GCC unroll 4
        for (int j = 0; j < Q; j++) {
            float *to = c + (size_t)i * ldc + W * j;
            vst1q_f32(to, add ? vaddq_f32(vld1q_f32(to), s[i][j]) : s[i][j]);
        }
}

#include "kernels/panelblocks.h"
#include "kernels/panelgemm.h"

void
t5g_neon_fill_panels(struct t5g_kernels *k)
{
    k->to_panel = to_panel;
    k->gemm = gemm;
}
