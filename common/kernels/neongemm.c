/*
 * neongemm.c: packed panels and the product with them, for aarch64.
 *
 * gcc keeps the accumulators of a tile in registers only when every loop over them is unrolled,
 * hence the pragmas and the always_inline templates with constant tile sizes, here and in neon.c.
 */
#include "kernels/neon.h"
#include "kernels/neonmath.h"
#include "kernels/panels.h"

enum {
    KC = 320, /* panel rows at a time: 20 KB, stays in the first-level cache */
    MC = 95,  /* rows of a at a time: 95 x 320 floats stay in the second-level cache */
    Q = 4,    /* registers to a panel row */
    ROWS = 5, /* of a tile: with 6 there is no room for 4 k of each row of a */
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
 * A quarter of a panel: rows 0..4 of w to columns 0..3 of panel, of which `left` k steps are to be
 * done, at most 8 here.
 */
TEMPLATE void
pack_block(float *panel, const char *w, size_t row_bytes, int dtype, size_t rows, size_t left)
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

TEMPLATE void
pack_as(float *panel, const char *w, size_t ldw, int dtype, size_t rows, size_t k)
{
    size_t es = item_size(dtype);
    for (size_t j = 0; j < T5G_PANEL; j += W) {
        size_t n = rows > j ? t5g_min(rows - j, W) : 0;
        const char *wj = n > 0 ? w + j * ldw * es : w;
        size_t i = 0;
        if (n == W)
            for (; i + 2 * W <= k; i += 2 * W)
                pack_block(panel + i * T5G_PANEL + j, wj + i * es, ldw * es, dtype, W, 2 * W);
        for (; i < k; i += 2 * W)
            pack_block(panel + i * T5G_PANEL + j, wj + i * es, ldw * es, dtype, n, k - i);
    }
}

void
t5g_neon_pack(float *panel, const void *w, size_t ldw, int dtype, size_t rows, size_t k)
{
    if (dtype == T5G_F32)
        pack_as(panel, w, ldw, T5G_F32, rows, k);
    else if (dtype == T5G_F16)
        pack_as(panel, w, ldw, T5G_F16, rows, k);
    else
        pack_as(panel, w, ldw, T5G_BF16, rows, k);
}

/* s [M, 16] += column `lane` of a [M, 4] times one row of the panel. */
TEMPLATE void
tile_step(const int M, float32x4_t s[ROWS][Q], const float32x4_t a[ROWS], const int lane,
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
    float32x4_t s[ROWS][Q], x[ROWS];
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

static void
tile_rest(size_t m, float *c, size_t ldc, const float *a, size_t lda, const float *panel, size_t k,
          bool add)
{
    switch (m) {
    case 1:
        tile(1, c, ldc, a, lda, panel, k, add);
        break;
    case 2:
        tile(2, c, ldc, a, lda, panel, k, add);
        break;
    case 3:
        tile(3, c, ldc, a, lda, panel, k, add);
        break;
    default:
        tile(4, c, ldc, a, lda, panel, k, add);
    }
}

/* c is 16 columns wide. */
static void
gemm_wide(float *c, size_t ldc, const float *a, size_t lda, const float *panel, size_t m, size_t k,
          bool add)
{
    for (size_t i0 = 0; i0 < m; i0 += MC) {
        size_t end = t5g_min(i0 + MC, m);
        size_t l = 0;
        do { /* once for k == 0 too: c becomes 0 */
            size_t n = t5g_min(KC, k - l), i = i0;
            const float *b = panel + l * T5G_PANEL;
            for (; i + ROWS <= end; i += ROWS)
                tile(ROWS, c + i * ldc, ldc, a + i * lda + l, lda, b, n, add || l > 0);
            if (i < end)
                tile_rest(end - i, c + i * ldc, ldc, a + i * lda + l, lda, b, n, add || l > 0);
            l += n;
        } while (l < k);
    }
}

static void
gemm_panel(float *c, size_t ldc, const float *a, size_t lda, const float *panel, size_t m, size_t k,
           size_t cols, bool add)
{
    if (cols == T5G_PANEL) {
        gemm_wide(c, ldc, a, lda, panel, m, k, add);
        return;
    }
    for (size_t i = 0; i < m; i += ROWS) {
        float t[ROWS * T5G_PANEL] = {0};
        size_t rows = t5g_min(ROWS, m - i);
        for (size_t r = 0; add && r < rows; r++)
            memcpy(t + r * T5G_PANEL, c + (i + r) * ldc, cols * sizeof *t);
        gemm_wide(t, T5G_PANEL, a + i * lda, lda, panel, rows, k, add);
        for (size_t r = 0; r < rows; r++)
            memcpy(c + (i + r) * ldc, t + r * T5G_PANEL, cols * sizeof *t);
    }
}

void
t5g_neon_gemm(float *c, size_t ldc, const float *a, size_t lda, const float *panel, size_t next,
              size_t m, size_t k, size_t cols, bool add)
{
    t5g_gemm_by_panel(gemm_panel, c, ldc, a, lda, panel, next, m, k, cols, add);
}
