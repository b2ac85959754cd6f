/* identity.h: what makes two checkpoints the same model, and the look at every weight on the way.
 */
#ifndef T5G_IDENTITY_H
#define T5G_IDENTITY_H

#include "base/hash.h"
#include "model/binder.h"
#include "model/config.h"

/* The tensors that may stand in for each other; NULL where there is no such role. */
struct t5g_roles {
    const struct t5g_tensor *embed, *eoi;         /* encoder: [v, d], [d] */
    const struct t5g_tensor *dec_embed, *dec_eoi; /* decoder: the same shapes */
    const struct t5g_tensor *head;                /* [v, d] */
};

/* Under what identities are remembered; the number goes up when the list that is hashed changes. */
#define T5G_IDENTITY_KIND "model1"

/*
 * out = XXH3-128 over the fields of c that shape the computation and, for every tensor b has handed
 * out, its part and name, dtype, shape and the XXH3-128 of its bytes. Independent of files, shards,
 * layout, and of copies of the embedding that are equal to it. -1 with e (65) naming file and
 * tensor when a weight is NaN or infinite.
 */
int t5g_identity_make(char out[T5G_HEX128], const struct t5g_config *c, const struct t5g_binder *b,
                      const struct t5g_roles *roles, struct t5g_err *e);

/*
 * n bytes of dtype f32, bf16 or f16 hold no NaN and no infinity; *at gets the first element that is
 * one. Whole elements, any alignment.
 */
bool t5g_all_finite(const unsigned char *p, size_t n, int dtype, size_t *at);

#endif
