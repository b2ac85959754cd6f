/* identity.h: the identity of a model, and the check of every weight while it is computed. */
#ifndef T5G_IDENTITY_H
#define T5G_IDENTITY_H

#include "base/hash.h"
#include "model/binder.h"
#include "model/config.h"
#include "stream/parts.h"

/* The tensors that may replace each other; NULL where there is no such role. */
struct t5g_roles {
    const struct t5g_tensor *embed, *eoi;         /* encoder: [v, d], [d] */
    const struct t5g_tensor *dec_embed, *dec_eoi; /* decoder: the same shapes */
    const struct t5g_tensor *head;                /* [v, d] */
};

/* The kind under which identities are remembered; increase the number when what is hashed
 * changes. */
#define T5G_IDENTITY_KIND "model3"

/* The text that is remembered: the identities in the order of enum t5g_id, "-" for none, with
 * blanks between them. */
enum { T5G_IDENTITY_TEXT = T5G_IDS * T5G_HEX128 };

/*
 * out[part] = XXH3-128 over the fields of c that act on what the part computes and, for every
 * tensor of the part that was requested from b, its name, dtype and shape and the XXH3-128 of its
 * bytes; "" if the model has no such part. All weights are read once. Independent of files, shards,
 * layout, of what plays the part of an embedding, and of identical copies of it. -1 with e (65)
 * naming file and tensor if a weight is NaN or infinite.
 */
int t5g_identity_make(char out[T5G_IDS][T5G_HEX128], const struct t5g_config *c,
                      const struct t5g_binder *b, const struct t5g_roles *roles, struct t5g_err *e);

/* To and from that text; false if it is another. */
void t5g_identity_print(char text[T5G_IDENTITY_TEXT], char id[T5G_IDS][T5G_HEX128]);
bool t5g_identity_parse(char id[T5G_IDS][T5G_HEX128], const char *text);

/*
 * Whether the n bytes p of dtype f32, bf16 or f16 hold no NaN and no infinity; else *at is the
 * first such element. Whole elements, any alignment.
 */
bool t5g_all_finite(const unsigned char *p, size_t n, int dtype, size_t *at);

#endif
