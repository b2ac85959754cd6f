/* levels.h: what each kernel level puts into the table, for kernels.c. */
#ifndef T5G_LEVELS_H
#define T5G_LEVELS_H

#include "kernels/kernels.h"

/* Set the functions that the level has; v4 leaves those of v3 that it has nothing better for. */
void t5g_ref_fill(struct t5g_kernels *k);
void t5g_v3_fill(struct t5g_kernels *k);   /* x86-64: AVX2, FMA, F16C */
void t5g_v4_fill(struct t5g_kernels *k);   /* x86-64: AVX-512 F, BW, VL, DQ, VNNI */
void t5g_neon_fill(struct t5g_kernels *k); /* aarch64 */

#endif
