/* encode.h: documents of a stream through cache and encoder. */
#ifndef T5G_ENCODE_H
#define T5G_ENCODE_H

#include "stage/caching.h"
#include "stage/run.h"
#include "stage/shape.h"
#include "nn/encoder.h"

struct t5g_encoding {
    struct t5g_encoder *encoder; /* with taps of shape.layers */
    const struct t5g_config *config;
    struct t5g_cache *cache;       /* NULL: none */
    const struct t5g_parts *parts; /* identities */
    const char *num;               /* numeric profile */
    bool force;                    /* streams of another model are accepted */
    char profile[96];
    struct t5g_shape shape;                       /* what is asked for */
    bool (*dropped)(const char *name, void *arg); /* frames that are not passed on */
};

/*
 * take of struct t5g_stage; x is a t5g_encoding. Writes the documents with encoder.out (and
 * encoder.out.scale, or embedding instead, and hidden.K) added, which is made from an encoder.out
 * that is there, comes from the cache, or is computed; short documents are computed together.
 */
int t5g_encode_batch(void *x, struct t5g_run *run, const struct t5g_batch *b, struct t5g_err *e);

#endif
