/* head_panels.h: the head of the decoder for many given rows: log-probabilities of given ids. */
#ifndef T5G_HEAD_PANELS_H
#define T5G_HEAD_PANELS_H

#include "model/model.h"
#include "nn/decoder.h"
#include "nn/exec.h"

struct t5g_head_panels;
struct t5g_head_panels *t5g_head_panels_open(const struct t5g_model *m);
void t5g_head_panels_close(struct t5g_head_panels *h);

/*
 * As t5g_decoder_logprobs; y [n, d]: rows. The worker's scratch is that of t5g_linear_panels. No
 * allocation.
 */
void t5g_head_panels_run(struct t5g_head_panels *h, const struct t5g_exec *x, const float *y,
                         size_t n, struct t5g_wanted *wanted, size_t n_wanted, bool *bad);

#endif
