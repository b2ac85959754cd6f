/* lowrank.h: what adapters add to products of activations with matrices: struct t5g_lowrank. */
#ifndef T5G_LOWRANK_H
#define T5G_LOWRANK_H

#include "nn/linear.h"

#include <stdatomic.h>

enum {
    T5G_LOW_MOST = 4,  /* adapted matrices with the same activations: q, k, v; gate, up */
    T5G_LOW_WIDE = 64, /* rows of w at a time */
};

/*
 * The adapters of one run of products: t = scale (a A^T) for all of them in x->low. Its items are
 * the first of the run's, so that t is there, or nearly, when the first product is; who needs it
 * earlier helps.
 */
struct t5g_low_run {
    const struct t5g_exec *x;
    const struct t5g_lowrank *of[T5G_LOW_MOST]; /* [n] */
    size_t at[T5G_LOW_MOST];                    /* where in a row of x->low; multiples of 16 */
    size_t n;
    const float *a; /* [m, cols], stride lda */
    size_t lda, m;
    bool panels, bf16; /* the role; a is in x->bf16, too */
    size_t items;      /* 0 without adapters */
    atomic_size_t taken, done;
};

/* Those of jobs [n_jobs] with a [m, k] in a role; with products in bf16 x->bf16 is set. */
void t5g_low_begin(struct t5g_low_run *l, const struct t5g_exec *x, const struct t5g_linear *jobs,
                   size_t n_jobs, const float *a, size_t lda, size_t m, bool panels);

/* The next item of t, if there is one left. scratch: the worker's, [64 k] in the panel role. */
void t5g_low_item(struct t5g_low_run *l, float *scratch);

/* All of t, in a run of its own. */
void t5g_low_all(struct t5g_low_run *l);

/*
 * out [m, n], stride ld, = gain out + t B^T for rows r0..r0+n of w, with rows i0..i0+m of t, for
 * which it waits. Nothing without an adapter. scratch [T5G_LOW_WIDE rank], and as above.
 */
void t5g_low_apply(struct t5g_low_run *l, const struct t5g_mat *w, size_t r0, size_t n, float *out,
                   size_t ld, size_t i0, size_t m, float *scratch);

static inline bool
t5g_low_has_gain(const struct t5g_mat *w)
{
    return w->low != NULL && w->low->gain != NULL;
}

#endif
