/* family.h: a family of models: how its blocks are built and its tensors named. */
#ifndef T5G_FAMILY_H
#define T5G_FAMILY_H

#include "model/model.h"

/* A tensor's dimension, which the stack's config gives. */
enum t5g_dim { T5G_DIM_D, T5G_DIM_F, T5G_DIM_Q, T5G_DIM_KV, T5G_DIM_HEAD };

/* One tensor of a layer, without ".weight" or ".bias". */
struct t5g_tensor_row {
    const char *name;
    enum { T5G_ROW_MATRIX, T5G_ROW_NORM, T5G_ROW_GAIN } kind; /* what `field` is: t5g_affine, */
    size_t field;            /* t5g_norm, float *; its offset in struct t5g_layer */
    enum t5g_dim rows, cols; /* cols: of a matrix */
};

/* A stack of blocks. */
struct t5g_stack_family {
    struct t5g_block_config block;
    const char *layers;                   /* before a layer's number: "layers." */
    const char *norm;                     /* after the last layer */
    const struct t5g_tensor_row *tensors; /* NULL name ends them */
};

/* How much of a model a config.json describes. */
enum t5g_scope { T5G_SCOPE_WHOLE, T5G_SCOPE_ENCODER, T5G_SCOPE_TEXT };

struct t5g_family {
    const char *name;
    struct {
        const char *model_type;
        enum t5g_scope scope;
    } types[4];                                                /* NULL ends them */
    const struct t5g_stack_family *encoder, *decoder, *vision; /* NULL: none */
};

/* The family of a model_type of config.json, and in *scope what the file describes; else NULL. */
const struct t5g_family *t5g_family_find(const char *model_type, enum t5g_scope *scope);

/* Length of a dimension in a stack. */
size_t t5g_dim_of(const struct t5g_stack_config *c, enum t5g_dim dim);

#endif
