/*
 * v3.c: kernels for x86-64-v3 (AVX2, FMA, F16C): 16 registers of 8 floats.
 *
 * gcc keeps the accumulators of a tile in registers only when every loop over them is unrolled,
 * hence the pragmas and the always_inline templates with constant tile sizes.
 */
#if !defined(__AVX2__) || !defined(__FMA__) || !defined(__F16C__)
#error "compile with -mavx2 -mfma -mf16c"
#endif

#include "kernels/v3math.h"
#include "kernels/v3quant.h"
#include "kernels/panels.h"

#include <math.h>
#include <string.h>

enum {
    KC = 320, /* panel rows at a time: 20 KB, stays in the first-level cache */
    MC = 96,  /* rows of a at a time: 96 x 320 floats stay in the second-level cache */
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

/* Half a panel: rows 0..8 of w to columns 0..7 of panel, of which `left` k steps are to be done. */
TEMPLATE void
pack_block(float *panel, const char *w, size_t row_bytes, int dtype, size_t rows, size_t left)
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

TEMPLATE void
pack_as(float *panel, const char *w, size_t ldw, int dtype, size_t rows, size_t k)
{
    size_t es = item_size(dtype);
    for (size_t j = 0; j < T5G_PANEL; j += W) {
        size_t n = rows > j ? t5g_min(rows - j, W) : 0;
        const char *wj = n > 0 ? w + j * ldw * es : w;
        size_t i = 0;
        if (n == W)
            for (; i + W <= k; i += W)
                pack_block(panel + i * T5G_PANEL + j, wj + i * es, ldw * es, dtype, W, W);
        for (; i < k; i += W)
            pack_block(panel + i * T5G_PANEL + j, wj + i * es, ldw * es, dtype, n, k - i);
    }
}

static void
pack(float *panel, const void *w, size_t ldw, int dtype, size_t rows, size_t k)
{
    if (dtype == T5G_F32)
        pack_as(panel, w, ldw, T5G_F32, rows, k);
    else if (dtype == T5G_F16)
        pack_as(panel, w, ldw, T5G_F16, rows, k);
    else
        pack_as(panel, w, ldw, T5G_BF16, rows, k);
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
    case 4:
        tile(4, c, ldc, a, lda, panel, k, add);
        break;
    default:
        tile(5, c, ldc, a, lda, panel, k, add);
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
            for (; i + 6 <= end; i += 6)
                tile(6, c + i * ldc, ldc, a + i * lda + l, lda, b, n, add || l > 0);
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
    for (size_t i = 0; i < m; i += 6) {
        float t[6 * T5G_PANEL] = {0};
        size_t rows = t5g_min(6, m - i);
        for (size_t r = 0; add && r < rows; r++)
            memcpy(t + r * T5G_PANEL, c + (i + r) * ldc, cols * sizeof *t);
        gemm_wide(t, T5G_PANEL, a + i * lda, lda, panel, rows, k, add);
        for (size_t r = 0; r < rows; r++)
            memcpy(c + (i + r) * ldc, t + r * T5G_PANEL, cols * sizeof *t);
    }
}

static void
gemm(float *c, size_t ldc, const float *a, size_t lda, const float *panel, size_t next, size_t m,
     size_t k, size_t cols, bool add)
{
    t5g_gemm_by_panel(gemm_panel, c, ldc, a, lda, panel, next, m, k, cols, add);
}

/* ---- rows ---- */

/*
 * R rows of w times N rows of x. One register of partial sums for each result whatever R and N are,
 * element k in lane k % 8: a result has the same bits from every tile.
 */
TEMPLATE void
dot_tile(const int R, const int N, float *y, size_t ldy, const float *x, size_t ldx, const char *w,
         int dtype, size_t k)
{
    const size_t es = item_size(dtype);
    __m256 s[8][3];
#pragma GCC unroll 8
    for (int r = 0; r < R; r++)
#pragma GCC unroll 3
        for (int i = 0; i < N; i++)
            s[r][i] = _mm256_setzero_ps();
    size_t l = 0;
    for (; l + W <= k; l += W) {
        __m256 xs[3];
#pragma GCC unroll 3
        for (int i = 0; i < N; i++)
            xs[i] = _mm256_loadu_ps(x + (size_t)i * ldx + l);
#pragma GCC unroll 8
        for (int r = 0; r < R; r++) {
            __m256 wr = load8(w + ((size_t)r * k + l) * es, dtype);
#pragma GCC unroll 3
            for (int i = 0; i < N; i++)
                s[r][i] = _mm256_fmadd_ps(wr, xs[i], s[r][i]);
        }
    }
    if (l < k) {
#pragma GCC unroll 8
        for (int r = 0; r < R; r++) {
            __m256 wr = load_some(w + ((size_t)r * k + l) * es, dtype, k - l);
#pragma GCC unroll 3
            for (int i = 0; i < N; i++)
                s[r][i] = _mm256_fmadd_ps(wr, get(x + (size_t)i * ldx + l, k - l), s[r][i]);
        }
    }
#pragma GCC unroll 8
    for (int r = 0; r < R; r++)
#pragma GCC unroll 3
        for (int i = 0; i < N; i++)
            y[(size_t)i * ldy + (size_t)r] = sum8(s[r][i]);
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
        for (; i + 3 <= n; i += 3)
            dot_tile(4, 3, y + i * ldy + r, ldy, x + i * ldx, ldx, w + r * row, dtype, k);
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

/* J rows of v added, so that o is loaded and stored once for J of them. */
TEMPLATE void
mix_some(const int J, float *o, size_t ldo, const float *p, size_t ldp, size_t rows, const char *v,
         int dtype, size_t ldv, size_t k)
{
    const size_t es = item_size(dtype);
    for (size_t c = 0; c < k; c += W) {
        __m256 vs[4];
#pragma GCC unroll 4
        for (int j = 0; j < J; j++) {
            const char *vj = v + ((size_t)j * ldv + c) * es;
            vs[j] = k - c >= W ? load8(vj, dtype) : load_some(vj, dtype, k - c);
        }
        for (size_t r = 0; r < rows; r++) {
            __m256 s = get(o + r * ldo + c, k - c);
#pragma GCC unroll 4
            for (int j = 0; j < J; j++)
                s = _mm256_fmadd_ps(_mm256_broadcast_ss(p + r * ldp + j), vs[j], s);
            put(o + r * ldo + c, k - c, s);
        }
    }
}

TEMPLATE void
mix_as(float *o, size_t ldo, const float *p, size_t ldp, size_t rows, const char *v, int dtype,
       size_t ldv, size_t n, size_t k)
{
    const size_t es = item_size(dtype);
    size_t j = 0;
    for (; j + 4 <= n; j += 4)
        mix_some(4, o, ldo, p + j, ldp, rows, v + j * ldv * es, dtype, ldv, k);
    for (; j < n; j++)
        mix_some(1, o, ldo, p + j, ldp, rows, v + j * ldv * es, dtype, ldv, k);
}

static void
mix(float *o, size_t ldo, const float *p, size_t ldp, size_t rows, const void *v, int dtype,
    size_t ldv, size_t n, size_t k)
{
    if (dtype == T5G_F32)
        mix_as(o, ldo, p, ldp, rows, v, T5G_F32, ldv, n, k);
    else if (dtype == T5G_I8)
        mix_as(o, ldo, p, ldp, rows, v, T5G_I8, ldv, n, k);
    else
        mix_as(o, ldo, p, ldp, rows, v, T5G_BF16, ldv, n, k);
}

/* ---- element by element ---- */

static float
softmax(float *s, size_t n, size_t lo, size_t hi, float scale, float *max, float *sum)
{
    const __m256 hidden = _mm256_set1_ps(-INFINITY), f = _mm256_set1_ps(scale);
    const __m256i iota = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
    const __m256i from = _mm256_set1_epi32((int)lo - 1), to = _mm256_set1_epi32((int)hi);
    if (lo >= hi) {
        for (size_t j = 0; j < n; j += W)
            _mm256_storeu_ps(s + j, _mm256_setzero_ps());
        return 1;
    }
    __m256 m = hidden, t = _mm256_setzero_ps();
    for (size_t j = 0; j < n; j += W) {
        __m256i at = _mm256_add_epi32(iota, _mm256_set1_epi32((int)j));
        __m256i seen = _mm256_and_si256(_mm256_cmpgt_epi32(at, from), _mm256_cmpgt_epi32(to, at));
        __m256 x = _mm256_mul_ps(_mm256_loadu_ps(s + j), f);
        x = _mm256_blendv_ps(hidden, x, _mm256_castsi256_ps(seen));
        m = _mm256_max_ps(m, x);
        _mm256_storeu_ps(s + j, x);
    }
    float top = fmaxf(*max, max8(m));
    for (size_t j = 0; j < n; j += W) {
        __m256 x = exp8(_mm256_sub_ps(_mm256_loadu_ps(s + j), _mm256_set1_ps(top)));
        t = _mm256_add_ps(t, x);
        _mm256_storeu_ps(s + j, x);
    }
    float old = _mm256_cvtss_f32(exp8(_mm256_set1_ps(*max - top)));
    *sum = *sum * old + sum8(t);
    *max = top;
    return old;
}

static float
rms_factor(const float *x, size_t n, float eps)
{
    __m256 s[4] = {_mm256_setzero_ps(), _mm256_setzero_ps(), _mm256_setzero_ps(),
                   _mm256_setzero_ps()};
    for (size_t i = 0; i < n; i += W) {
        __m256 v = get(x + i, n - i);
        s[i / W % 4] = _mm256_fmadd_ps(v, v, s[i / W % 4]);
    }
    float t = sum8(_mm256_add_ps(_mm256_add_ps(s[0], s[1]), _mm256_add_ps(s[2], s[3])));
    return 1 / sqrtf(t / (float)n + eps);
}

static void
rms(float *y, const float *x, const float *w, size_t n, float eps)
{
    __m256 f = _mm256_set1_ps(rms_factor(x, n, eps));
    for (size_t i = 0; i < n; i += W)
        put(y + i, n - i, _mm256_mul_ps(_mm256_mul_ps(get(x + i, n - i), f), get(w + i, n - i)));
}

static void
rms_add(float *x, const float *a, const float *w, size_t n, float eps)
{
    __m256 f = _mm256_set1_ps(rms_factor(a, n, eps));
    for (size_t i = 0; i < n; i += W) {
        __m256 v = _mm256_mul_ps(get(a + i, n - i), f);
        put(x + i, n - i, _mm256_fmadd_ps(v, get(w + i, n - i), get(x + i, n - i)));
    }
}

static void
layer_norm(float *y, const float *x, const float *w, const float *b, size_t n, float eps)
{
    __m256 s = _mm256_setzero_ps(), v = _mm256_setzero_ps();
    for (size_t i = 0; i < n; i += W)
        s = _mm256_add_ps(s, get(x + i, n - i));
    float mean = sum8(s) / (float)n;
    __m256 m = _mm256_set1_ps(mean);
    for (size_t i = 0; i < n; i += W) {
        __m256 d = _mm256_sub_ps(get(x + i, n - i), m);
        if (n - i < W) /* beyond the row there is no difference to the mean */
            d = _mm256_and_ps(d, _mm256_castsi256_ps(mask_of(n - i)));
        v = _mm256_fmadd_ps(d, d, v);
    }
    __m256 f = _mm256_set1_ps(1 / sqrtf(sum8(v) / (float)n + eps));
    for (size_t i = 0; i < n; i += W) {
        __m256 d = _mm256_mul_ps(_mm256_sub_ps(get(x + i, n - i), m), f);
        put(y + i, n - i, _mm256_fmadd_ps(d, get(w + i, n - i), get(b + i, n - i)));
    }
}

static void
rope(float *x, const float *cos, const float *sin, size_t half)
{
    for (size_t i = 0; i < half; i += W) {
        size_t n = half - i;
        __m256 a = get(x + i, n), b = get(x + half + i, n);
        __m256 c = get(cos + i, n), s = get(sin + i, n);
        put(x + i, n, _mm256_fmsub_ps(a, c, _mm256_mul_ps(b, s)));
        put(x + half + i, n, _mm256_fmadd_ps(b, c, _mm256_mul_ps(a, s)));
    }
}

/* x / (1 + exp(-2 y)), y = sqrt(2/pi) (x + 0.044715 x^3): see ref.c. */
TEMPLATE __m256
gelu8(__m256 x)
{
    __m256 cube = _mm256_mul_ps(_mm256_mul_ps(x, x), x);
    __m256 y = _mm256_fmadd_ps(cube, _mm256_set1_ps(0.044715f), x);
    __m256 e = exp8(_mm256_mul_ps(y, _mm256_set1_ps(-2 * 0.7978845608f)));
    return _mm256_div_ps(x, _mm256_add_ps(e, _mm256_set1_ps(1)));
}

static void
geglu(float *g, size_t ldg, const float *u, size_t ldu, size_t m, size_t n)
{
    for (size_t i = 0; i < m; i++) {
        float *gi = g + i * ldg;
        const float *ui = u + i * ldu;
        for (size_t j = 0; j < n; j += W)
            put(gi + j, n - j, _mm256_mul_ps(gelu8(get(gi + j, n - j)), get(ui + j, n - j)));
    }
}

static void
gelu(float *g, size_t ldg, size_t m, size_t n)
{
    for (size_t i = 0; i < m; i++)
        for (size_t j = 0; j < n; j += W)
            put(g + i * ldg + j, n - j, gelu8(get(g + i * ldg + j, n - j)));
}

static void
softcap(float *x, size_t n, float cap)
{
    __m256 c = _mm256_set1_ps(cap);
    for (size_t i = 0; i < n; i += W)
        put(x + i, n - i, _mm256_mul_ps(c, tanh8(_mm256_div_ps(get(x + i, n - i), c))));
}

static void
scale_by(float *x, size_t n, float factor)
{
    for (size_t i = 0; i < n; i += W)
        put(x + i, n - i, _mm256_mul_ps(get(x + i, n - i), _mm256_set1_ps(factor)));
}

const struct t5g_kernels t5g_kernels_v3 = {
    .name = "v3",
    .pack = pack,
    .gemm = gemm,
    .dot = dot,
    .mix = mix,
    .quantize = t5g_v3_quantize,
    .qgemm = t5g_v3_qgemm,
    .softmax = softmax,
    .rms = rms,
    .rms_add = rms_add,
    .layer_norm = layer_norm,
    .rope = rope,
    .geglu = geglu,
    .gelu = gelu,
    .softcap = softcap,
    .scale = scale_by,
};
