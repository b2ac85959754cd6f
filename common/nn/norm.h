/* norm.h: RMSNorm and layer normalisation over rows of activations. */
#ifndef T5G_NORM_H
#define T5G_NORM_H

#include "nn/exec.h"

/* y[i] = rms(in[i]) * w for i < n; rows of d, strides ldy, ldx; w [d] is 1 + gain; y may be in. */
void t5g_norm_rows(const struct t5g_exec *x, float *y, size_t ldy, const float *in, size_t ldx,
                   const float *w, size_t n, size_t d, float eps);

/* y[i] += rms(in[i]) * w: the residual connection after a norm. */
void t5g_norm_add_rows(const struct t5g_exec *x, float *y, size_t ldy, const float *in, size_t ldx,
                       const float *w, size_t n, size_t d, float eps);

/* y[i] = layer_norm(in[i]) with w, b [d] (kernels.h); y may be in. */
void t5g_layer_norm_rows(const struct t5g_exec *x, float *y, size_t ldy, const float *in,
                         size_t ldx, const float *w, const float *b, size_t n, size_t d, float eps);

#endif
