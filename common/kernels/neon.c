/* neon.c: kernels for aarch64: 32 registers of 4 floats. Functions on panels are in other files. */
#if !defined(__aarch64__)
#error "for aarch64"
#endif

#include "kernels/neon.h"
#include "kernels/levels.h"
#include "kernels/neonmath.h"
#include "kernels/norms.h"

enum { DOT_N = 4, DOT_FEW = 0 }; /* see rows.h */

#include "kernels/rows8.h"
#include "kernels/rows.h"

void
t5g_neon_fill(struct t5g_kernels *k)
{
    k->to_panel = t5g_neon_to_panel;
    k->gemm = t5g_neon_gemm;
    k->dot = dot;
    k->mix = mix;
    k->rotate = t5g_neon_rotate;
    k->quantize = t5g_neon_quantize;
    k->qgemm = t5g_neon_qgemm;
    k->softmax = softmax;
    k->bounds = bounds;
    k->rms = rms;
    k->rms_add = rms_add;
    k->layer_norm = layer_norm;
    k->rope = rope;
    k->geglu = geglu;
    k->gelu = gelu;
    k->softcap = softcap;
    k->scale = scale_by;
}
