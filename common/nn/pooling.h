/* pooling.h: fewer rows from the rows of an encoder: one for a document, or one for each group. */
#ifndef T5G_POOLING_H
#define T5G_POOLING_H

#include "base/base.h"

enum t5g_pooling { T5G_POOL_NONE, T5G_POOL_MEAN, T5G_POOL_MAX, T5G_POOL_FIRST, T5G_POOL_LAST };

/* "mean", "max", "first", "last"; "" of NONE. */
const char *t5g_pooling_name(enum t5g_pooling how);

/* rows [n, d], n > 0: row 0 becomes the mean (summed in f64), the largest value of each column, or
 * a copy of the first or last row. */
void t5g_pool_rows(float *rows, size_t n, size_t d, enum t5g_pooling how);

/*
 * rows [n, d] become the means of runs of `group` > 0 rows, the last run of what is left: [m, d] in
 * place; returns m. Rows are added in their order, in f32, so the bits are the same everywhere.
 */
size_t t5g_group_rows(float *rows, size_t n, size_t d, size_t group);

/* x [d] divided by its L2 norm (summed in f64); by 1e-12 if the norm is less, as torch does. */
void t5g_normalize(float *x, size_t d);

#endif
