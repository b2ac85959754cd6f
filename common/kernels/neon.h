/* neon.h: functions of struct t5g_kernels for the table in neon.c. */
#ifndef T5G_NEON_H
#define T5G_NEON_H

#include "kernels/kernels.h"

void t5g_neon_to_panel(float *panel, const void *w, size_t ldw, int dtype, size_t rows, size_t k);
void t5g_neon_gemm(float *c, size_t ldc, const float *a, size_t lda, const float *panel,
                   size_t next, size_t m, size_t k, size_t cols, bool add);
void t5g_neon_quantize(int8_t *q, float *scale, int32_t *sum, const float *x, size_t k,
                       size_t group, size_t piece);
void t5g_neon_rotate(float *y, const float *x, size_t k);
void t5g_neon_qgemm(float *c, size_t ldc, const struct t5g_qacts *a, const struct t5g_qpanel *b,
                    size_t m, size_t cols, bool add);

/* qgemm for CPUs with the dot product instructions. */
void t5g_neon_qgemm_dot(float *c, size_t ldc, const struct t5g_qacts *a, const struct t5g_qpanel *b,
                        size_t m, size_t cols, bool add);

#endif
