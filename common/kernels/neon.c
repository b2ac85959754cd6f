/* neon.c: kernels for aarch64: 32 registers of 4 floats. Functions on panels are in other files. */
#if !defined(__aarch64__)
#error "for aarch64"
#endif

#include "kernels/levels.h"
#include "kernels/neonmath.h"
#include "kernels/norms.h"

enum { DOT_N = 4, DOT_FEW = 0 }; /* see rows.h */

#include "kernels/fillelements.h"
#include "kernels/rows8.h"
#include "kernels/rows.h"

void
t5g_neon_fill(struct t5g_kernels *k)
{
    k->dot = dot;
    k->mix = mix;
    fill_elements(k);
}
