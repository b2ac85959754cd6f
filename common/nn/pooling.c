/* pooling.c: fewer rows from the rows of an encoder. */
#include "nn/pooling.h"

#include <math.h>
#include <string.h>

const char *
t5g_pooling_name(enum t5g_pooling how)
{
    static const char *const names[] = {"", "mean", "max", "first", "last"};
    return names[how];
}

void
t5g_pool_rows(float *rows, size_t n, size_t d, enum t5g_pooling how)
{
    if (how == T5G_POOL_LAST)
        memmove(rows, rows + (n - 1) * d, d * sizeof *rows);
    for (size_t j = 0; j < d && (how == T5G_POOL_MEAN || how == T5G_POOL_MAX); j++) {
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

size_t
t5g_group_rows(float *rows, size_t n, size_t d, size_t group)
{
    size_t m = 0;
    for (size_t r = 0, run; r < n; r += run, m++) {
        float *to = rows + m * d;
        const float *from = rows + r * d;
        run = t5g_min(group, n - r);
        memmove(to, from, d * sizeof *to);
        for (size_t i = 1; i < run; i++)
            for (size_t j = 0; j < d; j++)
                to[j] += from[i * d + j];
        for (size_t j = 0; j < d; j++)
            to[j] /= (float)run;
    }
    return m;
}

void
t5g_normalize(float *x, size_t d)
{
    double sum = 0;
    for (size_t j = 0; j < d; j++)
        sum += (double)x[j] * (double)x[j];
    double norm = fmax(sqrt(sum), 1e-12);
    for (size_t j = 0; j < d; j++)
        x[j] = (float)((double)x[j] / norm);
}
