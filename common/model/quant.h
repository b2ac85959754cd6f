/* quant.h: matrices to quantised panels. */
#ifndef T5G_QUANT_H
#define T5G_QUANT_H

#include "base/mem.h"
#include "base/threads.h"
#include "model/model.h"

/*
 * m (not quantised) as panels of dtype T5G_Q8 or T5G_Q4 with scales every `group` (a multiple of
 * 32) elements, as in struct t5g_qpanel: [*n] bytes of panels, then scales, freed by t5g_free. Each
 * scale is the one of a few candidates with the least squared error.
 */
unsigned char *t5g_quantise_matrix(const struct t5g_mat *m, int dtype, size_t group,
                                   struct t5g_pool *pool, size_t *n);

#endif
