/*
 * quantizevec.h: rotate.h and quantize.h for levels with vectors.
 *
 * The file that includes this has defined, on W floats `vec` and as many whole numbers `ivec`:
 *
 *   vget(p), vput(p, v)      load and store
 *   vadd, vsub, vmul, vabs   lane by lane
 *   butterfly(v, h)          lane i < W: v[i] + v[i + h] where i has not the bit h, else
 *                            v[i - h] - v[i]
 *   vbits(v)                 the bits of v as whole numbers
 *   imax(a, b), itop(v)      the larger ones; the float that the largest lane has the bits of
 *
 * and round32 and sum_of of quantize.h.
 */
#ifndef T5G_QUANTIZEVEC_H
#define T5G_QUANTIZEVEC_H

#include "kernels/kernels.h"
#include "kernels/rotate.h"

/* y [T5G_ROTATE] = one rotated run. */
TEMPLATE void
rotate_run(float *y, const float *x)
{
    enum { N = T5G_ROTATE / W };
    const vec f = vset(1 / sqrtf((float)T5G_ROTATE));
    vec v[N];
#pragma GCC unroll 32
    for (int i = 0; i < N; i++) {
        v[i] = vget(x + i * W);
#pragma GCC unroll 3
        for (int h = 1; h < W; h *= 2)
            v[i] = butterfly(v[i], h);
    }
#pragma GCC unroll 5
    for (int h = 1; h < N; h *= 2)
#pragma GCC unroll 32
        for (int i = 0; i < N; i++)
            if ((i & h) == 0) {
                vec a = v[i], b = v[i + h];
                v[i] = vadd(a, b);
                v[i + h] = vsub(a, b);
            }
#pragma GCC unroll 32
    for (int i = 0; i < N; i++)
        vput(y + i * W, vmul(v[i], f));
}

/* rotate of struct t5g_kernels. */
static void
rotate(float *y, const float *x, size_t k)
{
    size_t i = 0;
    for (; i + T5G_ROTATE <= k; i += T5G_ROTATE)
        rotate_run(y + i, x + i);
    if (i < k)
        t5g_rotate_row(y + i, x + i, k - i);
}

/* Compared by bits as whole numbers: a NaN is larger than any number. */
TEMPLATE float
largest(const float *x, size_t n)
{
    ivec top = vbits(vset(0));
    for (size_t i = 0; i < n; i += W)
        top = imax(top, vbits(vabs(vget(x + i))));
    return itop(top);
}

#include "kernels/quantize.h"

#endif
