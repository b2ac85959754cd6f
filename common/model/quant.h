/* quant.h: matrices to quantised ones. */
#ifndef T5G_QUANT_H
#define T5G_QUANT_H

#include "base/mem.h"
#include "base/threads.h"
#include "model/gptq.h"
#include "model/matrix.h"

/*
 * m (not quantised), rotated, as panels of a quantised dtype with scales (and zeros) every `group`
 * elements, 32, 64 or 128: [*n] bytes as t5g_quant_sizes says, freed by t5g_free. Of a few scales
 * each group takes the one whose rounded weights have the least squared error. With a factor, that
 * of the matrix's inputs, errors are compensated: gptq.h.
 */
unsigned char *t5g_quantise_matrix(const struct t5g_mat *m, int dtype, size_t group,
                                   const struct t5g_factor *factor, struct t5g_pool *pool,
                                   size_t *n);

#endif
