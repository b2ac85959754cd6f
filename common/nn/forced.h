/* forced.h: one layer of the decoder over a whole given sequence, in the panel role. */
#ifndef T5G_FORCED_H
#define T5G_FORCED_H

#include "nn/block.h"
#include "nn/rope.h"

/*
 * For what looks at a model layer by layer, as the calibration of packed models does; nothing that
 * is generated comes from here. What it computes is what decoder.c does, in another order of sums.
 */
struct t5g_forced {
    const struct t5g_stack_config *c;
    struct t5g_exec x;
    struct t5g_block b;
    float *keys, *values;                   /* [hk, 2 T5G_ROW_BLOCK, dh] own, then the document's */
    float *cos[T5G_KINDS], *sin[T5G_KINDS]; /* [T5G_ROW_BLOCK, dh/2] */
    struct t5g_linear *jobs;                /* [2 hk] */
};

void t5g_forced_open(struct t5g_forced *f, const struct t5g_stack_config *c,
                     const struct t5g_kernels *k, struct t5g_pool *pool);
void t5g_forced_close(struct t5g_forced *f);

/*
 * rows [n, d], from position 0 on, through layer number l with the weights w, in place, over the
 * document rows enc [n_enc, d]; n and n_enc up to T5G_ROW_BLOCK, n_enc may be 0.
 */
void t5g_forced_layer(struct t5g_forced *f, const struct t5g_layer *w, size_t l, float *rows,
                      size_t n, const float *enc, size_t n_enc);

#endif
