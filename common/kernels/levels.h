/* levels.h: the functions that fill a level's table, for kernels.c. */
#ifndef T5G_LEVELS_H
#define T5G_LEVELS_H

#include "kernels/kernels.h"

/*
 * Each sets the functions of one file. kernels.c calls those of a level in order; a later one
 * replaces what an earlier one has set. _quantised: rotate, quantize and qgemm.
 */
void t5g_ref_fill(struct t5g_kernels *k); /* everything */
void t5g_v3_fill(struct t5g_kernels *k);  /* x86-64: AVX2, FMA, F16C */
void t5g_v3_fill_quantised(struct t5g_kernels *k);
void t5g_v4_fill(struct t5g_kernels *k); /* AVX-512 F, BW, VL, DQ, VNNI; the rest is v3's */
void t5g_v4_fill_quantised(struct t5g_kernels *k);
void t5g_neon_fill(struct t5g_kernels *k); /* aarch64 */
void t5g_neon_fill_panels(struct t5g_kernels *k);
void t5g_neon_fill_quantised(struct t5g_kernels *k);
void t5g_neon_fill_dot(struct t5g_kernels *k); /* qgemm with the dot product instructions */

/* Set the products in bf16. */
void t5g_ref_fill_bf16(struct t5g_kernels *k);
void t5g_v4_fill_bf16(struct t5g_kernels *k);   /* AVX512_BF16 */
void t5g_neon_fill_bf16(struct t5g_kernels *k); /* BF16 */

#endif
