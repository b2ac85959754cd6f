/* tree_attention.h: attention of the decoder for given ids that branch. */
#ifndef T5G_TREE_ATTENTION_H
#define T5G_TREE_ATTENTION_H

#include "nn/decoder_attention.h"

/*
 * As t5g_prefill_attention, for parts that all have a limb; those over one trunk are side by side.
 * The scratch is that of t5g_prefill_scratch.
 */
void t5g_tree_attention(const struct t5g_exec *x, const struct t5g_merged *a);

#endif
