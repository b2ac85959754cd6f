/* merged.h: attention of the decoder: one softmax over own keys and all encoder keys. */
#ifndef T5G_MERGED_H
#define T5G_MERGED_H

#include "nn/kvcache.h"

/* Buffers of a decoder, for up to T5G_STEP_ROWS rows. */
struct t5g_merged_state {
    float *q;         /* [hk, rows x g, dh] rotated queries, heads of one key head stacked */
    float *part;      /* [blocks, hk, rows x g, dh] sums of a block */
    float *max, *sum; /* [blocks, hk, rows x g] of a block */
    float *top, *all; /* [rows, h] running maximum and sum */
};

void t5g_merged_open(struct t5g_merged_state *s, const struct t5g_stack_config *c);
void t5g_merged_close(struct t5g_merged_state *s);

/* Floats a worker needs. */
size_t t5g_merged_scratch(const struct t5g_stack_config *c);

/*
 * n rows at positions pos..pos+n. own holds them already; cross has cap == number of encoder rows.
 * s->q [hk, n g, dh] is set. out [n, h dh], stride ldo.
 */
struct t5g_merged {
    const struct t5g_stack_config *c;
    struct t5g_merged_state *s;
    const struct t5g_kv *own, *cross;
    bool full;
    size_t pos, n;
    float *out;
    size_t ldo;
};

void t5g_merged_run(const struct t5g_exec *x, const struct t5g_merged *a);

#endif
