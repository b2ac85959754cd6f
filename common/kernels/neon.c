/* neon.c: kernels for aarch64: 32 registers of 4 floats. What works on panels is in other files. */
#if !defined(__aarch64__)
#error "for aarch64"
#endif

#include "kernels/neon.h"
#include "kernels/neonmath.h"

#include <math.h>
#include <string.h>

/* ---- rows ---- */

/* s [R, N] += 8 k of R rows of w times N rows of x, of which `left` are to be done. */
TEMPLATE void
dot_step(const int R, const int N, float32x4_t s[8][4], const float *x, size_t ldx, const char *w,
         size_t row_bytes, int dtype, size_t left)
{
    float32x4x2_t xs[4];
#pragma GCC unroll 4
    for (int i = 0; i < N; i++) {
        const char *xi = (const char *)(x + (size_t)i * ldx);
        xs[i] = left >= 2 * W ? load8(xi, T5G_F32) : load_some(xi, T5G_F32, left);
    }
#pragma GCC unroll 8
    for (int r = 0; r < R; r++) {
        const char *wr = w + (size_t)r * row_bytes;
        float32x4x2_t v = left >= 2 * W ? load8(wr, dtype) : load_some(wr, dtype, left);
#pragma GCC unroll 4
        for (int i = 0; i < N; i++) {
            s[r][i] = vfmaq_f32(s[r][i], v.val[0], xs[i].val[0]);
            s[r][i] = vfmaq_f32(s[r][i], v.val[1], xs[i].val[1]);
        }
    }
}

/*
 * R rows of w times N rows of x. One register of partial sums for each result whatever R and N are,
 * element k in lane k % 4: a result has the same bits from every tile.
 */
TEMPLATE void
dot_tile(const int R, const int N, float *y, size_t ldy, const float *x, size_t ldx, const char *w,
         int dtype, size_t k)
{
    const size_t es = item_size(dtype);
    float32x4_t s[8][4];
#pragma GCC unroll 8
    for (int r = 0; r < R; r++)
#pragma GCC unroll 4
        for (int i = 0; i < N; i++)
            s[r][i] = vdupq_n_f32(0);
    size_t l = 0;
    for (; l + 2 * W <= k; l += 2 * W)
        dot_step(R, N, s, x + l, ldx, w + l * es, k * es, dtype, 2 * W);
    if (l < k)
        dot_step(R, N, s, x + l, ldx, w + l * es, k * es, dtype, k - l);
#pragma GCC unroll 8
    for (int r = 0; r < R; r++)
#pragma GCC unroll 4
        for (int i = 0; i < N; i++)
            y[(size_t)i * ldy + (size_t)r] = vaddvq_f32(s[r][i]);
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

/* mix_some for 8 columns, of which `left` are there. */
TEMPLATE void
mix_block(const int J, float *o, size_t ldo, const float *p, size_t ldp, size_t rows, const char *v,
          size_t row_bytes, int dtype, size_t left)
{
    size_t high = t5g_min(W, left); /* where the second register begins */
    float32x4x2_t vs[4];
#pragma GCC unroll 4
    for (int j = 0; j < J; j++) {
        const char *vj = v + (size_t)j * row_bytes;
        vs[j] = left >= 2 * W ? load8(vj, dtype) : load_some(vj, dtype, left);
    }
    for (size_t r = 0; r < rows; r++, o += ldo, p += ldp) {
        float32x4_t s0 = get(o, left), s1 = get(o + high, left - high);
#pragma GCC unroll 4
        for (int j = 0; j < J; j++) {
            s0 = vfmaq_n_f32(s0, vs[j].val[0], p[j]);
            s1 = vfmaq_n_f32(s1, vs[j].val[1], p[j]);
        }
        put(o, left, s0);
        put(o + high, left - high, s1);
    }
}

/* J rows of v added, so that o is loaded and stored once for J of them. */
TEMPLATE void
mix_some(const int J, float *o, size_t ldo, const float *p, size_t ldp, size_t rows, const char *v,
         int dtype, size_t ldv, size_t k)
{
    const size_t es = item_size(dtype);
    size_t c = 0;
    for (; c + 2 * W <= k; c += 2 * W)
        mix_block(J, o + c, ldo, p, ldp, rows, v + c * es, ldv * es, dtype, 2 * W);
    if (c < k)
        mix_block(J, o + c, ldo, p, ldp, rows, v + c * es, ldv * es, dtype, k - c);
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

TEMPLATE uint32x4_t
iota(void)
{
    static const uint32_t first[W] = {0, 1, 2, 3};
    return vld1q_u32(first);
}

static float
softmax(float *s, size_t n, size_t lo, size_t hi, float scale, float *max, float *sum)
{
    const float32x4_t hidden = vdupq_n_f32(-INFINITY);
    const uint32x4_t from = vdupq_n_u32((uint32_t)lo), to = vdupq_n_u32((uint32_t)hi);
    size_t padded = t5g_round_up(n, T5G_SOFT_PAD);
    if (lo >= hi) {
        memset(s, 0, padded * sizeof *s);
        return 1;
    }
    float32x4_t m = hidden, t = vdupq_n_f32(0);
    for (size_t j = 0; j < padded; j += W) {
        uint32x4_t at = vaddq_u32(iota(), vdupq_n_u32((uint32_t)j));
        uint32x4_t seen = vandq_u32(vcgeq_u32(at, from), vcltq_u32(at, to));
        float32x4_t x = vbslq_f32(seen, vmulq_n_f32(vld1q_f32(s + j), scale), hidden);
        m = vmaxnmq_f32(m, x); /* passes over a NaN, which the sum below shows */
        vst1q_f32(s + j, x);
    }
    float top = fmaxf(*max, vmaxnmvq_f32(m));
    for (size_t j = 0; j < padded; j += W) {
        float32x4_t x = exp4(vsubq_f32(vld1q_f32(s + j), vdupq_n_f32(top)));
        t = vaddq_f32(t, x);
        vst1q_f32(s + j, x);
    }
    float old = vgetq_lane_f32(exp4(vdupq_n_f32(*max - top)), 0);
    *sum = *sum * old + vaddvq_f32(t);
    *max = top;
    return old;
}

static float
rms_factor(const float *x, size_t n, float eps)
{
    float32x4_t s[4] = {vdupq_n_f32(0), vdupq_n_f32(0), vdupq_n_f32(0), vdupq_n_f32(0)};
    size_t i = 0;
    for (; i + 4 * W <= n; i += 4 * W)
#pragma GCC unroll 4
        for (size_t j = 0; j < 4; j++) {
            float32x4_t v = vld1q_f32(x + i + j * W);
            s[j] = vfmaq_f32(s[j], v, v);
        }
    for (; i < n; i += W) {
        float32x4_t v = get(x + i, n - i);
        s[0] = vfmaq_f32(s[0], v, v);
    }
    float t = vaddvq_f32(vaddq_f32(vaddq_f32(s[0], s[1]), vaddq_f32(s[2], s[3])));
    return 1 / sqrtf(t / (float)n + eps);
}

static void
rms(float *y, const float *x, const float *w, size_t n, float eps)
{
    float f = rms_factor(x, n, eps);
    for (size_t i = 0; i < n; i += W)
        put(y + i, n - i, vmulq_f32(vmulq_n_f32(get(x + i, n - i), f), get(w + i, n - i)));
}

static void
rms_add(float *x, const float *a, const float *w, size_t n, float eps)
{
    float f = rms_factor(a, n, eps);
    for (size_t i = 0; i < n; i += W) {
        float32x4_t v = vmulq_n_f32(get(a + i, n - i), f);
        put(x + i, n - i, vfmaq_f32(get(x + i, n - i), v, get(w + i, n - i)));
    }
}

static void
layer_norm(float *y, const float *x, const float *w, const float *b, size_t n, float eps)
{
    float32x4_t s = vdupq_n_f32(0), v = vdupq_n_f32(0);
    for (size_t i = 0; i < n; i += W)
        s = vaddq_f32(s, get(x + i, n - i));
    float32x4_t m = vdupq_n_f32(vaddvq_f32(s) / (float)n);
    for (size_t i = 0; i < n; i += W) {
        float32x4_t d = vsubq_f32(get(x + i, n - i), m);
        if (n - i < W) /* beyond the row there is no difference to the mean */
            d = vbslq_f32(vcltq_u32(iota(), vdupq_n_u32((uint32_t)(n - i))), d, vdupq_n_f32(0));
        v = vfmaq_f32(v, d, d);
    }
    float f = 1 / sqrtf(vaddvq_f32(v) / (float)n + eps);
    for (size_t i = 0; i < n; i += W) {
        float32x4_t d = vmulq_n_f32(vsubq_f32(get(x + i, n - i), m), f);
        put(y + i, n - i, vfmaq_f32(get(b + i, n - i), d, get(w + i, n - i)));
    }
}

static void
rope(float *x, const float *cos, const float *sin, size_t half)
{
    for (size_t i = 0; i < half; i += W) {
        size_t n = half - i;
        float32x4_t a = get(x + i, n), b = get(x + half + i, n);
        float32x4_t c = get(cos + i, n), s = get(sin + i, n);
        put(x + i, n, vfmsq_f32(vmulq_f32(a, c), b, s));
        put(x + half + i, n, vfmaq_f32(vmulq_f32(b, c), a, s));
    }
}

/* x / (1 + exp(-2 y)), y = sqrt(2/pi) (x + 0.044715 x^3): see ref.c. */
TEMPLATE float32x4_t
gelu4(float32x4_t x)
{
    float32x4_t cube = vmulq_f32(vmulq_f32(x, x), x);
    float32x4_t y = vfmaq_n_f32(x, cube, 0.044715f);
    float32x4_t e = exp4(vmulq_n_f32(y, -2 * 0.7978845608f));
    return vdivq_f32(x, vaddq_f32(e, vdupq_n_f32(1)));
}

static void
geglu(float *g, size_t ldg, const float *u, size_t ldu, size_t m, size_t n)
{
    for (size_t i = 0; i < m; i++) {
        float *gi = g + i * ldg;
        const float *ui = u + i * ldu;
        for (size_t j = 0; j < n; j += W)
            put(gi + j, n - j, vmulq_f32(gelu4(get(gi + j, n - j)), get(ui + j, n - j)));
    }
}

static void
gelu(float *g, size_t ldg, size_t m, size_t n)
{
    for (size_t i = 0; i < m; i++)
        for (size_t j = 0; j < n; j += W)
            put(g + i * ldg + j, n - j, gelu4(get(g + i * ldg + j, n - j)));
}

static void
softcap(float *x, size_t n, float cap)
{
    float32x4_t c = vdupq_n_f32(cap);
    for (size_t i = 0; i < n; i += W)
        put(x + i, n - i, vmulq_f32(c, tanh4(vdivq_f32(get(x + i, n - i), c))));
}

static void
scale_by(float *x, size_t n, float factor)
{
    for (size_t i = 0; i < n; i += W)
        put(x + i, n - i, vmulq_n_f32(get(x + i, n - i), factor));
}

const struct t5g_kernels t5g_kernels_neon = {
    .name = "neon",
    .pack = t5g_neon_pack,
    .gemm = t5g_neon_gemm,
    .dot = dot,
    .mix = mix,
    .quantize = t5g_neon_quantize,
    .qgemm = t5g_neon_qgemm,
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
