/* prefill_attention.h: attention of the decoder for many rows of given ids. */
#ifndef T5G_PREFILL_ATTENTION_H
#define T5G_PREFILL_ATTENTION_H

#include "nn/decoder_attention.h"

/* Floats a worker needs. */
size_t t5g_prefill_scratch(const struct t5g_stack_config *c);

/*
 * An item at work, in the worker's scratch: up to T5G_CHUNK rows of the step that lie side by side,
 * over one document, and one key head. Heads that share the key head are rows of q too, those of a
 * row of the step side by side.
 */
enum { T5G_CHUNK = 16 };
struct t5g_chunk {
    const struct t5g_part *part; /* of its first row */
    size_t kv, row, pos, n;      /* key head; first row and its position; rows of the step */
    size_t rows;                 /* n g */
    const float *q;              /* [rows, dh] */
    float *rotated;              /* the same for keys in bytes */
    float *s;                    /* [rows, T5G_KEY_BLOCK] */
    float *o;                    /* [rows, dh] */
    float *max, *sum;            /* [rows] */
};

/* Set what follows from part, kv, row and n, and begin the rows' online softmax. */
void t5g_chunk_open(struct t5g_chunk *t, const struct t5g_exec *x, const struct t5g_merged *a,
                    size_t worker);
/* All encoder keys. */
void t5g_chunk_cross(const struct t5g_chunk *t, const struct t5g_exec *x,
                     const struct t5g_merged *a);
/* Scores s [n] of row number `row`, of which it sees lo..hi, to weights; o is scaled with them. */
void t5g_chunk_weigh(const struct t5g_chunk *t, const struct t5g_exec *x,
                     const struct t5g_merged *a, size_t row, size_t n, size_t lo, size_t hi);
/* The rows' results to their places in a->out. */
void t5g_chunk_close(const struct t5g_chunk *t, const struct t5g_exec *x,
                     const struct t5g_merged *a);

/*
 * As t5g_merged_run, for up to T5G_ROW_BLOCK rows and in another order of sums: a row's result
 * depends neither on threads nor on the rows beside it, but it is not that of t5g_merged_run.
 */
void t5g_prefill_attention(const struct t5g_exec *x, const struct t5g_merged *a);

#endif
