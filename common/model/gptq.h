/*
 * gptq.h: what the inputs of a matrix say about the errors of its rounded weights.
 *
 * Of inputs x [n, k], rotated, the sum H = x^T x [k, k] tells what an error e [k] of a row of
 * weights does to its outputs: |x e^T|^2 = e H e^T. With H = R R^T, R upper triangular, this is
 * |e R|^2, whose element c depends on the errors of columns 0..c alone. Weights are rounded column
 * by column, and each first takes the value that makes its element 0:
 *
 *   w[c] + sum_{i < c} e[i] R[i, c] / R[c, c],  e[i] = w[i] - what column i was rounded to
 *
 * so every column makes up for the errors of those before it. This is GPTQ (Frantar and others,
 * 2022) without the inverse of H.
 */
#ifndef T5G_GPTQ_H
#define T5G_GPTQ_H

#include "base/mem.h"
#include "base/threads.h"
#include "kernels/kernels.h"

/* The sum over inputs. */
struct t5g_hessian {
    size_t k, ld; /* ld: k rounded up to 16 */
    size_t n;     /* inputs so far */
    float *h;     /* [ld, ld], its upper triangle */
};

void t5g_hessian_open(struct t5g_hessian *h, size_t k);
void t5g_hessian_free(struct t5g_hessian *h);

/* Add the rows a [m, k], stride lda, which are rotated here: rotate.h. */
void t5g_hessian_add(struct t5g_hessian *h, const struct t5g_kernels *k, struct t5g_pool *pool,
                     const float *a, size_t lda, size_t m);

/*
 * R[i, c] / R[c, c] for i < c, else 0, as panels of 16 columns [ld, 16], `next` floats apart, for
 * the kernels' gemm.
 */
struct t5g_factor {
    const struct t5g_kernels *k;
    size_t next;
    float *s;
};

/*
 * The factor of h with a hundredth of its mean diagonal added to the diagonal, more if there were
 * few inputs, and ten times as much and so on until the factor exists. h is freed. False, without a
 * factor: there were no inputs, or not all were finite.
 */
bool t5g_factor_make(struct t5g_factor *f, struct t5g_hessian *h, const struct t5g_kernels *k,
                     struct t5g_pool *pool);
void t5g_factor_free(struct t5g_factor *f);

#endif
