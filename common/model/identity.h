/* identity.h: the identity of a model, and the check of every weight while it is computed. */
#ifndef T5G_IDENTITY_H
#define T5G_IDENTITY_H

#include "base/hash.h"
#include "model/binder.h"
#include "model/config.h"

/* The tensors that may replace each other; NULL where there is no such role. */
struct t5g_roles {
    const struct t5g_tensor *embed, *eoi;         /* encoder: [v, d], [d] */
    const struct t5g_tensor *dec_embed, *dec_eoi; /* decoder: the same shapes */
    const struct t5g_tensor *head;                /* [v, d] */
};

/* The kind under which identities are remembered; increase the number when what is hashed
 * changes. */
#define T5G_IDENTITY_KIND "model1"

/*
 * out = XXH3-128 over the fields of c that shape the computation and, for every tensor that was
 * requested from b, its part, name, dtype and shape and the XXH3-128 of its bytes. Independent of
 * files, shards, layout and identical copies of the embedding. -1 with e (65) naming file and
 * tensor if a weight is NaN or infinite.
 */
int t5g_identity_make(char out[T5G_HEX128], const struct t5g_config *c, const struct t5g_binder *b,
                      const struct t5g_roles *roles, struct t5g_err *e);

/*
 * Whether the n bytes p of dtype f32, bf16 or f16 hold no NaN and no infinity; else *at is the
 * first such element. Whole elements, any alignment.
 */
bool t5g_all_finite(const unsigned char *p, size_t n, int dtype, size_t *at);

#endif
