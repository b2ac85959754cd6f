/* processors.h: changes to the logits of one step before an id is chosen, and what is read off. */
#ifndef T5G_PROCESSORS_H
#define T5G_PROCESSORS_H

#include "generate/generate.h"

/* Some processor but the one of min_new_tokens is asked for, or a draw: all logits are needed. */
bool t5g_processes(const struct t5g_generate_options *o);

/*
 * What HF's processors do to logits [v] (or log-probabilities, of beams) before an id is chosen, in
 * their order: repetition_penalty, no_repeat_ngram_size, min_new_tokens. ids [n]: the sequence so
 * far, start token and prompt included; n_new of them are generated.
 */
void t5g_process(float *logits, size_t v, const struct t5g_generate_options *o,
                 const struct t5g_config *c, const int32_t *ids, size_t n, size_t n_new);

/*
 * temperature, top_k, top_p and min_p, in this order: what is not to be drawn becomes -infinity.
 * Ties at the k-th largest all stay. scratch [v].
 */
void t5g_warp(float *logits, size_t v, const struct t5g_generate_options *o, float *scratch);

/* The id that a number 0 <= u < 1 draws from softmax(logits). */
size_t t5g_draw(const float *logits, size_t v, double u);

/* Number n of the draws of a seed: 0 <= u < 1. */
double t5g_uniform(uint64_t seed, size_t n);

/* Every one of logits [v] is -infinity: nothing can be drawn, and no choice has a probability. */
bool t5g_all_forbidden(const float *logits, size_t v);
#define T5G_ALL_FORBIDDEN "every id is forbidden as token %zu of the answer, so none has a score"

/* Lowest index of the largest of logits [v]. */
size_t t5g_argmax(const float *logits, size_t v);

/* ln of the sum of exp(logits), summed in f64; logits may hold -infinity, not only. */
double t5g_log_sum_exp(const float *logits, size_t v);

/* ln softmax(logits)[id]. */
float t5g_logprob(const float *logits, size_t v, size_t id);

#endif
