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
#include "kernels/elementwise.h"
#include "kernels/panels.h"

enum {
    STEP = 1, /* see v4gemm.h */
    KC = T5G_KC,
    DOT_N = 4, /* see rows.h */
    DOT_FEW = 1,
    MIX_AHEAD = 16384, /* bytes of v that are prefetched */
    DOT_AHEAD = 4096,  /* and at least of w */
};

/* ---- gemm ---- */

typedef float item;
typedef __m512 factor;

#define panel_row(p)      _mm512_loadu_ps(p)
#define spread(p)         _mm512_set1_ps(*(p))
#define multiply(x, b, s) _mm512_fmadd_ps(x, b, s)

#include "kernels/v4gemm.h"

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
    const size_t es = item_size(dtype), tile = (size_t)R * k * es;
    const size_t ahead = tile > 0 && tile < DOT_AHEAD ? DOT_AHEAD / tile * tile : tile;
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
            if (R >= 4 && (size_t)r * W * es % 64 == 0) /* in the order in which memory lies */
                __builtin_prefetch(w + ahead + (l * (size_t)R + (size_t)r * W) * es);
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
    const size_t row = ldv * es, ahead = MIX_AHEAD / row * row;
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
            if (R >= 4 && N == 4 &&
                (size_t)c * es % 4 == 0) /* a strip of v is many short streams */
                __builtin_prefetch(from + ahead);
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
    k->softmax = softmax;
    k->bounds = bounds;
    k->geglu = geglu;
    k->gelu = gelu;
}
