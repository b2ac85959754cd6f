/* kvcache.h: inside of cross and own keys and values, for the decoder's files. */
#ifndef T5G_KVCACHE_H
#define T5G_KVCACHE_H

#include "nn/decoder.h"
#include "nn/linear.h"

/* Keys in a block, which is processed at once: fixed, so that results do not vary. */
enum { T5G_KEY_BLOCK = 256 };

/*
 * Keys (at their positions, for own ones) and values of one layer: [hk, cap, dh] each, f32 or, of a
 * document, bf16 or bytes with a scale for every row, rotated as in nn/q8row.h.
 */
struct t5g_kv {
    void *k, *v;
    size_t cap;               /* rows of a head */
    int dtype;                /* T5G_F32, T5G_BF16 or T5G_I8 */
    float *k_scale, *v_scale; /* [hk, cap] with T5G_I8, else NULL */
    float *gain; /* [dh] with T5G_I8: keys are divided by it, so queries are multiplied; NULL: 1 */
};

/*
 * score [rows, n], stride ld = q [rows, dh] (of keys in bytes: t5g_kv_queries) times keys
 * key..key+n, numbered through all heads; and o [rows, dh] += p [rows, n], stride ldp, times those
 * values (p is scaled in place).
 */
void t5g_kv_scores(const struct t5g_kernels *k, const struct t5g_kv *kv, size_t key, size_t n,
                   size_t dh, const float *q, size_t rows, float *score, size_t ld);
void t5g_kv_mix(const struct t5g_kernels *k, const struct t5g_kv *kv, size_t key, size_t n,
                size_t dh, float *p, size_t ldp, size_t rows, float *o);

/* rotated [rows, dh] = queries q [rows, dh] as keys in bytes need them. */
void t5g_kv_queries(const struct t5g_kernels *k, const struct t5g_kv *kv, float *rotated,
                    const float *q, size_t rows, size_t dh);

struct t5g_cross {
    size_t n, layers;
    struct t5g_kv *kv; /* [layers], cap == n */
};

/*
 * Position p of a layer lies in row p % cap. Either cap covers all positions, or the layer is local
 * and cap is a multiple of T5G_KEY_BLOCK that covers the window of every row of a step; so the rows
 * of a block of positions always lie side by side.
 */
struct t5g_kvcache {
    const struct t5g_stack_config *c;
    size_t pos, max;
    struct t5g_kv *kv; /* [c->layers] */
};

#endif
