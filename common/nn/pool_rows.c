/* pool_rows.c: one vector from all rows of an encoder output. */
#include "nn/pool_rows.h"

void
t5g_pool_rows(float *rows, size_t n, size_t d, enum t5g_pooling how)
{
    for (size_t j = 0; j < d && how != T5G_POOL_NONE && how != T5G_POOL_FIRST; j++) {
        double sum = 0;
        float max = rows[j];
        for (size_t i = 0; i < n; i++) {
            float v = rows[i * d + j];
            sum += (double)v;
            max = v > max ? v : max;
        }
        rows[j] = how == T5G_POOL_MEAN ? (float)(sum / (double)n) : max;
    }
}
