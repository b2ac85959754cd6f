/* v3quant.h: products with quantised weights, for the table in v3.c. */
#ifndef T5G_V3QUANT_H
#define T5G_V3QUANT_H

#include "kernels/kernels.h"

/* See quantize and qgemm of struct t5g_kernels. */
void t5g_v3_quantize(int8_t *q, float *scale, int32_t *sum, const float *x, size_t k, size_t group,
                     size_t piece);
void t5g_v3_rotate(float *y, const float *x, size_t k);
void t5g_v3_qgemm(float *c, size_t ldc, const struct t5g_qacts *a, const struct t5g_qpanel *b,
                  size_t m, size_t cols, bool add);

#endif
