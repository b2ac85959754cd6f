/* embed.h: token ids to rows of activations. */
#ifndef T5G_EMBED_H
#define T5G_EMBED_H

#include "model/model.h"

/*
 * x[i * ldx .. + d] = embed[ids[i]] * embed_scale, but the eoi row itself, unscaled, where ids[i]
 * is eoi (-1: no such id). ids [n] must be in range.
 */
void t5g_embed_rows(float *x, size_t ldx, const struct t5g_stack *s, int32_t eoi,
                    const int32_t *ids, size_t n);

#endif
