/* prefill_attention.h: attention of the decoder for many rows of given ids. */
#ifndef T5G_PREFILL_ATTENTION_H
#define T5G_PREFILL_ATTENTION_H

#include "nn/decoder_attention.h"

/* Floats a worker needs. */
size_t t5g_prefill_scratch(const struct t5g_stack_config *c);

/*
 * As t5g_merged_run, for up to T5G_ROW_BLOCK rows and in another order of sums: a row's result
 * depends neither on threads nor on the rows beside it, but it is not that of t5g_merged_run.
 */
void t5g_prefill_attention(const struct t5g_exec *x, const struct t5g_merged *a);

#endif
