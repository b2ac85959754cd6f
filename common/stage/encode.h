/* encode.h: documents of a stream through cache and encoder. */
#ifndef T5G_ENCODE_H
#define T5G_ENCODE_H

#include "stage/batch.h"
#include "stage/caching.h"
#include "stage/run.h"
#include "nn/encoder.h"
#include "nn/pool_rows.h"

struct t5g_encoding {
    struct t5g_encoder *encoder;
    const struct t5g_config *config;
    struct t5g_cache *cache; /* NULL: none */
    const char *model;       /* identity */
    char profile[96];
    bool bf16;
    int pooling;                                  /* 0: all rows; else enum t5g_pooling, as f32 */
    bool (*dropped)(const char *name, void *arg); /* frames that do not travel on */
};

/*
 * Write every document of b, in order, with encoder.out (or embedding) added: from the cache, or
 * computed, those that are short together. Ends early where run->stop is set. Dies on write errors.
 */
void t5g_encoding_run(const struct t5g_encoding *x, struct t5g_run *run, const struct t5g_batch *b);

#endif
