/*
 * rotate.h: rotation of rows in front of quantised products.
 *
 * A row is cut into runs, of T5G_ROTATE elements and, at its end, of the powers of two that the
 * rest is a sum of, largest first. A run x [n] becomes H x / sqrt(n), where H [n, n] is the
 * Hadamard matrix in Sylvester's order. H / sqrt(n) is orthogonal and its own inverse: the product
 * of two rotated rows is that of the rows, and rotating twice gives the row back. It spreads an
 * outlier over its run, which is what makes 8 bits enough.
 *
 * Stages go from neighbours to halves; every element is one sum or difference a stage and one
 * product at the end: equal bits at every level.
 */
#ifndef T5G_ROTATE_H
#define T5G_ROTATE_H

#include "base/base.h"

#include <math.h>
#include <string.h>

enum { T5G_ROTATE = 128 }; /* elements of a run, the last ones excepted */

/* Length of the run at the start of `left` > 0 elements. */
static inline size_t
t5g_rotate_run(size_t left)
{
    size_t n = T5G_ROTATE;
    while (n > left)
        n /= 2;
    return n;
}

/* One run x [n] in place, n a power of two. */
static inline void
t5g_rotate_one(float *x, size_t n)
{
    for (size_t h = 1; h < n; h *= 2)
        for (size_t i = 0; i < n; i += 2 * h)
            for (size_t j = i; j < i + h; j++) {
                float a = x[j], b = x[j + h];
                x[j] = a + b;
                x[j + h] = a - b;
            }
    float f = 1 / sqrtf((float)n);
    for (size_t i = 0; i < n; i++)
        x[i] *= f;
}

/* y [k] = the rotated x [k]; y may be x. */
static inline void
t5g_rotate_row(float *y, const float *x, size_t k)
{
    if (y != x)
        memcpy(y, x, k * sizeof *y);
    for (size_t i = 0, n; i < k; i += n) {
        n = t5g_rotate_run(k - i);
        t5g_rotate_one(y + i, n);
    }
}

#endif
