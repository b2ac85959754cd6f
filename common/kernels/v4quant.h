/* v4quant.h: products with quantised weights, for the table in v4.c. */
#ifndef T5G_V4QUANT_H
#define T5G_V4QUANT_H

#include "kernels/kernels.h"

/* See rotate, quantize and qgemm of struct t5g_kernels. */
void t5g_v4_rotate(float *y, const float *x, size_t k);
void t5g_v4_quantize(int8_t *q, float *scale, int32_t *sum, const float *x, size_t k, size_t group,
                     size_t piece);
void t5g_v4_qgemm(float *c, size_t ldc, const struct t5g_qacts *a, const struct t5g_qpanel *b,
                  size_t m, size_t cols, bool add);

#endif
