/* shape.h: the rows of an encoder in the form that t5g-encode was asked for. */
#ifndef T5G_SHAPE_H
#define T5G_SHAPE_H

#include "kernels/kernels.h"
#include "nn/sentence.h"
#include "store/cache.h"

/* What is asked for. */
struct t5g_shape {
    const struct t5g_kernels *kernels;
    size_t d;  /* of the encoder */
    int dtype; /* of encoder.out (T5G_F32, T5G_BF16, T5G_I8) or embedding (no bytes) */
    enum t5g_pooling pooling;            /* not NONE: an embedding instead of encoder.out */
    const struct t5g_sentence *sentence; /* NULL, or what comes after pooling */
    size_t dims;                         /* of an embedding; 0: all */
    bool normalize;                      /* an embedding, after it was cut */
    size_t group;                        /* rows averaged to one; 1: none */
    const size_t *layers;                /* [n_layers] also kept, as hidden.K */
    size_t n_layers;                     /* at most T5G_SHAPE_LAYERS */
};

enum { T5G_SHAPE_LAYERS = T5G_CACHE_TENSORS - 2, T5G_SHAPE_NAME = 32 };

/* Names of the tensors, ended by NULL; they live with it. */
struct t5g_shape_names {
    const char *v[T5G_CACHE_TENSORS + 1];
    char hidden[T5G_SHAPE_LAYERS][T5G_SHAPE_NAME];
};
void t5g_shape_names(const struct t5g_shape *s, struct t5g_shape_names *names);

/* Append all that is asked for, as part of a cache's key. */
void t5g_shape_key(const struct t5g_shape *s, struct t5g_buf *b);

/* The identity of the layers between pooling and the embedding; NULL: none. */
const char *t5g_shape_modules(const struct t5g_shape *s);

/* Whether it is exactly what the encoder gives: rows of f32, and nothing else. */
bool t5g_shape_plain(const struct t5g_shape *s);

/* The tensors of a document. */
struct t5g_shaped {
    struct t5g_cache_tensor tensors[T5G_CACHE_TENSORS]; /* [n] */
    size_t n;
    struct t5g_shape_names names; /* private, like what follows */
    char meta[64];
    void *owned[2];
};

/*
 * rows [n, d], n > 0 (grouped: averages of groups already), are overwritten and, like hidden
 * [n_layers] of [n, d], must outlive the result. 0, or -1 with e (65) if a result is not finite;
 * t5g_shaped_free in either case.
 */
int t5g_shape_make(const struct t5g_shape *s, float *rows, size_t n, bool grouped,
                   float *const *hidden, struct t5g_shaped *out, struct t5g_err *e);
void t5g_shaped_free(struct t5g_shaped *x);

#endif
