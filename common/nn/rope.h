/* rope.h: angles of the rotary embedding. */
#ifndef T5G_ROPE_H
#define T5G_ROPE_H

#include "model/config.h"
#include "nn/exec.h"

/* The two kinds of layer. */
enum { T5G_LOCAL, T5G_FULL, T5G_KINDS };

/* freq [dh/2] = theta^(-2i/dh) / factor. */
void t5g_rope_freq(float *freq, const struct t5g_rope_config *c, size_t dh);

/* cos, sin [n, half] of the angles at positions pos..pos+n, over the pool. */
void t5g_rope_table(const struct t5g_exec *x, float *cos, float *sin, const float *freq,
                    size_t half, size_t pos, size_t n);

#endif
