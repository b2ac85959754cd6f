/* exec.h: what a stack computes with: kernels, threads, and scratch memory of each thread. */
#ifndef T5G_EXEC_H
#define T5G_EXEC_H

#include "base/mem.h"
#include "base/threads.h"
#include "kernels/kernels.h"

struct t5g_linear;

/* Called with the work done and the total; returns false to stop. NULL: not called. */
typedef bool t5g_progress_fn(void *arg, size_t done, size_t total);

struct t5g_exec {
    const struct t5g_kernels *k;
    struct t5g_pool *pool;
    float *scratch; /* [threads, per] */
    size_t per;     /* floats of one worker, a multiple of 16 */

    /* Activations of a product with quantised weights; NULL in a model without. */
    int8_t *q;      /* [rows, cols rounded up to 64] */
    float *q_scale; /* [rows, groups] */
    int32_t *q_sum; /* [rows, groups] */

    float *low; /* [rows, low_ld] what adapters' first matrices make of activations; NULL: none */
    size_t low_ld;

    uint16_t *bf16; /* activations of a product in bf16, [rows, cols], t5g_bf16_stride; else NULL */

    /* Called by linear.c before products, with what it was given; NULL: nothing. */
    void (*seen)(void *arg, const struct t5g_linear *jobs, size_t n_jobs, const float *a,
                 size_t lda, size_t m);
    void *seen_arg;
};

enum { T5G_GROUP_MIN = 32 }; /* smallest group of quantised weights */

/* per: floats of scratch for each thread. k and pool must outlive x. */
static inline void
t5g_exec_open(struct t5g_exec *x, const struct t5g_kernels *k, struct t5g_pool *pool, size_t per)
{
    *x = (struct t5g_exec){.k = k, .pool = pool};
    x->per = t5g_round_up(per, 16);
    x->scratch = t5g_alloc_raw(t5g_pool_threads(pool), x->per * sizeof *x->scratch);
}

/* Make room for activations of up to rows x cols as products with quantised weights need them. */
static inline void
t5g_exec_quantised(struct t5g_exec *x, size_t rows, size_t cols)
{
    size_t groups = (cols + T5G_GROUP_MIN - 1) / T5G_GROUP_MIN;
    x->q = t5g_alloc_raw(rows, t5g_round_up(cols, 64));
    x->q_scale = t5g_alloc_raw(rows, groups * sizeof *x->q_scale);
    x->q_sum = t5g_alloc_raw(rows, groups * sizeof *x->q_sum);
}

/* Make room for up to rows x ranks of adapters; ranks 0: none. */
static inline void
t5g_exec_low(struct t5g_exec *x, size_t rows, size_t ranks)
{
    x->low_ld = t5g_round_up(ranks, 16) + 16;
    if (ranks > 0)
        x->low = t5g_alloc_raw(rows, x->low_ld * sizeof *x->low);
}

/* Row stride of cols activations in bf16: see t5g_stride. */
static inline size_t
t5g_bf16_stride(size_t cols)
{
    return t5g_round_up(cols, 32) + 32;
}

/* Make room for activations of up to rows x cols in bf16, if products are in bf16. */
static inline void
t5g_exec_bf16(struct t5g_exec *x, size_t rows, size_t cols)
{
    if (x->k->bf16_gemm != NULL)
        x->bf16 = t5g_alloc_raw(rows, t5g_bf16_stride(cols) * sizeof *x->bf16);
}

static inline void
t5g_exec_close(struct t5g_exec *x)
{
    t5g_free(x->scratch);
    t5g_free(x->q);
    t5g_free(x->q_scale);
    t5g_free(x->q_sum);
    t5g_free(x->low);
    t5g_free(x->bf16);
    *x = (struct t5g_exec){0};
}

static inline float *
t5g_exec_scratch(const struct t5g_exec *x, size_t worker)
{
    return x->scratch + worker * x->per;
}

/*
 * Run fn for items as t5g_pool_run does. If the total cost, about `cost` multiplications, is too
 * small (some 20 us) to wake other threads, run it in the calling thread alone, which is the usual
 * case for small models.
 */
static inline void
t5g_exec_run(const struct t5g_exec *x, void (*fn)(void *arg, size_t item, size_t worker), void *arg,
             size_t items, size_t cost)
{
    if (cost >= 100000) {
        t5g_pool_run(x->pool, fn, arg, items);
        return;
    }
    for (size_t i = 0; i < items; i++)
        fn(arg, i, 0);
}

/*
 * Row stride of an activation buffer of n columns: rows start on a cache line, and a stride that is
 * a power of two (which would put the rows of a tile into the same cache sets) does not occur.
 */
static inline size_t
t5g_stride(size_t n)
{
    return t5g_round_up(n, 16) + 16;
}

#endif
