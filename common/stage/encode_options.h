/* encode_options.h: what the options of t5g-encode and a model's directory ask for. */
#ifndef T5G_ENCODE_OPTIONS_H
#define T5G_ENCODE_OPTIONS_H

#include "cli/option.h"
#include "stage/encode.h"

struct t5g_encode_options {
    int dtype;              /* --dtype f32|bf16|q8: its index */
    int pool;               /* --pool: enum t5g_pooling; -1: not given */
    uint64_t group, dims;   /* --group, 1 without it; --dims, 0 without it */
    bool normalize;         /* --normalize */
    struct t5g_list layers; /* --layer */
};

/* What x.shape points to. */
struct t5g_encode_asked {
    struct t5g_sentence *sentence;
    size_t layers[T5G_SHAPE_LAYERS];
};

/*
 * Fill x->shape, and tap x->encoder; x->encoder and x->config are there. dir: the directory that
 * the user named, which modules.json would be in. 0, or -1 with e: 64 if the options contradict
 * each other or the model, or as t5g_sentence_open. The caller frees a.
 */
int t5g_encode_ask(struct t5g_encode_asked *a, struct t5g_encoding *x,
                   const struct t5g_encode_options *o, const char *dir, const struct t5g_kernels *k,
                   struct t5g_err *e);
void t5g_encode_asked_free(struct t5g_encode_asked *a);

#endif
