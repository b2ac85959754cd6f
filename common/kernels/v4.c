/*
 * v4.c: kernels for x86-64-v4 with VNNI (AVX-512 F, BW, VL, DQ, VNNI): 32 registers of 16 floats,
 * so a row of a panel is one register. What is bound by memory or seldom runs is v3's.
 *
 * gcc keeps the accumulators of a tile in registers only when every loop over them is unrolled,
 * hence the pragmas and the always_inline templates with constant tile sizes.
 */
#if !defined(__AVX512F__) || !defined(__AVX512VNNI__)
#error "compile with -mavx512f -mavx512bw -mavx512vl -mavx512dq -mavx512vnni -mfma -mf16c"
#endif

#include "kernels/v4.h"
#include "kernels/v4math.h"

#include <math.h>
#include <string.h>

enum {
    KC = 320,  /* panel rows at a time: 20 KB, stays in the first-level cache */
    MC = 100,  /* rows of a at a time: 100 x 320 floats stay in the second-level cache */
    TALL = 10, /* rows of a tile: enough sums to hide the latency of a product, and pointers in
                  registers */
};

/* ---- gemm ---- */

/* c [M, cols] = (add ? c : 0) + a [M, k] panel [k, 16]; columns by mask. */
TEMPLATE void
tile(const int M, float *c, size_t ldc, const float *a, size_t lda, const float *panel, size_t k,
     bool add, __mmask16 cols)
{
    __m512 s[TALL];
#pragma GCC unroll 10
    for (int i = 0; i < M; i++)
        s[i] = _mm512_setzero_ps();
    for (size_t l = 0; l < k; l++) {
        __m512 b = _mm512_loadu_ps(panel + l * T5G_PANEL);
#pragma GCC unroll 10
        for (int i = 0; i < M; i++)
            s[i] = _mm512_fmadd_ps(_mm512_set1_ps(a[(size_t)i * lda + l]), b, s[i]);
    }
#pragma GCC unroll 10
    for (int i = 0; i < M; i++) {
        float *to = c + (size_t)i * ldc;
        if (add)
            s[i] = _mm512_add_ps(_mm512_maskz_loadu_ps(cols, to), s[i]);
        _mm512_mask_storeu_ps(to, cols, s[i]);
    }
}

#define FEW(M)                                        \
    case M:                                           \
        tile(M, c, ldc, a, lda, panel, k, add, cols); \
        break;

static void
tile_rest(size_t m, float *c, size_t ldc, const float *a, size_t lda, const float *panel, size_t k,
          bool add, __mmask16 cols)
{
    switch (m) {
        FEW(1)
        FEW(2)
        FEW(3)
        FEW(4)
        FEW(5)
        FEW(6)
        FEW(7)
        FEW(8)
    default:
        tile(9, c, ldc, a, lda, panel, k, add, cols);
    }
}

static void
gemm(float *c, size_t ldc, const float *a, size_t lda, const float *panel, size_t m, size_t k,
     size_t cols, bool add)
{
    const __mmask16 mask = mask_of(cols);
    for (size_t i0 = 0; i0 < m; i0 += MC) {
        size_t end = t5g_min(i0 + MC, m), l = 0;
        do { /* once for k == 0 too: c becomes 0 */
            size_t n = t5g_min(KC, k - l), i = i0;
            const float *b = panel + l * T5G_PANEL;
            for (; i + TALL <= end; i += TALL)
                tile(TALL, c + i * ldc, ldc, a + i * lda + l, lda, b, n, add || l > 0, mask);
            if (i < end)
                tile_rest(end - i, c + i * ldc, ldc, a + i * lda + l, lda, b, n, add || l > 0,
                          mask);
            l += n;
        } while (l < k);
    }
}

/* ---- rows ---- */

/*
 * R rows of w times N rows of x. One register of partial sums for each result whatever R and N are,
 * element k in lane k % 16: a result has the same bits from every tile.
 */
TEMPLATE void
dot_tile(const int R, const int N, float *y, size_t ldy, const float *x, size_t ldx, const char *w,
         int dtype, size_t k)
{
    const size_t es = item_size(dtype);
    __m512 s[8][4];
#pragma GCC unroll 8
    for (int r = 0; r < R; r++)
#pragma GCC unroll 4
        for (int i = 0; i < N; i++)
            s[r][i] = _mm512_setzero_ps();
    for (size_t l = 0; l < k; l += W) {
        __m512 xs[4];
#pragma GCC unroll 4
        for (int i = 0; i < N; i++)
            xs[i] = _mm512_maskz_loadu_ps(mask_of(k - l), x + (size_t)i * ldx + l);
#pragma GCC unroll 8
        for (int r = 0; r < R; r++) {
            __m512 wr = load16(w + ((size_t)r * k + l) * es, dtype, k - l);
#pragma GCC unroll 4
            for (int i = 0; i < N; i++)
                s[r][i] = _mm512_fmadd_ps(wr, xs[i], s[r][i]);
        }
    }
#pragma GCC unroll 8
    for (int r = 0; r < R; r++)
#pragma GCC unroll 4
        for (int i = 0; i < N; i++)
            y[(size_t)i * ldy + (size_t)r] = _mm512_reduce_add_ps(s[r][i]);
}

TEMPLATE void
dot_as(float *y, size_t ldy, const float *x, size_t ldx, size_t n, const char *w, int dtype,
       size_t rows, size_t k)
{
    const size_t row = k * item_size(dtype);
    size_t r = 0;
    if (n == 1) /* eight chains hide the latency of the sums */
        for (; r + 8 <= rows; r += 8)
            dot_tile(8, 1, y + r, ldy, x, ldx, w + r * row, dtype, k);
    for (; r + 4 <= rows; r += 4) {
        size_t i = 0;
        for (; i + 4 <= n; i += 4)
            dot_tile(4, 4, y + i * ldy + r, ldy, x + i * ldx, ldx, w + r * row, dtype, k);
        for (; i < n; i++)
            dot_tile(4, 1, y + i * ldy + r, ldy, x + i * ldx, ldx, w + r * row, dtype, k);
    }
    for (; r < rows; r++)
        for (size_t i = 0; i < n; i++)
            dot_tile(1, 1, y + i * ldy + r, ldy, x + i * ldx, ldx, w + r * row, dtype, k);
}

static void
dot(float *y, size_t ldy, const float *x, size_t ldx, size_t n, const void *w, int dtype,
    size_t rows, size_t k)
{
    if (dtype == T5G_F32)
        dot_as(y, ldy, x, ldx, n, w, T5G_F32, rows, k);
    else if (dtype == T5G_F16)
        dot_as(y, ldy, x, ldx, n, w, T5G_F16, rows, k);
    else if (dtype == T5G_I8)
        dot_as(y, ldy, x, ldx, n, w, T5G_I8, rows, k);
    else
        dot_as(y, ldy, x, ldx, n, w, T5G_BF16, rows, k);
}

/* ---- quantised ---- */

/* c [R, cols] += rows of a times the panel: see qgemm of ref.c. */
TEMPLATE void
qtile(const int R, const int bits, float *c, size_t ldc, const struct t5g_qacts *a, size_t row,
      const struct t5g_qpanel *b, bool add, __mmask16 cols)
{
    const __m512i low = _mm512_set1_epi8(15);
    const int32_t zero = bits == 8 ? 64 : 8;
    const size_t bytes = bits == 8 ? T5G_PANEL : T5G_PANEL / 2; /* of a panel for each k */
    __m512 y[TALL];
#pragma GCC unroll 10
    for (int i = 0; i < R; i++)
        y[i] = add ? _mm512_maskz_loadu_ps(cols, c + (size_t)i * ldc) : _mm512_setzero_ps();
    for (size_t g = 0; g < a->groups; g++) {
        size_t from = g * b->group, to = t5g_min(from + b->group, b->k);
        const int8_t *q = a->q + row * a->ldq;
        const uint8_t *w = b->w + from * bytes;
        __m512i t[TALL];
#pragma GCC unroll 10
        for (int i = 0; i < R; i++)
            t[i] = _mm512_set1_epi32(-zero * a->sum[(row + (size_t)i) * a->groups + g]);
        for (size_t k = from; k < to; k += bits == 8 ? 4 : 8, w += 64) {
            __m512i v = _mm512_loadu_si512(w);
            __m512i first = bits == 8 ? v : _mm512_and_si512(v, low);
#pragma GCC unroll 10
            for (int i = 0; i < R; i++) {
                int32_t four;
                memcpy(&four, q + (size_t)i * a->ldq + k, 4);
                t[i] = _mm512_dpbusd_epi32(t[i], first, _mm512_set1_epi32(four));
            }
            if (bits == 8)
                continue;
            __m512i second = _mm512_and_si512(_mm512_srli_epi16(v, 4), low);
#pragma GCC unroll 10
            for (int i = 0; i < R; i++) {
                int32_t four;
                memcpy(&four, q + (size_t)i * a->ldq + k + 4, 4);
                t[i] = _mm512_dpbusd_epi32(t[i], second, _mm512_set1_epi32(four));
            }
        }
        __m512 s = load16((const char *)(b->scale + g * T5G_PANEL), T5G_BF16, W);
#pragma GCC unroll 10
        for (int i = 0; i < R; i++) {
            __m512 f = _mm512_set1_ps(a->scale[(row + (size_t)i) * a->groups + g]);
            y[i] = _mm512_fmadd_ps(_mm512_cvtepi32_ps(t[i]), _mm512_mul_ps(f, s), y[i]);
        }
    }
#pragma GCC unroll 10
    for (int i = 0; i < R; i++)
        _mm512_mask_storeu_ps(c + (size_t)i * ldc, cols, y[i]);
}

TEMPLATE void
qgemm_as(const int bits, float *c, size_t ldc, const struct t5g_qacts *a,
         const struct t5g_qpanel *b, size_t m, size_t cols, bool add)
{
    const __mmask16 mask = mask_of(cols);
    size_t i = 0;
    for (; i + TALL <= m; i += TALL)
        qtile(TALL, bits, c + i * ldc, ldc, a, i, b, add, mask);
    for (; i + 4 <= m; i += 4)
        qtile(4, bits, c + i * ldc, ldc, a, i, b, add, mask);
    for (; i < m; i++)
        qtile(1, bits, c + i * ldc, ldc, a, i, b, add, mask);
}

static void
qgemm(float *c, size_t ldc, const struct t5g_qacts *a, const struct t5g_qpanel *b, size_t m,
      size_t cols, bool add)
{
    if (b->bits == 8)
        qgemm_as(8, c, ldc, a, b, m, cols, add);
    else
        qgemm_as(4, c, ldc, a, b, m, cols, add);
}

/* ---- element by element ---- */

static float
softmax(float *s, size_t n, size_t lo, size_t hi, float scale, float *max, float *sum)
{
    const __m512 hidden = _mm512_set1_ps(-INFINITY), f = _mm512_set1_ps(scale);
    size_t padded = (n + T5G_SOFT_PAD - 1) / T5G_SOFT_PAD * T5G_SOFT_PAD;
    if (lo >= hi) {
        memset(s, 0, padded * sizeof *s);
        return 1;
    }
    __m512 m = hidden, t = _mm512_setzero_ps();
    for (size_t j = 0; j < padded; j += W) {
        __mmask16 in = mask_of(padded - j), seen = mask_of(hi > j ? hi - j : 0);
        seen &= (__mmask16)~mask_of(lo > j ? lo - j : 0);
        __m512 x = _mm512_mul_ps(_mm512_maskz_loadu_ps(in, s + j), f);
        x = _mm512_mask_mov_ps(hidden, seen, x);
        m = _mm512_max_ps(m, x);
        _mm512_mask_storeu_ps(s + j, in, x);
    }
    float top = fmaxf(*max, _mm512_reduce_max_ps(m));
    for (size_t j = 0; j < padded; j += W) {
        __mmask16 in = mask_of(padded - j);
        __m512 x = _mm512_mask_mov_ps(hidden, in, _mm512_maskz_loadu_ps(in, s + j));
        x = exp16(_mm512_sub_ps(x, _mm512_set1_ps(top)));
        t = _mm512_add_ps(t, x);
        _mm512_mask_storeu_ps(s + j, in, x);
    }
    float old = _mm512_cvtss_f32(exp16(_mm512_set1_ps(*max - top)));
    *sum = *sum * old + _mm512_reduce_add_ps(t);
    *max = top;
    return old;
}

/* As gelu8 of v3.c. */
TEMPLATE __m512
gelu16(__m512 x)
{
    __m512 cube = _mm512_mul_ps(_mm512_mul_ps(x, x), x);
    __m512 y = _mm512_fmadd_ps(cube, _mm512_set1_ps(0.044715f), x);
    __m512 e = exp16(_mm512_mul_ps(y, _mm512_set1_ps(-2 * 0.7978845608f)));
    return _mm512_div_ps(x, _mm512_add_ps(e, _mm512_set1_ps(1)));
}

static void
geglu(float *g, size_t ldg, const float *u, size_t ldu, size_t m, size_t n)
{
    for (size_t i = 0; i < m; i++)
        for (size_t j = 0; j < n; j += W) {
            __mmask16 in = mask_of(n - j);
            __m512 x = gelu16(_mm512_maskz_loadu_ps(in, g + i * ldg + j));
            x = _mm512_mul_ps(x, _mm512_maskz_loadu_ps(in, u + i * ldu + j));
            _mm512_mask_storeu_ps(g + i * ldg + j, in, x);
        }
}

static void
gelu(float *g, size_t ldg, size_t m, size_t n)
{
    for (size_t i = 0; i < m; i++)
        for (size_t j = 0; j < n; j += W) {
            __mmask16 in = mask_of(n - j);
            _mm512_mask_storeu_ps(g + i * ldg + j, in,
                                  gelu16(_mm512_maskz_loadu_ps(in, g + i * ldg + j)));
        }
}

void
t5g_v4_fill(struct t5g_kernels *k)
{
    k->name = "v4";
    k->gemm = gemm;
    k->dot = dot;
    k->qgemm = qgemm;
    k->softmax = softmax;
    k->geglu = geglu;
    k->gelu = gelu;
}
