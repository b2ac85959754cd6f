/* adapter_impl.h: inside of an adapter, for its files. */
#ifndef T5G_ADAPTER_IMPL_H
#define T5G_ADAPTER_IMPL_H

#include "model/adapter.h"
#include "model/adapter_config.h"
#include "model/adapter_names.h"

/* One tensor. */
struct t5g_piece {
    struct t5g_piece_name name;
    const struct t5g_tensor *t;
};

/* The tensors of one module, by kind, and the matrix that it is in the model. */
struct t5g_adapted {
    const struct t5g_piece_name *name;
    const struct t5g_tensor *piece[T5G_PIECE_OTHER]; /* NULL: none */
    bool embedding;
    struct t5g_mat *w;       /* its p is NULL where the layer is not bound */
    struct t5g_stack *stack; /* that it is in */
    size_t rows, cols, layer, rank;
    double scale;
    int32_t *ids; /* [n_ids] of token rows */
    size_t n_ids;
};

struct t5g_adapter {
    char *dir;
    struct t5g_adapter_config config;
    struct t5g_map map;
    struct t5g_tensor_list tensors;
    struct t5g_piece *pieces;    /* [tensors.n] by part, module and kind */
    struct t5g_adapted *modules; /* [n] */
    size_t n;
    /* What it changes, by part, as a hash of it all; "": nothing. */
    char digest[T5G_IDS][T5G_HEX128];
    void **owned; /* memory of what is put to the model */
    size_t n_owned, cap_owned;
};

#endif
