/* processors.h: changes to the logits of one step before an id is chosen, and draws from them. */
#ifndef T5G_PROCESSORS_H
#define T5G_PROCESSORS_H

#include "generate/generate.h"

/* Whether all logits are needed: for draws, or a processor other than that of min_new_tokens. */
bool t5g_processes(const struct t5g_generate_options *o);

/*
 * Apply HF's processors to logits [v] (with beams, log-probabilities) in their order:
 * repetition_penalty, no_repeat_ngram_size, min_new_tokens. ids [n]: the sequence so far, start
 * token and prompt included; n_new of them are generated.
 */
void t5g_process(float *logits, size_t v, const struct t5g_generate_options *o,
                 const struct t5g_config *c, const int32_t *ids, size_t n, size_t n_new);

/*
 * Apply temperature, top_k, top_p and min_p, in this order: logits of excluded ids become
 * -infinity. Of ties at the k-th largest, all stay. scratch [v].
 */
void t5g_warp(float *logits, size_t v, const struct t5g_generate_options *o, float *scratch);

/* The id drawn from softmax(logits) by a number 0 <= u < 1. */
size_t t5g_draw(const float *logits, size_t v, double u);

/* The n-th number 0 <= u < 1 of a seed. */
double t5g_uniform(uint64_t seed, size_t n);

/* Whether all logits [v] are -infinity: nothing can be drawn, and no choice has a probability. */
bool t5g_all_forbidden(const float *logits, size_t v);
#define T5G_ALL_FORBIDDEN "every id is forbidden as token %zu of the answer, so none has a score"

/* Lowest index of the largest of logits [v]. */
size_t t5g_argmax(const float *logits, size_t v);

/* ln of the sum of exp(logits), summed in f64; logits may hold -infinity, but not only. */
double t5g_log_sum_exp(const float *logits, size_t v);

/* ln softmax(logits)[id]. */
float t5g_logprob(const float *logits, size_t v, size_t id);

#endif
