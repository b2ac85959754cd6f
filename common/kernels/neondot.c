/*
 * neondot.c: qgemm with the dot product instructions of ARMv8.2: one takes 4 k of 4 columns. It has
 * a file and flags of its own since it runs only on CPUs that have them.
 */
#if !defined(__ARM_FEATURE_DOTPROD)
#error "compile with -march=armv8.2-a+dotprod"
#endif

#include "kernels/levels.h"
#include "kernels/neonmath.h"

enum { ROWS = 4, SUMS = 4 }; /* 16 sums, 8 of the panel, 1 of the activations */

TEMPLATE void
step(const int R, int32x4_t t[ROWS][SUMS], const int8_t *q, size_t ldq, const int8x16_t w[4],
     const int8x16_t v[4])
{
#pragma GCC unroll 4
    for (int i = 0; i < R; i++) {
        int8x8_t x = vld1_s8(q + (size_t)i * ldq);
#pragma GCC unroll 4
        for (int j = 0; j < 4; j++)
            t[i][j] = vdotq_lane_s32(vdotq_lane_s32(t[i][j], w[j], x, 0), v[j], x, 1);
    }
}

TEMPLATE void
columns(int32x4_t out[4], const int32x4_t t[SUMS])
{
#pragma GCC unroll 4
    for (int j = 0; j < 4; j++)
        out[j] = t[j];
}

#include "kernels/neonqtile.h"

void
t5g_neon_fill_dot(struct t5g_kernels *k)
{
    k->qgemm = qgemm;
}
