/* panels.h: the geometry of packed panels, for all levels. */
#ifndef T5G_PANELS_H
#define T5G_PANELS_H

#include "base/base.h"
#include "kernels/kernels.h"

#include <string.h>

enum {
    T5G_KC = 320,      /* panel rows at a time: 20 KB, stays in the first-level cache */
    T5G_BF16_KC = 640, /* likewise in bf16 */
};

/* The stored value that means 0. It is subtracted by way of the sum of activations. */
static inline int32_t
t5g_qpanel_zero(int bits)
{
    return bits == 8 ? 64 : 8;
}

/* Bytes that a quantised panel takes for each k. */
static inline size_t
t5g_qpanel_bytes(int bits)
{
    return bits == 8 ? T5G_PANEL : T5G_PANEL / 2;
}

/* ---- products over many panels, for levels whose kernels take one at a time ---- */

typedef void t5g_gemm_panel(float *c, size_t ldc, const float *a, size_t lda, const float *panel,
                            size_t m, size_t k, size_t cols, bool add);
typedef void t5g_qgemm_panel(float *c, size_t ldc, const struct t5g_qacts *a,
                             const struct t5g_qpanel *b, size_t m, size_t cols, bool add);

/* gemm of struct t5g_kernels by calls of `one` with cols 1 to 16. */
static inline void
t5g_gemm_by_panel(t5g_gemm_panel *one, float *c, size_t ldc, const float *a, size_t lda,
                  const float *panel, size_t next, size_t m, size_t k, size_t cols, bool add)
{
    for (size_t j = 0; j < cols; j += T5G_PANEL, panel += next)
        one(c + j, ldc, a, lda, panel, m, k, t5g_min(T5G_PANEL, cols - j), add);
}

/* qgemm likewise. */
static inline void
t5g_qgemm_by_panel(t5g_qgemm_panel *one, float *c, size_t ldc, const struct t5g_qacts *a,
                   const struct t5g_qpanel *b, size_t m, size_t cols, bool add)
{
    struct t5g_qpanel at = *b;
    for (size_t j = 0; j < cols; j += T5G_PANEL) {
        one(c + j, ldc, a, &at, m, t5g_min(T5G_PANEL, cols - j), add);
        at.w += b->next_w;
        at.scale += b->next_scale;
    }
}

#endif
