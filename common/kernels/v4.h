/* v4.h: what x86-64-v4 with VNNI does better than v3. */
#ifndef T5G_V4_H
#define T5G_V4_H

#include "kernels/kernels.h"

/* Replace functions of a table that has those of v3. */
void t5g_v4_fill(struct t5g_kernels *k);

#endif
