/* levels.h: the functions that fill a level's table, for kernels.c. */
#ifndef T5G_LEVELS_H
#define T5G_LEVELS_H

#include "kernels/kernels.h"

/* Set the level's functions; v4 is called after v3 and keeps the functions that it does not
 * replace. */
void t5g_ref_fill(struct t5g_kernels *k);
void t5g_v3_fill(struct t5g_kernels *k);   /* x86-64: AVX2, FMA, F16C */
void t5g_v4_fill(struct t5g_kernels *k);   /* x86-64: AVX-512 F, BW, VL, DQ, VNNI */
void t5g_neon_fill(struct t5g_kernels *k); /* aarch64 */

/* Set the products in bf16. */
void t5g_ref_fill_bf16(struct t5g_kernels *k);
void t5g_v4_fill_bf16(struct t5g_kernels *k);   /* AVX512_BF16 */
void t5g_neon_fill_bf16(struct t5g_kernels *k); /* BF16 */

#endif
