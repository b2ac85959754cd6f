/* adapter_digest.h: what an adapter changes in each part of a model, as a hash. */
#ifndef T5G_ADAPTER_DIGEST_H
#define T5G_ADAPTER_DIGEST_H

#include "model/adapter_impl.h"

/*
 * Set a->digest from its modules: names, types, shapes, bytes and scales, independent of the layout
 * of names. Elements that are not finite, and copies of the model's own matrices that differ from
 * them, are faults. Remembered like a model's identity.
 */
void t5g_adapter_digest(struct t5g_adapter *a, const struct t5g_model *m, struct t5g_faults *f);

#endif
