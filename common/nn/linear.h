/* linear.h: activations times stored matrices, in the two roles that kernels have. */
#ifndef T5G_LINEAR_H
#define T5G_LINEAR_H

#include "model/model.h"
#include "nn/exec.h"

enum {
    T5G_ROW_BLOCK = 512, /* most rows of a panel product: a weight is packed once for so many */
    T5G_STEP_ROWS = 32,  /* most rows of a row product */
};

/*
 * out[i, r] = sum_k w[r, k] a[i, k] (+ bias[r]); with add, out += that instead of out =; with act,
 * out = act of it all; with up, act(w a) * (up a). The element lies at
 * out[r / 16 * panel + i * ld + r % 16] (panel role) or out[i * ld + r] (row role); panel == 16 is
 * row-major too.
 */
struct t5g_linear {
    struct t5g_mat w, up; /* up.p NULL: none; else same shape as w */
    float *out;
    size_t ld, panel;
    const float *bias; /* [w.rows]; NULL: none */
    bool add;
    enum t5g_activation act;
};

/* Row-major output without gate. */
static inline struct t5g_linear
t5g_linear_of(const struct t5g_affine *w, float *out, size_t ld)
{
    return (struct t5g_linear){.w = w->w, .bias = w->b, .out = out, .ld = ld, .panel = T5G_PANEL};
}

/* Rows r0..r0+n of a matrix; of a quantised one r0 is a multiple of 16. */
struct t5g_mat t5g_mat_rows(struct t5g_mat m, size_t r0, size_t n);
struct t5g_affine t5g_affine_rows(const struct t5g_affine *a, size_t r0, size_t n);

/*
 * out [m, w.rows], stride ld = a [m, w.cols] w^T with quantised weights. First quantise puts the
 * rotated a into x, as it is needed for w and all matrices of its dtype, group and columns; then
 * quantised computes panels first..first+n of w in the calling thread.
 */
void t5g_linear_quantise(const struct t5g_exec *x, const float *a, size_t lda, size_t m,
                         const struct t5g_mat *w);
void t5g_linear_quantised(const struct t5g_exec *x, float *out, size_t ld, size_t m,
                          const struct t5g_mat *w, size_t first, size_t n);

/*
 * All products of jobs [n_jobs] with the same a [m, k], stride lda, as one run of the pool; all w
 * have k columns. Panel role: m up to T5G_ROW_BLOCK; row role: m up to T5G_STEP_ROWS. Results do
 * not depend on m, and the jobs must not overlap.
 */
void t5g_linear_panels(const struct t5g_exec *x, const struct t5g_linear *jobs, size_t n_jobs,
                       const float *a, size_t lda, size_t m);
void t5g_linear_rows(const struct t5g_exec *x, const struct t5g_linear *jobs, size_t n_jobs,
                     const float *a, size_t lda, size_t m);

/* t5g_linear_panels directly after it or itself, with the same a and m, and with matrices of the
 * same dtype and group: what it quantised or rounded of a is used again. */
void t5g_linear_panels_again(const struct t5g_exec *x, const struct t5g_linear *jobs, size_t n_jobs,
                             const float *a, size_t lda, size_t m);

/*
 * The panel role in pieces, for a caller that runs the pool and does not keep the output: first
 * start, once for a [m, k]; then, in any thread, out [m, n], stride ld, with rows r0..r0+n of w, n
 * up to T5G_PANEL_WIDE and r0 a multiple of 16; scratch [T5G_PANEL_WIDE k].
 */
enum { T5G_PANEL_WIDE = 4 * T5G_PANEL };
void t5g_linear_panel_start(const struct t5g_exec *x, const float *a, size_t lda, size_t m,
                            const struct t5g_mat *w);
void t5g_linear_panel_some(const struct t5g_exec *x, const float *a, size_t lda, size_t m,
                           const struct t5g_mat *w, size_t r0, size_t n, float *out, size_t ld,
                           float *scratch);

/* Floats of worker scratch they need; k is the largest number of columns, and of ranks
 * of adapters. */
size_t t5g_linear_panels_scratch(size_t k);
size_t t5g_linear_rows_scratch(void); /* with adapters T5G_LOW_WIDE ranks more */

#endif
