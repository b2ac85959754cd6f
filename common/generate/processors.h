/* processors.h: changes to the scores of one step before an id is chosen. */
#ifndef T5G_PROCESSORS_H
#define T5G_PROCESSORS_H

#include "generate/generate.h"

/* What processors know about a sequence. */
struct t5g_history {
    const struct t5g_config *c;
    const struct t5g_generate_options *o;
    const int32_t *ids;    /* [n] start token, prompt and chosen ids */
    size_t n, n_new;       /* n_new of them are chosen */
    const int32_t *source; /* [n_source] ids of the document; some may be outside the vocabulary */
    size_t n_source;
    size_t min_new, max_new; /* of the job */
    const int32_t *earlier;  /* [n_earlier] ids that other groups of beams chose in this step */
    size_t n_earlier;
};

/*
 * Whether the options have a processor for which the scores of all ids are needed: any other than
 * those that forbid eos ids for a while, which a step of the decoder can do alone.
 */
bool t5g_processes(const struct t5g_generate_options *o);

/* Apply the processors that are asked for to logits [v] (with beams, log-probabilities), in the
 * order of Hugging Face's. */
void t5g_process(float *logits, size_t v, const struct t5g_history *h);

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
