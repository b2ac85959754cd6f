/* adapter_names.h: what a tensor of an adapter is, from its name. */
#ifndef T5G_ADAPTER_NAMES_H
#define T5G_ADAPTER_NAMES_H

#include "model/names.h"

/* What a tensor is to the module that it belongs to. */
enum t5g_piece_kind {
    T5G_PIECE_A,         /* [r, in] of LoRA */
    T5G_PIECE_B,         /* [out, r] */
    T5G_PIECE_MAGNITUDE, /* [out] of DoRA */
    T5G_PIECE_EMBED_A,   /* [r, v] of LoRA on an embedding */
    T5G_PIECE_EMBED_B,   /* [d, r] */
    T5G_PIECE_TOKENS,    /* [n, d] rows of an embedding for some tokens */
    T5G_PIECE_WEIGHT,    /* the module's own tensors, from modules_to_save */
    T5G_PIECE_EOI,
    T5G_PIECE_BASE_WEIGHT, /* copies of the base's, which PEFT saves with LoRA on an embedding */
    T5G_PIECE_BASE_EOI,
    T5G_PIECE_OTHER, /* none of these */
};

struct t5g_piece_name {
    enum t5g_piece_kind kind;
    enum t5g_part part;
    char *module; /* without the layout's prefix: "layers.0.mlp.up_proj", "embed_tokens" */
    char *key;    /* as patterns of adapter_config.json mean it: "model.decoder.layers.0...." */
};

/*
 * Of a name as PEFT writes it, with and without the adapter's name ("lora_A.default.weight"), and
 * with every prefix that t5g_name_split knows. Freed by t5g_piece_name_free.
 */
struct t5g_piece_name t5g_piece_name_split(const char *name);
void t5g_piece_name_free(struct t5g_piece_name *p);

#endif
