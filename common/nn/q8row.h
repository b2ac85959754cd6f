/* q8row.h: a row of numbers as bytes with one scale, rotated: keys, values, encoder outputs. */
#ifndef T5G_Q8ROW_H
#define T5G_Q8ROW_H

#include "kernels/kernels.h"

/*
 * x [n], rotated (kernels/rotate.h), is about q [n] times *scale: q is from -127 to 127, *scale the
 * largest of the rotated row / 127. x is overwritten. If a number is not finite, *scale is NaN and
 * q is 0. Equal bits at every level.
 */
void t5g_q8_row(const struct t5g_kernels *k, int8_t *q, float *scale, float *x, size_t n);

/* x [n] = q [n] times scale, rotated back. */
void t5g_q8_row_back(const struct t5g_kernels *k, float *x, const int8_t *q, float scale, size_t n);

/*
 * Rows of encoder outputs have a scale for every run of T5G_ROTATE elements, the last of which may
 * be shorter: q [n, d], scale [n, t5g_q8_runs(d)], x [n, d]. As above otherwise.
 */
size_t t5g_q8_runs(size_t d);
void t5g_q8_rows(const struct t5g_kernels *k, int8_t *q, float *scale, float *x, size_t n,
                 size_t d);
void t5g_q8_rows_back(const struct t5g_kernels *k, float *x, const int8_t *q, const float *scale,
                      size_t n, size_t d);

#endif
