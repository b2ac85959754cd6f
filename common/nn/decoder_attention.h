/* decoder_attention.h: attention of the decoder: softmax over own keys, encoder keys, or both. */
#ifndef T5G_DECODER_ATTENTION_H
#define T5G_DECODER_ATTENTION_H

#include "nn/kvcache.h"

/* Rows of a step that see the same keys: those of one sequence, or those over one document. */
struct t5g_span_of_keys {
    const struct t5g_kv *kv;
    size_t row, rows;     /* first of them in the step; their number */
    size_t pos;           /* own keys: position of the first row */
    size_t n;             /* number of keys, including the rows' own */
    bool own;             /* keys of the sequence, else of the document */
    size_t first, blocks; /* first block that a row sees; number of blocks */
};

/* Buffers of a decoder: q for up to T5G_ROW_BLOCK rows, the others for T5G_STEP_ROWS. */
struct t5g_merged_state {
    float *q;         /* [hk, rows x g, dh] queries at their positions, heads of one key head
                         stacked */
    float *rotated;   /* the same for keys in bytes: nn/q8row.h */
    float *part;      /* [blocks, hk, rows x g, dh] sums of a block */
    float *max, *sum; /* [blocks, hk, rows x g] of a block */
    float *top, *all; /* [rows, h] running maximum and sum */
    struct t5g_span_of_keys spans[2 * T5G_STEP_ROWS];
    size_t n_spans;
};

void t5g_merged_open(struct t5g_merged_state *s, const struct t5g_stack_config *c);
void t5g_merged_close(struct t5g_merged_state *s);

/* Floats a worker needs. */
size_t t5g_merged_scratch(const struct t5g_stack_config *c);

enum { T5G_SEE_OWN = 1, T5G_SEE_CROSS = 2 }; /* own keys; those of the document */

/*
 * n rows of the parts [n_parts] of a step, in layer `layer`: own keys are there already, s->q
 * [hk, n g, dh] is set. out [n, h dh], stride ldo.
 */
struct t5g_merged {
    int see; /* T5G_SEE_...: whose keys share the softmax; both where cross-attention is merged */
    const struct t5g_stack_config *c;
    struct t5g_merged_state *s;
    const struct t5g_part *parts;
    size_t n_parts, layer, n;
    bool last; /* only rows that something is asked of have queries, and are the n rows */
    float *out;
    size_t ldo;
    float *keep; /* [n, h, cross n] also the weights of the document's keys, of one part in the
                    panel role; NULL: not */
};

/* How many rows of a part have queries: its last ones. */
static inline size_t
t5g_queries_of(const struct t5g_merged *a, const struct t5g_part *p)
{
    return a->last ? t5g_part_asked(p) : p->n;
}

/* Position of the first of them, of a part that is a sequence. */
static inline size_t
t5g_queries_from(const struct t5g_merged *a, const struct t5g_part *p)
{
    return p->kv->pos + p->n - t5g_queries_of(a, p);
}

/* First own position that position p of the decoder sees in a layer. */
size_t t5g_first_seen(const struct t5g_stack_config *c, size_t layer, size_t p);

void t5g_merged_run(const struct t5g_exec *x, const struct t5g_merged *a);

#endif
