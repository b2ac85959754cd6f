/* attention.h: attention of the encoder and the vision tower: each row sees an interval of keys. */
#ifndef T5G_ATTENTION_H
#define T5G_ATTENTION_H

#include "nn/exec.h"
#include "nn/qkv.h"

/* One layer over n rows. g = h / hk query heads share a key head. */
struct t5g_attention {
    size_t h, hk, dh, n;
    size_t window; /* the asymmetric window; 0: every row sees all */
    float scale;   /* of scores */
    float softcap; /* scores become softcap * tanh(score / softcap); 0: no change */
    float eps;
    const float *q_norm, *k_norm; /* [dh] 1 + gain; NULL: heads are not normalised */
    const float *cos, *sin;       /* [n, dh/2]; NULL: no rotation */
    float *keys;                  /* [hk, ceil(n/16), dh, 16] panels of finished keys */
    float *values;                /* [hk, ceil(dh/16), ldv, 16] f32 panels, n rows of each used */
    size_t ldv;
    /*
     * With products in bf16: the values as panels in bf16, [hk, ceil(dh/16), ceil(n/16), 16, 16],
     * and the panels of keys are in bf16 too, each in the first half of its place. Else NULL.
     */
    uint16_t *values16;
    /*
     * With quantised weights and without bf16: the keys, and the values as bytes, which are made
     * from `values` and used instead. Else q8.k is NULL.
     */
    struct t5g_qkv q8;
};

/* Floats of keys and of values for n rows. */
size_t t5g_attention_keys_size(size_t hk, size_t dh, size_t n);
size_t t5g_attention_values_size(size_t hk, size_t dh, size_t n);

/* Maximum number of keys that a row sees; the work is proportional to it. */
size_t t5g_attention_reach(size_t window, size_t n);

/*
 * Fill keys r0..r0+m from the raw projections k [m, hk dh], stride ldk, which are normalised and
 * rotated in place, and values16 or q8 from values, which are there. r0 is a multiple of 16, with
 * q8 of T5G_KEY_TILE.
 */
void t5g_attention_set_keys(const struct t5g_exec *x, const struct t5g_attention *a, float *k,
                            size_t ldk, size_t r0, size_t m);

/*
 * Rows r0..r0+m: q [m, h dh], stride ldq, holds raw query projections and becomes the heads'
 * outputs, one beside the other. All keys and values must have been set.
 */
void t5g_attention_run(const struct t5g_exec *x, const struct t5g_attention *a, float *q,
                       size_t ldq, size_t r0, size_t m);

/* softmax of struct t5g_kernels, with the scores soft-capped first (softcap 0: not). */
float t5g_attention_softmax(const struct t5g_kernels *k, float *s, size_t n, size_t lo, size_t hi,
                            float scale, float softcap, float *max, float *sum);

size_t t5g_attention_scratch(size_t h, size_t hk, size_t dh); /* floats a worker needs */

#endif
