/* variants.h: a model and the named adapters that documents and prompts may choose for it. */
#ifndef T5G_VARIANTS_H
#define T5G_VARIANTS_H

#include "generate/generate.h"
#include "generate/score.h"
#include "stage/adapting.h"
#include "stream/stream_head.h"

/* The model with the adapters of one name, and what computes with it. Its weights are mapped from
 * the same files as those of the others, so that memory has them once. */
struct t5g_variant {
    char *name;           /* of its adapters; NULL: the model of the run, for what chooses none */
    struct t5g_list dirs; /* of its adapters, in order; the array is owned, strings are borrowed */
    struct t5g_model *model;
    struct t5g_decoder *decoder;
    struct t5g_generator *generator;
    struct t5g_scorer *scorer; /* NULL: nothing is scored */
};

struct t5g_variants {
    struct t5g_variant *v; /* [n]; the first one has no name */
    size_t n, cap;
    struct t5g_list plain; /* adapters without a name, which all have; as dirs */
};

/*
 * Read what --adapter gave: NAME=DIR, where NAME is of letters, digits, '-', '_' and '.', or DIR.
 * Adapters of the same name act together, in their order. Opens nothing; what is found stays where
 * it is until t5g_variants_close.
 */
void t5g_variants_read(struct t5g_variants *s, const struct t5g_list *given);

/* Open the model of every variant, as t5g_compute_open does, with the adapters of its name on top.
 * -1 with e, of that and of t5g_adapter_open, or 64 for a name without a directory. */
int t5g_variants_open(struct t5g_variants *s, const struct t5g_kernels **k, const char *path,
                      unsigned need, struct t5g_err *e);

/* The variant of the name [n]; NULL with e (65): there is none. */
const struct t5g_variant *t5g_variants_find(const struct t5g_variants *s, const char *name,
                                            size_t n, struct t5g_err *e);

/* Whether an encoder output from a stream with this HEAD is one of the variant's. -1 with e (65),
 * which names it. */
int t5g_variant_check(const struct t5g_variant *x, const struct t5g_head *h, struct t5g_err *e);

/* Append the member "adapters", which names the decoder of each name, to the JSON object in b, or
 * start one ("" or an object); without names nothing is done. */
void t5g_variants_json(const struct t5g_variants *s, struct t5g_buf *b);

/* Close everything that is open. */
void t5g_variants_close(struct t5g_variants *s);

#endif
