/* kvcache.h: inside of cross and own keys and values, for the decoder's files. */
#ifndef T5G_KVCACHE_H
#define T5G_KVCACHE_H

#include "nn/decoder.h"
#include "nn/linear.h"

/* Keys that are looked at in one piece. A place in a document, never a size that varies. */
enum { T5G_KEY_BLOCK = 256 };

/* Keys (rotated, for own ones) and values of one layer. */
struct t5g_kv {
    float *k, *v; /* [hk, cap, dh] f32 each */
    size_t cap;   /* rows of a head */
};

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
