/* encode.h: documents of a stream through cache and encoder. */
#ifndef T5G_ENCODE_H
#define T5G_ENCODE_H

#include "stage/caching.h"
#include "stage/run.h"
#include "nn/encoder.h"

struct t5g_encoding {
    struct t5g_encoder *encoder;
    const struct t5g_config *config;
    struct t5g_cache *cache; /* NULL: none */
    const char *model;       /* identity */
    char profile[96];
    const struct t5g_kernels *kernels;
    int dtype;   /* of encoder.out: T5G_F32, T5G_BF16 or T5G_I8, with scales */
    int pooling; /* 0: all rows; else enum t5g_pooling, as f32 */
    bool (*dropped)(const char *name, void *arg); /* frames that are not passed on */
};

/*
 * take of struct t5g_stage; x is a t5g_encoding. Writes the documents with encoder.out (and
 * encoder.out.scale, or embedding instead) added, which comes from the cache or is computed; short
 * documents are computed together.
 */
int t5g_encode_batch(void *x, struct t5g_run *run, const struct t5g_batch *b, struct t5g_err *e);

#endif
