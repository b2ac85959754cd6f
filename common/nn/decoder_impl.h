/* decoder_impl.h: inside of the decoder, for its files. */
#ifndef T5G_DECODER_IMPL_H
#define T5G_DECODER_IMPL_H

#include "nn/block.h"
#include "nn/decoder.h"
#include "nn/head_panels.h"
#include "nn/lm_head.h"
#include "nn/exec.h"
#include "nn/decoder_attention.h"
#include "nn/prefill_attention.h"
#include "nn/tree_attention.h"
#include "nn/rope.h"

struct t5g_decoder {
    const struct t5g_model *m;
    struct t5g_exec x;
    struct t5g_merged_state att;
    float *freq[T5G_KINDS];                        /* [dh/2] */
    float *cos[T5G_KINDS], *sin[T5G_KINDS];        /* [rows, dh/2] of the step's positions */
    float *h;                                      /* [rows, d] residual stream */
    struct t5g_block b;                            /* its role is that of the step */
    float *k, *v;                                  /* [rows, hk dh] raw projections */
    float *last;                                   /* [T5G_PREFILL_ROWS, d] rows for the head */
    struct t5g_linear *jobs;                       /* [2 hk], for cross keys and values */
    const struct t5g_part *part_of[T5G_ROW_BLOCK]; /* of each row of the step */
    size_t pos[T5G_ROW_BLOCK];                     /* its position */
    size_t slot[T5G_ROW_BLOCK];                    /* its row in the part's cache */
    size_t place[T5G_ROW_BLOCK];                   /* and number among the rows with queries */
    float *keep;               /* of t5g_decoder_attend, while it runs; NULL otherwise */
    t5g_attended_fn *attended; /* likewise */
    void *attended_arg;
    struct t5g_head *head;
    struct t5g_head_panels *panels;
};

static inline const struct t5g_stack_config *
t5g_decoder_config(const struct t5g_decoder *x)
{
    return &x->m->config.decoder;
}

#endif
