/* attention.h: attention of the encoder: every row looks at an interval of keys around it. */
#ifndef T5G_ATTENTION_H
#define T5G_ATTENTION_H

#include "model/weights.h"
#include "nn/exec.h"

/* One layer over a document of n rows. */
struct t5g_attention {
    const struct t5g_stack_config *c;
    const struct t5g_layer *layer;
    size_t n;
    bool full;              /* else the asymmetric window */
    const float *cos, *sin; /* [n, dh/2] */
    float *keys;            /* [hk, ceil(n/16), dh, 16] f32 panels of rotated keys */
    float *values;          /* [hk, ceil(dh/16), n, 16] f32 panels */
};

/* Floats of keys and of values for n rows. */
size_t t5g_attention_keys_size(const struct t5g_stack_config *c, size_t n);
size_t t5g_attention_values_size(const struct t5g_stack_config *c, size_t n);

/* Keys a row sees at most: what the work is proportional to. */
size_t t5g_attention_reach(const struct t5g_stack_config *c, size_t n, bool full);

/*
 * Fill keys r0..r0+m from the raw projections k [m, hk dh], stride ldk, which are normalised and
 * rotated in place. r0 is a multiple of 16.
 */
void t5g_attention_set_keys(const struct t5g_exec *x, const struct t5g_attention *a, float *k,
                            size_t ldk, size_t r0, size_t m);

/*
 * Rows r0..r0+m: q [m, h dh], stride ldq, holds raw query projections and becomes the heads'
 * outputs, one beside the other. All keys and values must be there.
 */
void t5g_attention_run(const struct t5g_exec *x, const struct t5g_attention *a, float *q,
                       size_t ldq, size_t r0, size_t m);

size_t t5g_attention_scratch(const struct t5g_stack_config *c); /* floats a worker needs */

#endif
