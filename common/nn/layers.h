/* layers.h: all blocks of a stack over rows that see each other: the encoder's and the tower's. */
#ifndef T5G_LAYERS_H
#define T5G_LAYERS_H

#include "nn/block.h"
#include "nn/qkv.h"
#include "nn/rope.h"

/* Rows [n, d] that are computed together: documents, one after the other. */
struct t5g_row_group {
    float *rows;
    size_t n;
    const struct t5g_row_span {
        size_t at, n; /* first row; number of rows: a document sees only itself */
        size_t room;  /* rows of those before, each rounded up to T5G_PANEL */
    } * spans;        /* [n_spans]; several only when all rows fit T5G_ROW_BLOCK */
    size_t n_spans;
};

/* A stack with its buffers. The stack's own file uses the members between runs. */
struct t5g_layers {
    const struct t5g_stack *s;
    struct t5g_exec x;
    struct t5g_block b;                     /* buffers of `block` rows */
    size_t block, cap;                      /* rows of the buffers; rows of what follows */
    float *keys, *values;                   /* see attention.h; keys NULL where q8 is used */
    struct t5g_qkv q8;                      /* likewise; empty but with quantised weights */
    uint16_t *values16;                     /* likewise; NULL but with products in bf16 */
    float *cos[T5G_KINDS], *sin[T5G_KINDS]; /* [cap, dh/2]; NULL without rope */
    float *freq[T5G_KINDS];                 /* [dh/2] */
    struct t5g_linear *jobs;                /* [hk + 2]: values by head, keys, queries */
    /* Called with the number of layers done, after each; NULL: not called. Set by the owner. */
    void (*after)(void *arg, size_t done);
    void *after_arg;
};

/* wide: columns that b.f needs beside f; quantised: the model has quantised matrices. */
void t5g_layers_open(struct t5g_layers *l, const struct t5g_stack *s, const struct t5g_kernels *k,
                     struct t5g_pool *pool, size_t wide, bool quantised);
void t5g_layers_close(struct t5g_layers *l);

/* Room for n rows (each span rounded up to T5G_PANEL); kept for the next ones, with the angles. */
void t5g_layers_reserve(struct t5g_layers *l, size_t n);

/* All layers over the group's rows, in place, without the final norm; false if stopped. */
bool t5g_layers_run(struct t5g_layers *l, const struct t5g_row_group *g, t5g_progress_fn *progress,
                    void *arg);

#endif
