/* family.c: the table of families. */
#include "model/family.h"

#include <stddef.h>
#include <string.h>

#define MATRIX(name, to, rows, cols)                                                         \
    {                                                                                        \
        name, T5G_ROW_MATRIX, offsetof(struct t5g_layer, to), T5G_DIM_##rows, T5G_DIM_##cols \
    }
#define NORM(name, to)                                                           \
    {                                                                            \
        name, T5G_ROW_NORM, offsetof(struct t5g_layer, to), T5G_DIM_D, T5G_DIM_D \
    }
#define GAIN(name, to)                                                                 \
    {                                                                                  \
        name, T5G_ROW_GAIN, offsetof(struct t5g_layer, to), T5G_DIM_HEAD, T5G_DIM_HEAD \
    }
#define END                                         \
    {                                               \
        NULL, T5G_ROW_NORM, 0, T5G_DIM_D, T5G_DIM_D \
    }

/* ---- T5Gemma 2 (transformers: modeling_t5gemma2.py) ---- */

static const struct t5g_tensor_row gemma3_layer[] = {
    MATRIX("self_attn.q_proj", self.q, Q, D),     MATRIX("self_attn.k_proj", self.k, KV, D),
    MATRIX("self_attn.v_proj", self.v, KV, D),    MATRIX("self_attn.o_proj", self.o, D, Q),
    MATRIX("mlp.gate_proj", ffn.gate, F, D),      MATRIX("mlp.up_proj", ffn.up, F, D),
    MATRIX("mlp.down_proj", ffn.down, D, F),      GAIN("self_attn.q_norm", self.q_norm),
    GAIN("self_attn.k_norm", self.k_norm),        NORM("pre_self_attn_layernorm", self.pre),
    NORM("post_self_attn_layernorm", self.post),  NORM("pre_feedforward_layernorm", ffn.pre),
    NORM("post_feedforward_layernorm", ffn.post), END,
};

#define GEMMA3_BLOCK .gain = 1, .rope = true, .act = T5G_GELU_TANH

static const struct t5g_stack_family t5gemma2_encoder = {
    .block = {GEMMA3_BLOCK},
    .layers = "layers.",
    .norm = "norm",
    .tensors = gemma3_layer,
};

static const struct t5g_stack_family t5gemma2_decoder = {
    .block = {GEMMA3_BLOCK, .cross = T5G_CROSS_MERGED},
    .layers = "layers.",
    .norm = "norm",
    .tensors = gemma3_layer,
};

/* ---- its vision tower (modeling_siglip.py) ---- */

static const struct t5g_tensor_row siglip_layer[] = {
    MATRIX("self_attn.q_proj", self.q, Q, D),
    MATRIX("self_attn.k_proj", self.k, KV, D),
    MATRIX("self_attn.v_proj", self.v, KV, D),
    MATRIX("self_attn.out_proj", self.o, D, Q),
    MATRIX("mlp.fc1", ffn.gate, F, D),
    MATRIX("mlp.fc2", ffn.down, D, F),
    NORM("layer_norm1", self.pre),
    NORM("layer_norm2", ffn.pre),
    END,
};

static const struct t5g_stack_family siglip = {
    .block = {.layer_norm = true, .bias = true, .act = T5G_GELU_TANH},
    .layers = "encoder.layers.",
    .norm = "post_layernorm",
    .tensors = siglip_layer,
};

static const struct t5g_family families[] = {
    {
        .name = "T5Gemma 2",
        .types = {{"t5gemma2", T5G_SCOPE_WHOLE},
                  {"t5gemma2_encoder", T5G_SCOPE_ENCODER},
                  {"t5gemma2_text", T5G_SCOPE_TEXT}},
        .encoder = &t5gemma2_encoder,
        .decoder = &t5gemma2_decoder,
        .vision = &siglip,
    },
};

const struct t5g_family *
t5g_family_find(const char *model_type, enum t5g_scope *scope)
{
    for (size_t i = 0; i < T5G_LEN(families); i++)
        for (size_t j = 0; families[i].types[j].model_type != NULL; j++)
            if (strcmp(model_type, families[i].types[j].model_type) == 0) {
                *scope = families[i].types[j].scope;
                return &families[i];
            }
    return NULL;
}

size_t
t5g_dim_of(const struct t5g_stack_config *c, enum t5g_dim dim)
{
    switch (dim) {
    case T5G_DIM_D:
        return c->d;
    case T5G_DIM_F:
        return c->f;
    case T5G_DIM_Q:
        return c->h * c->dh;
    case T5G_DIM_KV:
        return c->hk * c->dh;
    case T5G_DIM_HEAD:
        break;
    }
    return c->dh;
}
