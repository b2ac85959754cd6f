/* block.h: one transformer block over rows, for all stacks; their configs tell the differences. */
#ifndef T5G_BLOCK_H
#define T5G_BLOCK_H

#include "nn/linear.h"

/* The role of a stack's products: t5g_linear_panels or t5g_linear_rows (linear.h). */
typedef void t5g_linear_role(const struct t5g_exec *x, const struct t5g_linear *jobs, size_t n_jobs,
                             const float *a, size_t lda, size_t m);

/* What the blocks of a stack share. */
struct t5g_block {
    const struct t5g_exec *x;
    const struct t5g_stack_config *c;
    t5g_linear_role *linear;
    float *y; /* [rows, d], stride ldy: normalised input; what a half adds */
    float *q; /* [rows, h dh], stride ldq: queries, then the heads' outputs */
    float *f; /* [rows, f or more], stride ldf: inside of the feed-forward */
    size_t ldy, ldq, ldf;
};

/* Set all but the buffers; wide: columns of f at least. x and c must outlive the block. */
void t5g_block_open(struct t5g_block *b, const struct t5g_exec *x, const struct t5g_stack_config *c,
                    t5g_linear_role *linear, size_t wide);
/* New buffers for so many rows, not zeroed: pages of rows that never come are never touched. */
void t5g_block_alloc(struct t5g_block *b, size_t rows);
void t5g_block_free(struct t5g_block *b);

/*
 * Attention of one layer over m rows, without the norm in front and the projection behind: reads
 * the block's y, leaves the heads' outputs, one beside the other, in its q. Returns m, or if the
 * rest of the block is wanted of fewer rows, their number; it has then moved those of `in` and of q
 * to the front.
 */
typedef size_t t5g_attend(void *arg, size_t m);

/* y [m, d], stride ldy = the stack's kind of norm of in [m, d], stride ldx. y may be in. */
void t5g_block_norm(const struct t5g_block *b, float *y, size_t ldy, const float *in, size_t ldx,
                    const struct t5g_norm *w, size_t m);

/*
 * One layer over in [m, d], in place; returns the number of rows that are left:
 *
 *   in += post(self(pre(in)) wo^T)
 *   in += post(cross(pre(in)) wo^T)                   with separate cross-attention
 *   in += post((act(y wgate^T) * (y wup^T)) wdown^T), y = pre(in)
 *
 * post: a norm, or nothing; without gate act(y wgate^T) alone; biases where there are any. cross is
 * NULL in a stack without.
 */
size_t t5g_block_run(const struct t5g_block *b, const struct t5g_layer *w, float *in, size_t m,
                     t5g_attend *self, t5g_attend *cross, void *arg);

#endif
