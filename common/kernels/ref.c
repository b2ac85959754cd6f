/*
 * ref.c: every kernel in plain C. It defines what the others must compute, and runs anywhere.
 *
 * Inner loops have constant trip counts over arrays as large as a few registers, so that a compiler
 * turns them into the architecture's baseline vector instructions; there is no other tuning.
 */
#include "kernels/levels.h"
#include "kernels/panels.h"
#include "kernels/rotate.h"

#include <float.h>
#include <math.h>
#include <string.h>

enum {
    LANES = 8,   /* partial sums of a dot product: element k goes to sum k % 8 */
    GROUP = 4,   /* activation rows that share one read of a weight row */
    PIECE = 128, /* weights widened at a time */
    KC = 256,    /* products summed apart before they are added: sums of sums round less */
};

/* n elements from element `at` of v. */
static void
widen(float *to, const void *v, size_t at, int dtype, size_t n)
{
    if (dtype == T5G_I8)
        for (size_t i = 0; i < n; i++)
            to[i] = ((const int8_t *)v)[at + i];
    else
        t5g_to_f32(to, (const char *)v + at * t5g_dtype_size(dtype), dtype, n);
}

static void
to_panel(float *panel, const void *w, size_t ldw, int dtype, size_t rows, size_t k)
{
    float row[PIECE];
    size_t es = t5g_dtype_size(dtype);
    for (size_t j = 0; j < T5G_PANEL; j++) {
        for (size_t i = 0; i < k; i += PIECE) {
            size_t n = t5g_min(PIECE, k - i);
            if (j < rows)
                t5g_to_f32(row, (const char *)w + (j * ldw + i) * es, dtype, n);
            for (size_t l = 0; l < n; l++)
                panel[(i + l) * T5G_PANEL + j] = j < rows ? row[l] : 0;
        }
    }
}

/*
 * Two rows at a time: 2 x 16 sums fill half of sixteen 4-float registers. The vector type and the
 * pragmas are for gcc, which otherwise keeps the sums in memory; the arithmetic is that of
 * c[i][j] += sum over l of a[i][l] * panel[l][j].
 */
typedef float quad __attribute__((vector_size(16), aligned(4), may_alias));

static void
gemm_pair(float c[2][T5G_PANEL], const float *a0, const float *a1, const float *panel, size_t k)
{
    quad s[2][4], *c0 = (quad *)c[0], *c1 = (quad *)c[1];
#pragma GCC unroll 4
    for (size_t j = 0; j < 4; j++)
        s[0][j] = s[1][j] = (quad){0};
    for (size_t l = 0; l < k; l++) {
        const quad *b = (const quad *)(panel + l * T5G_PANEL);
#pragma GCC unroll 4
        for (size_t j = 0; j < 4; j++) {
            s[0][j] += a0[l] * b[j];
            s[1][j] += a1[l] * b[j];
        }
    }
#pragma GCC unroll 4
    for (size_t j = 0; j < 4; j++) {
        c0[j] += s[0][j];
        c1[j] += s[1][j];
    }
}

/* The first cols of the 16 columns of one panel. */
static void
gemm_panel(float *c, size_t ldc, const float *a, size_t lda, const float *panel, size_t m, size_t k,
           size_t cols, bool add)
{
    for (size_t i = 0; i < m; i += 2) {
        float s[2][T5G_PANEL] = {{0}};
        size_t rows = t5g_min(2, m - i);
        const float *a0 = a + i * lda;
        for (size_t r = 0; add && r < rows; r++)
            memcpy(s[r], c + (i + r) * ldc, cols * sizeof *c);
        for (size_t l = 0; l < k; l += KC)
            gemm_pair(s, a0 + l, (rows == 2 ? a0 + lda : a0) + l, panel + l * T5G_PANEL,
                      t5g_min(KC, k - l));
        for (size_t r = 0; r < rows; r++)
            memcpy(c + (i + r) * ldc, s[r], cols * sizeof *c);
    }
}

static void
gemm(float *c, size_t ldc, const float *a, size_t lda, const float *panel, size_t next, size_t m,
     size_t k, size_t cols, bool add)
{
    for (size_t j = 0; j < cols; j += T5G_PANEL, panel += next)
        gemm_panel(c + j, ldc, a, lda, panel, m, k, t5g_min(T5G_PANEL, cols - j), add);
}

static float
sum_lanes(const float s[LANES])
{
    return ((s[0] + s[4]) + (s[2] + s[6])) + ((s[1] + s[5]) + (s[3] + s[7]));
}

/* s[l] += w[k] x[k] over k % 8 == l, k < n. */
static void
dot_lanes(float s[LANES], const float *w, const float *x, size_t n)
{
    quad *t = (quad *)s, t0 = t[0], t1 = t[1];
    size_t k = 0;
    for (; k + LANES <= n; k += LANES) {
        const quad *wk = (const quad *)(w + k), *xk = (const quad *)(x + k);
        t0 += wk[0] * xk[0];
        t1 += wk[1] * xk[1];
    }
    t[0] = t0;
    t[1] = t1;
    for (size_t l = 0; k + l < n; l++)
        s[l] += w[k + l] * x[k + l];
}

static void
dot(float *y, size_t ldy, const float *x, size_t ldx, size_t n, const void *w, int dtype,
    size_t rows, size_t k)
{
    float piece[PIECE];
    for (size_t r = 0; r < rows; r++) {
        for (size_t i = 0; i < n; i += GROUP) {
            float s[GROUP][LANES] = {{0}};
            size_t rest = t5g_min(GROUP, n - i);
            for (size_t l = 0; l < k; l += PIECE) {
                size_t len = t5g_min(PIECE, k - l);
                widen(piece, w, r * k + l, dtype, len);
                for (size_t q = 0; q < rest; q++)
                    dot_lanes(s[q], piece, x + (i + q) * ldx + l, len);
            }
            for (size_t q = 0; q < rest; q++)
                y[(i + q) * ldy + r] = sum_lanes(s[q]);
        }
    }
}

static void
mix(float *o, size_t ldo, const float *p, size_t ldp, size_t rows, const void *v, int dtype,
    size_t ldv, size_t n, size_t k)
{
    float piece[PIECE];
    for (size_t j = 0; j < n; j++)
        for (size_t l = 0; l < k; l += PIECE) {
            size_t len = t5g_min(PIECE, k - l);
            widen(piece, v, j * ldv + l, dtype, len);
            for (size_t r = 0; r < rows; r++) {
                float *to = o + r * ldo + l, f = p[r * ldp + j];
                size_t c = 0;
                for (; c + 4 <= len; c += 4)
                    *(quad *)(to + c) += f * *(const quad *)(piece + c);
                for (; c < len; c++)
                    to[c] += f * piece[c];
            }
        }
}

/* Largest |x|; not finite if any x is NaN or infinite. */
static float
largest(const float *x, size_t n)
{
    uint32_t max = 0;
    for (size_t i = 0; i < n; i++) {
        uint32_t bits;
        memcpy(&bits, &x[i], 4);
        bits &= 0x7fffffff;
        max = bits > max ? bits : max;
    }
    float f;
    memcpy(&f, &max, 4);
    return f;
}

static void
round32(int8_t *q, const float *x, float f)
{
    for (size_t i = 0; i < 32; i++)
        q[i] = (int8_t)rintf(x[i] * f);
}

static int32_t
sum_of(const int8_t *q, size_t n)
{
    int32_t s = 0;
    for (size_t i = 0; i < n; i++)
        s += q[i];
    return s;
}

static void
rotate(float *y, const float *x, size_t k)
{
    t5g_rotate_row(y, x, k);
}

#include "kernels/quantize.h"

/* Sums of q [n] times 16 rows of bytes. */
static void
qdot(int32_t t[T5G_PANEL], const int8_t *q, const uint8_t *w, size_t n)
{
    memset(t, 0, T5G_PANEL * sizeof *t);
    for (size_t l = 0; l < n; l += 4, w += 4 * T5G_PANEL) /* beyond k there are zeros in q */
        for (size_t j = 0; j < T5G_PANEL; j++)
            for (size_t i = 0; i < 4; i++)
                t[j] += q[l + i] * w[4 * j + i];
}

/* y [n] += row i of a times panel p of the block. */
static void
qtile(float *y, const struct t5g_qacts *a, size_t i, const struct t5g_qblock *b, size_t p, size_t n)
{
    int32_t t[T5G_PANEL];
    for (size_t k = b->from, g = 0; k < b->to; k += b->size, g++) {
        const int32_t *zero = b->zero[p][g * b->zero_step];
        const uint16_t *scale = b->scale + p * b->next_scale + g * T5G_PANEL;
        float s = a->scale[i * a->groups + b->acts + (g >> b->acts_shift)];
        int32_t sum = a->sum[i * a->pieces + b->group + g];
        qdot(t, a->q + i * a->ldq + k, b->w + p * b->next + (k - b->from) * T5G_PANEL,
             t5g_min(b->size, b->to - k));
        for (size_t j = 0; j < n; j++)
            y[j] = fmaf((float)(t[j] - zero[j] * sum), s * t5g_bf16_to_f32(scale[j]), y[j]);
    }
}

static void
tiles(float *c, size_t ldc, const struct t5g_qacts *a, const struct t5g_qblock *b, size_t m,
      size_t cols, bool add)
{
    for (size_t i = 0; i < m; i++)
        for (size_t j = 0; j < cols; j += T5G_PANEL) {
            size_t n = t5g_min(T5G_PANEL, cols - j);
            if (!add)
                memset(c + i * ldc + j, 0, n * sizeof *c);
            qtile(c + i * ldc + j, a, i, b, j / T5G_PANEL, n);
        }
}

enum { WIDE = 1, FEW_WIDE = 1, FEW_ROWS = 0, ZERO8 = 128 };
#include "kernels/qgemm.h"

static float
softmax(float *s, size_t n, size_t lo, size_t hi, float scale, float *max, float *sum)
{
    float m = *max, lanes[LANES] = {0};
    size_t padded = (n + T5G_SOFT_PAD - 1) / T5G_SOFT_PAD * T5G_SOFT_PAD;
    for (size_t j = lo; j < hi; j++) {
        s[j] *= scale;
        if (!(s[j] <= m)) /* a NaN gets through */
            m = s[j];
    }
    for (size_t j = 0; j < padded; j++)
        s[j] = j >= lo && j < hi ? expf(s[j] - m) : 0;
    if (lo >= hi)
        return 1;
    for (size_t j = 0; j < padded; j++)
        lanes[j % LANES] += s[j];
    float f = expf(*max - m);
    *sum = *sum * f + sum_lanes(lanes);
    *max = m;
    return f;
}

static float
bounds(float *upper, float *top, const float *y, const float *a, const float *b, float p, float q,
       size_t n)
{
    float low = -INFINITY, high = -INFINITY;
    for (size_t j = 0; j < n; j++) {
        float far = p * a[j] + q * b[j];
        upper[j] = y[j] + far;
        high = upper[j] > high ? upper[j] : high;
        low = y[j] - far > low ? y[j] - far : low;
    }
    *top = high;
    return low;
}

static float
rms_factor(const float *x, size_t n, float eps)
{
    float s[LANES] = {0};
    dot_lanes(s, x, x, n);
    return 1 / sqrtf(sum_lanes(s) / (float)n + eps);
}

static void
rms(float *y, const float *x, const float *w, size_t n, float eps)
{
    float f = rms_factor(x, n, eps);
    for (size_t i = 0; i < n; i++)
        y[i] = x[i] * f * w[i];
}

static void
rms_add(float *x, const float *a, const float *w, size_t n, float eps)
{
    float f = rms_factor(a, n, eps);
    for (size_t i = 0; i < n; i++)
        x[i] += a[i] * f * w[i];
}

static void
layer_norm(float *y, const float *x, const float *w, const float *b, size_t n, float eps)
{
    float s[LANES] = {0}, v[LANES] = {0};
    for (size_t i = 0; i < n; i++)
        s[i % LANES] += x[i];
    float mean = sum_lanes(s) / (float)n;
    for (size_t i = 0; i < n; i++)
        v[i % LANES] += (x[i] - mean) * (x[i] - mean);
    float f = 1 / sqrtf(sum_lanes(v) / (float)n + eps);
    for (size_t i = 0; i < n; i++)
        y[i] = (x[i] - mean) * f * w[i] + b[i];
}

static void
rope(float *x, const float *cos, const float *sin, size_t half)
{
    for (size_t i = 0; i < half; i++) {
        float a = x[i], b = x[half + i];
        x[i] = a * cos[i] - b * sin[i];
        x[half + i] = b * cos[i] + a * sin[i];
    }
}

/*
 * x/2 (1 + tanh(y)) = x / (1 + exp(-2 y)), y = sqrt(2/pi) (x + 0.044715 x^3): one exponential, and
 * no cancellation where tanh is near -1.
 */
static float
gelu_of(float x)
{
    float y = 0.7978845608f * (x + 0.044715f * x * x * x);
    return x / (1 + expf(-2 * y));
}

static void
gelu(float *g, size_t ldg, size_t m, size_t n)
{
    for (size_t i = 0; i < m; i++)
        for (size_t j = 0; j < n; j++)
            g[i * ldg + j] = gelu_of(g[i * ldg + j]);
}

static void
geglu(float *g, size_t ldg, const float *u, size_t ldu, size_t m, size_t n)
{
    for (size_t i = 0; i < m; i++)
        for (size_t j = 0; j < n; j++)
            g[i * ldg + j] = gelu_of(g[i * ldg + j]) * u[i * ldu + j];
}

static void
softcap(float *x, size_t n, float cap)
{
    for (size_t i = 0; i < n; i++)
        x[i] = cap * tanhf(x[i] / cap);
}

static void
scale_by(float *x, size_t n, float factor)
{
    for (size_t i = 0; i < n; i++)
        x[i] *= factor;
}

#include "kernels/fillelements.h"

void
t5g_ref_fill(struct t5g_kernels *k)
{
    k->to_panel = to_panel;
    k->gemm = gemm;
    k->dot = dot;
    k->mix = mix;
    k->rotate = rotate;
    k->quantize = quantize;
    k->quantize_row = quantize_row;
    k->qgemm = qgemm;
    fill_elements(k);
}
