/* embed.h: token ids to rows of activations. */
#ifndef T5G_EMBED_H
#define T5G_EMBED_H

#include "model/model.h"
#include "nn/exec.h"

/*
 * x [d] = embed[id] * embed_scale, or the eoi row itself, unscaled, if id is eoi (-1: no such id).
 * id must be in range.
 */
void t5g_embed_row(float *x, const struct t5g_stack *s, int32_t eoi, int32_t id);

/* The same for ids [n], to rows of x, stride ldx. */
void t5g_embed_rows(const struct t5g_exec *exec, float *x, size_t ldx, const struct t5g_stack *s,
                    int32_t eoi, const int32_t *ids, size_t n);

#endif
