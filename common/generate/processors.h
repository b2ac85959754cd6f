/* processors.h: changes to the logits of one step before an id is chosen, and what is read off. */
#ifndef T5G_PROCESSORS_H
#define T5G_PROCESSORS_H

#include "model/config.h"

/* logits [v]: the eos ids of c become -infinity. For the first min_new_tokens steps. */
void t5g_process_no_eos(float *logits, size_t v, const struct t5g_config *c);

/* Lowest index of the largest of logits [v]. */
size_t t5g_argmax(const float *logits, size_t v);

/* ln softmax(logits)[id], summed in f64; logits may hold -infinity, not only. */
float t5g_logprob(const float *logits, size_t v, size_t id);

#endif
