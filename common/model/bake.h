/* bake.h: adapters merged into the matrices of a model that is about to be packed. */
#ifndef T5G_BAKE_H
#define T5G_BAKE_H

#include "kernels/kernels.h"
#include "model/binder.h"
#include "model/model.h"

/* A tensor in the place of the model's own of this part and name, or beside them. */
struct t5g_baked {
    enum t5g_part part;
    char rest[160];
    struct t5g_tensor t; /* its name and shape are those of the model's own, if there is one */
    void *data;          /* [rows, cols], owned */
};

struct t5g_baking {
    struct t5g_baked *v; /* [n] */
    size_t n, cap;
};

/*
 * Merge m's adapters, in f32, into matrices that take the place of m's own, which have none then;
 * f32, or if `rounded` of m's dtype. Of embeddings and output matrix that are one in m, each
 * becomes a matrix of its own if an adapter tells them apart. m->baked holds them; m is of no use
 * but to be packed then.
 */
void t5g_bake(struct t5g_model *m, bool rounded, const struct t5g_kernels *k);
void t5g_baking_free(struct t5g_baking *b); /* NULL is allowed */

/* Put them into a binder of m's files; b NULL: none. */
void t5g_baking_bind(const struct t5g_baking *b, struct t5g_binder *to);

/* Whether t is one of them. */
bool t5g_is_baked(const struct t5g_tensor *t);

#endif
