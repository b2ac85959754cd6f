/*
 * kernels.h: the arithmetic of the model as one table of functions per instruction set.
 *
 * All activations are f32. A weight matrix is used as it is stored: [rows, k] row-major, f32, bf16
 * or f16, aligned to its element only. Every output element is a sum over k in one fixed order,
 * whatever its position and however many rows are computed with it; this makes results the same for
 * any number of threads, prompts and documents. Levels differ only in rounding.
 *
 * In a table of t5g_kernels_bf16 both factors of a panel product are rounded to bf16; sums are f32.
 *
 * Roles: `to_panel` and `gemm` are for many rows (encoder, cross keys and values, long prompts),
 * `dot` for everything else in the decoder. Never choose between them by the number of rows: only
 * by whose rows they are. Quantised weights use `qgemm` in both roles.
 */
#ifndef T5G_KERNELS_H
#define T5G_KERNELS_H

#include "base/dtype.h"
#include "base/err.h"

enum {
    T5G_PANEL = 16,       /* columns of a packed panel */
    T5G_ACTS_GROUP = 128, /* activations that share a scale in products with 6 or 4 bits */
    T5G_SOFT_PAD = 8,     /* softmax rows are readable and writable up to a multiple of this */
    T5G_BF16_STEP = 4,    /* rows and panels in bf16 are filled with 0 up to a multiple of this */

    /* Increase with every change to the bits of any level's results: the cache is keyed by it. */
    T5G_KERNEL_GENERATION = 3,
};

/*
 * Quantised weights: 16 rows of the rotated w [rows, k] (see rotate.h) as a panel of whole numbers
 * of 8, 6 or 4 bits, with a scale for every row and every group of `group` elements along k (the
 * last group may be shorter): w = (number - zero) * scale. Four consecutive k of a row stand side
 * by side; k is filled up to a multiple of 16 with anything.
 *
 *   bits 8: byte (k / 4 * 16 + row) * 4 + k % 4, from 1 to 255; zero is 128
 *   bits 4: byte (k / 8 * 16 + row) * 4 + k % 4, its low half where k % 8 < 4, else its high half
 *   bits 6: for every 16 k, 128 bytes that hold the lowest 4 bits as for bits 4, then 64 bytes:
 *           byte row * 4 + k % 4 holds the highest 2 bits of k, from bit k % 16 / 4 * 2 on
 */
struct t5g_qpanel {
    const uint8_t *w;
    const uint16_t *scale; /* [groups, 16] bf16 */
    const uint8_t *zero;   /* bits 6: [groups, 16]; bits 4: [groups, 8], rows r and r + 8 in the low
                              and the high half of byte r; bits 8: NULL */
    int bits;
    size_t k, group;                      /* group: 32, 64 or 128 */
    size_t next_w, next_scale, next_zero; /* from here to the next panel's */
};

/*
 * Rows of activations, rotated and quantised: a scale for every group of `group` elements, a
 * sum for every `piece` of them. With 8 bits both are the group of the weights; with fewer, group
 * is T5G_ACTS_GROUP and piece the group of the weights.
 */
struct t5g_qacts {
    const int8_t *q; /* [m, ldq], ldq >= k rounded up to 32, zeros beyond k; from -127 to 127 */
    size_t ldq;
    const float *scale; /* [m, groups] */
    const int32_t *sum; /* [m, pieces] sums of q */
    size_t group, groups, piece, pieces;
};

struct t5g_kernels {
    const char *name; /* "ref", "v3": value of T5G_CPU; results depend on it */

    /*
     * panel [k, 16] f32 = transpose of w [rows, k], rows 1..16, stride ldw elements of dtype; the
     * columns beyond rows become 0.
     */
    void (*to_panel)(float *panel, const void *w, size_t ldw, int dtype, size_t rows, size_t k);

    /*
     * c [m, cols], stride ldc = a [m, k], stride lda, times panels [k, 16], one for every 16
     * columns, the last perhaps narrower, `next` floats apart; `add`: added to c. k is summed in
     * pieces of a fixed size, which are added in order.
     */
    void (*gemm)(float *c, size_t ldc, const float *a, size_t lda, const float *panel, size_t next,
                 size_t m, size_t k, size_t cols, bool add);

    /*
     * Products in bf16; NULL in tables of t5g_kernels_get. Beyond k there are zeros in rows and
     * panels, to k rounded up to T5G_BF16_STEP. A number below 2^-126 may count as 0.
     *
     * y [k] = x [k] rounded to the nearest bf16, ties to even.
     */
    void (*bf16_round)(uint16_t *y, const float *x, size_t k);

    /* to_panel in bf16: k x 16 elements in an order of the level's own. */
    void (*bf16_panel)(uint16_t *panel, const void *w, size_t ldw, int dtype, size_t rows,
                       size_t k);

    /* The same of a panel [k, 16] in f32, as to_panel gives it. */
    void (*bf16_repanel)(uint16_t *panel, const float *from, size_t k);

    /* gemm of a as bf16_round gives it and panels of bf16_panel, `next` elements apart. */
    void (*bf16_gemm)(float *c, size_t ldc, const uint16_t *a, size_t lda, const uint16_t *panel,
                      size_t next, size_t m, size_t k, size_t cols, bool add);

    /*
     * y[i * ldy + r] = sum_k w[r, k] x[i * ldx + k] for i < n, r < rows; w [rows, k] contiguous, of
     * dtype (f32, bf16, f16 or i8). A row of w is read from memory once for all n.
     */
    void (*dot)(float *y, size_t ldy, const float *x, size_t ldx, size_t n, const void *w,
                int dtype, size_t rows, size_t k);

    /*
     * o[r * ldo + c] += sum_j p[r * ldp + j] v[j * ldv + c], j ascending; r < rows, j < n, c < k;
     * v of dtype f32, bf16 or i8.
     */
    void (*mix)(float *o, size_t ldo, const float *p, size_t ldp, size_t rows, const void *v,
                int dtype, size_t ldv, size_t n, size_t k);

    /* y [k] = x [k] rotated: see rotate.h. y may be x. Equal bits at every level. */
    void (*rotate)(float *y, const float *x, size_t k);

    /*
     * x [k], rotated, to q [k rounded up to 32], scale and sum of one row of t5g_qacts. For each
     * group: scale = max|y| / 127, q = y * (127 / max|y|) rounded to the nearest, ties to even; all
     * 0 where max|y| < 1e-30; where a value is not finite scale is NaN and q 0. Equal bits at every
     * level.
     */
    void (*quantize)(int8_t *q, float *scale, int32_t *sum, const float *x, size_t k, size_t group,
                     size_t piece);

    /* x [k] likewise, but to q [k] with one scale for all, which is returned; x is overwritten. */
    float (*quantize_row)(int8_t *q, float *x, size_t k);

    /*
     * c [m, cols], stride ldc = a b^T, or with `add` on top of what c holds; b is the first of the
     * panels, one for each 16 columns or the rest of them. For each group of b in order: c =
     * fma((float)(sum of q * (w - zero)), a.scale * b.scale, c), where the sum is exact and the
     * product of scales is rounded first. Equal bits at every level.
     */
    void (*qgemm)(float *c, size_t ldc, const struct t5g_qacts *a, const struct t5g_qpanel *b,
                  size_t m, size_t cols, bool add);

    /*
     * One row of an online softmax over keys in pieces. s [n] holds raw scores, of which
     * lo <= j < hi are visible. With t = scale * s, max' = largest of *max and visible t:
     * s[j] = exp(t[j] - max') where visible, else 0 (up to the padding, see T5G_SOFT_PAD);
     * *sum = *sum * f + sum of s; *max = max'; returns f = exp(*max - max'), the factor for the
     * output accumulated so far. Start with *max = -INFINITY and *sum = 0. If nothing is visible,
     * s = 0 and it returns 1.
     */
    float (*softmax)(float *s, size_t n, size_t lo, size_t hi, float scale, float *max, float *sum);

    /*
     * Bounds of y [n] with far = p a [n] + q b [n]: upper [n] = y + far, *top its largest; returns
     * the largest y - far. Lanes that are NaN may be left out of either.
     */
    float (*bounds)(float *upper, float *top, const float *y, const float *a, const float *b,
                    float p, float q, size_t n);

    /* y [n] = x [n] / sqrt(mean(x^2) + eps) * w [n]. y may be x. */
    void (*rms)(float *y, const float *x, const float *w, size_t n, float eps);

    /* x [n] += rms of a [n] with w, eps. */
    void (*rms_add)(float *x, const float *a, const float *w, size_t n, float eps);

    /* y [n] = (x [n] - mean) / sqrt(variance + eps) * w [n] + b [n], variance over n. y may be x.
     */
    void (*layer_norm)(float *y, const float *x, const float *w, const float *b, size_t n,
                       float eps);

    /* Half-split rotation of x [2 half] in place by the angles of cos, sin [half]. */
    void (*rope)(float *x, const float *cos, const float *sin, size_t half);

    /* g [m, n], stride ldg: g = gelu_tanh(g) * u, u [m, n], stride ldu. */
    void (*geglu)(float *g, size_t ldg, const float *u, size_t ldu, size_t m, size_t n);

    void (*gelu)(float *g, size_t ldg, size_t m, size_t n); /* the same without u */

    void (*softcap)(float *x, size_t n, float cap);  /* x [n] = cap * tanh(x / cap) */
    void (*scale)(float *x, size_t n, float factor); /* x [n] *= factor */
};

/*
 * The table of a level, or of the best one for this CPU when level is NULL. NULL with e: 64 for an
 * unknown name (the empty one included), 69 for a level that this CPU does not have. The table is
 * static; call it from one thread first.
 */
const struct t5g_kernels *t5g_kernels_get(const char *level, struct t5g_err *e);

/*
 * The same with products in bf16, those of quantised weights excepted. Also 69 for a level that has
 * none, as v3, or whose instructions for it this CPU lacks: never another level instead.
 */
const struct t5g_kernels *t5g_kernels_bf16(const char *level, struct t5g_err *e);

#endif
