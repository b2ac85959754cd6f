/* names.h: one name for a tensor in every layout of checkpoints. */
#ifndef T5G_NAMES_H
#define T5G_NAMES_H

#include "base/base.h"

/* The part that a tensor belongs to. Tensors are sorted by it, then by rest. */
enum t5g_part {
    T5G_PART_DECODER,
    T5G_PART_ENCODER,
    T5G_PART_HEAD,
    T5G_PART_PROJECTOR,
    T5G_PART_VISION,
    T5G_PART_SCORE,   /* a classifier's head */
    T5G_PART_SCREEN,  /* in packed models: see t5g_model.screen */
    T5G_PART_N,       /* number of parts above */
    T5G_PART_IGNORED, /* known but not used: the tower's pooling head */
    T5G_PART_UNKNOWN,
};

/* A name in a file: the layout's prefix and the rest ("layers.0.mlp.up_proj.weight"). */
struct t5g_name {
    enum t5g_part part;
    size_t prefix; /* bytes */
    const char *rest;
};

/*
 * Layouts (t5g-model(5)): an optional "model." first; the text encoder as "encoder.", as
 * "encoder.text_model." or, in an encoder-only file, as "text_model." or without prefix; the vision
 * tower with or without "vision_model.". Names of a Gemma 3 ("model.layers.") are an encoder's; its
 * "lm_head.weight" is ignored. encoder: the file holds another model, in which names with this and
 * a dot in front are ours, and everything else is ignored; NULL: it does not.
 */
struct t5g_name t5g_name_split(const char *name, const char *encoder);

/* What stands in front of the names in layout E. */
#define T5G_NAME_EMBEDDED "text_encoder"

/*
 * If this may be a tensor of an encoder in another model, the length of what stands in front of its
 * names there, for t5g_name_split; else 0.
 */
size_t t5g_name_find_encoder(const char *name);

const char *t5g_part_name(enum t5g_part part);   /* "encoder", as in identities */
const char *t5g_part_prefix(enum t5g_part part); /* usual prefix, for missing tensors */

#endif
