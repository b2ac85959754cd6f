/*
 * v4.c: kernels for x86-64-v4 with VNNI (AVX-512 F, BW, VL, DQ, VNNI): 32 registers of 16 floats,
 * so a row of a panel is one register. Functions that memory limits or that seldom run are v3's.
 *
 * gcc keeps the accumulators of a tile in registers only when every loop over them is unrolled,
 * hence the pragmas and the always_inline templates with constant tile sizes.
 */
#if !defined(__AVX512F__) || !defined(__AVX512VNNI__)
#error "compile with -mavx512f -mavx512bw -mavx512vl -mavx512dq -mavx512vnni -mfma -mf16c"
#endif

#include "kernels/levels.h"
#include "kernels/v4math.h"
#include "kernels/v4quant.h"
#include "kernels/elementwise.h"
#include "kernels/panels.h"

enum {
    MC = 120,  /* rows of a at a time: 120 x T5G_KC floats stay in the second-level cache */
    DOT_N = 4, /* see rows.h */
    DOT_FEW = 1,
    MIX_AHEAD = 8, /* rows of v that are prefetched */
};

/* ---- gemm ---- */

/*
 * c [M, cols] = (add ? c : 0) + a [M, k] times N panels [k, 16] that lie `next` floats apart;
 * `last` masks the last one's columns. Rows are addressed by M / 3 pointers and the stride; the asm
 * keeps gcc from making a pointer for each row, too many for the registers.
 */
TEMPLATE void
tile(const int M, const int N, float *c, size_t ldc, const float *a, size_t lda, const float *panel,
     size_t next, size_t k, bool add, __mmask16 last)
{
    const int P = (M + 2) / 3;
    const float *at[4];
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
    for (size_t l = 0; l < k; l++) {
        __m512 b[4];
#pragma GCC unroll 4
        for (int j = 0; j < N; j++)
            b[j] = _mm512_loadu_ps(panel + (size_t)j * next + l * T5G_PANEL);
#pragma GCC unroll 12
        for (int i = 0; i < M; i++) {
            __m512 x = _mm512_set1_ps(at[i / 3][(size_t)(i % 3) * lda]);
#pragma GCC unroll 4
            for (int j = 0; j < N; j++)
                s[i][j] = _mm512_fmadd_ps(x, b[j], s[i][j]);
        }
#pragma GCC unroll 4
        for (int p = 0; p < P; p++) {
            at[p]++;
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

#define FEW(M)                                                     \
    case M:                                                        \
        if (M < R) /* else never called, no code is made */        \
            tile(M, N, c, ldc, a, lda, panel, next, k, add, last); \
        break;

/* m rows times N panels, R rows at a time, then the rest. */
TEMPLATE void
tiles(const int N, size_t m, float *c, size_t ldc, const float *a, size_t lda, const float *panel,
      size_t next, size_t k, bool add, __mmask16 last)
{
    const int R = N == 4 ? 6 : N == 3 ? 8 : 12; /* 24 sums at most */
    for (; m >= (size_t)R; m -= (size_t)R, c += (size_t)R * ldc, a += (size_t)R * lda)
        tile(R, N, c, ldc, a, lda, panel, next, k, add, last);
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
gemm_of(const int N, float *c, size_t ldc, const float *a, size_t lda, const float *panel,
        size_t next, size_t m, size_t k, bool add, __mmask16 last)
{
    for (size_t i = 0; i < m; i += MC) {
        size_t l = 0;
        do { /* also once for k == 0: c becomes 0 */
            size_t n = t5g_min(T5G_KC, k - l);
            tiles(N, t5g_min(MC, m - i), c + i * ldc, ldc, a + i * lda + l, lda,
                  panel + l * T5G_PANEL, next, n, add || l > 0, last);
            l += n;
        } while (l < k);
    }
}

static void
gemm(float *c, size_t ldc, const float *a, size_t lda, const float *panel, size_t next, size_t m,
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

/* ---- rows ---- */

/*
 * The sums of 16 registers: that of s[i] is element (i % 4) * 4 + i / 4 of the result. All add
 * halves of halves in the same order, so that a sum's bits depend on neither its position nor the
 * other registers; together they cost a third of 16 separate sums.
 */
TEMPLATE __m512
sums16(const __m512 s[16])
{
    __m512 v[4], w[2];
#pragma GCC unroll 4
    for (int i = 0; i < 4; i++) {
        const __m512 *f = s + 4 * i;
        __m512 p = _mm512_add_ps(_mm512_shuffle_f32x4(f[0], f[1], 0x44),
                                 _mm512_shuffle_f32x4(f[0], f[1], 0xee));
        __m512 q = _mm512_add_ps(_mm512_shuffle_f32x4(f[2], f[3], 0x44),
                                 _mm512_shuffle_f32x4(f[2], f[3], 0xee));
        v[i] = _mm512_add_ps(_mm512_shuffle_f32x4(p, q, 0x88), _mm512_shuffle_f32x4(p, q, 0xdd));
    }
#pragma GCC unroll 2
    for (int i = 0; i < 2; i++)
        w[i] = _mm512_add_ps(_mm512_shuffle_ps(v[2 * i], v[2 * i + 1], 0x44),
                             _mm512_shuffle_ps(v[2 * i], v[2 * i + 1], 0xee));
    return _mm512_add_ps(_mm512_shuffle_ps(w[0], w[1], 0x88), _mm512_shuffle_ps(w[0], w[1], 0xdd));
}

/*
 * R rows of w times N rows of x: 4 rows times up to 4, or up to 8 times one. Whatever R and N are,
 * a result has one register of partial sums, element k in lane k % 16: it has the same bits from
 * every tile.
 */
TEMPLATE void
dot_tile(const int R, const int N, float *y, size_t ldy, const float *x, size_t ldx, const char *w,
         int dtype, size_t k)
{
    const size_t es = item_size(dtype);
    __m512 s[16];
#pragma GCC unroll 16
    for (int i = 0; i < 16; i++)
        s[i] = _mm512_setzero_ps();
    for (size_t l = 0; l < k; l += W) {
        __m512 xs[4];
#pragma GCC unroll 4
        for (int i = 0; i < N; i++)
            xs[i] = _mm512_maskz_loadu_ps(mask_of(k - l), x + (size_t)i * ldx + l);
#pragma GCC unroll 8
        for (int r = 0; r < R; r++) {
            const char *from = w + ((size_t)r * k + l) * es;
            __m512 wr = load16(from, dtype, k - l);
            if (R >= 4) /* the next tile's row: memory is read in the order in which it lies */
                __builtin_prefetch(from + (size_t)R * k * es);
#pragma GCC unroll 4
            for (int i = 0; i < N; i++) {
                int at = r % 4 * 4 + r / 4 + i; /* its sum becomes element 4 i + r */
                s[at] = _mm512_fmadd_ps(wr, xs[i], s[at]);
            }
        }
    }
    __m512 all = sums16(s);
    if (N == 1) {
        _mm512_mask_storeu_ps(y, mask_of((size_t)R), all);
        return;
    }
    float t[16];
    _mm512_storeu_ps(t, all);
#pragma GCC unroll 4
    for (int i = 0; i < N; i++)
        memcpy(y + (size_t)i * ldy, t + 4 * i, (size_t)R * sizeof *t);
}

/* o [R, 16 N] += p [R, n] v [n, 16 N], the last columns masked; the sums stay in registers. */
TEMPLATE void
mix_tile(const int R, const int N, float *o, size_t ldo, const float *p, size_t ldp, const char *v,
         int dtype, size_t ldv, size_t n, size_t cols)
{
    const size_t es = item_size(dtype), rest = cols - (size_t)(N - 1) * W;
    __m512 s[6][4];
#pragma GCC unroll 6
    for (int r = 0; r < R; r++)
#pragma GCC unroll 4
        for (int c = 0; c < N; c++)
            s[r][c] = _mm512_maskz_loadu_ps(mask_of(c == N - 1 ? rest : W),
                                            o + (size_t)r * ldo + (size_t)c * W);
    for (size_t j = 0; j < n; j++) {
        __m512 x[4];
#pragma GCC unroll 4
        for (int c = 0; c < N; c++) {
            const char *from = v + (j * ldv + (size_t)c * W) * es;
            x[c] = load16(from, dtype, c == N - 1 ? rest : W);
            if (R == 6 && N == 4 &&
                (size_t)c * es % 4 == 0) /* a strip of v is many short streams */
                __builtin_prefetch(from + MIX_AHEAD * ldv * es);
        }
#pragma GCC unroll 6
        for (int r = 0; r < R; r++) {
            __m512 f = _mm512_set1_ps(p[(size_t)r * ldp + j]);
#pragma GCC unroll 4
            for (int c = 0; c < N; c++)
                s[r][c] = _mm512_fmadd_ps(f, x[c], s[r][c]);
        }
    }
#pragma GCC unroll 6
    for (int r = 0; r < R; r++)
#pragma GCC unroll 4
        for (int c = 0; c < N; c++)
            _mm512_mask_storeu_ps(o + (size_t)r * ldo + (size_t)c * W,
                                  mask_of(c == N - 1 ? rest : W), s[r][c]);
}

#define MIX(R, N)                                                                     \
    mix_tile(R, N, o + r * ldo + c, ldo, p + r * ldp, ldp, v + c * es, dtype, ldv, n, \
             k - c < N * W ? k - c : N * W)

TEMPLATE void
mix_as(float *o, size_t ldo, const float *p, size_t ldp, size_t rows, const char *v, int dtype,
       size_t ldv, size_t n, size_t k)
{
    const size_t es = item_size(dtype);
    for (size_t r = 0; r < rows;) {
        size_t left = rows - r, take = left >= 6 && left != 8 ? 6 : left >= 4 ? 4 : 1;
        for (size_t c = 0; c < k;) {
            size_t wide = k - c > 3 * W ? 4 : 1;
            if (take == 6 && wide == 4)
                MIX(6, 4);
            else if (take == 6)
                MIX(6, 1);
            else if (take == 4 && wide == 4)
                MIX(4, 4);
            else if (take == 4)
                MIX(4, 1);
            else if (wide == 4)
                MIX(1, 4);
            else
                MIX(1, 1);
            c += wide * W;
        }
        r += take;
    }
}

#include "kernels/rows.h"

void
t5g_v4_fill(struct t5g_kernels *k)
{
    k->gemm = gemm;
    k->dot = dot;
    k->mix = mix;
    k->rotate = t5g_v4_rotate;
    k->quantize = t5g_v4_quantize;
    k->qgemm = t5g_v4_qgemm;
    k->softmax = softmax;
    k->bounds = bounds;
    k->geglu = geglu;
    k->gelu = gelu;
}
