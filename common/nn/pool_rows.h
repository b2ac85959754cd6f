/* pool_rows.h: one vector from all rows of an encoder output. */
#ifndef T5G_POOL_ROWS_H
#define T5G_POOL_ROWS_H

#include "base/base.h"

enum t5g_pooling { T5G_POOL_NONE, T5G_POOL_MEAN, T5G_POOL_MAX, T5G_POOL_FIRST };

/* rows [n, d], n > 0: row 0 becomes the mean (summed in f64), the largest value, or stays the
 * first. */
void t5g_pool_rows(float *rows, size_t n, size_t d, enum t5g_pooling how);

#endif
