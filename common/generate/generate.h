/* generate.h: turn logits into sequences of ids (greedy). */
#ifndef T5G_GENERATE_H
#define T5G_GENERATE_H

#include "nn/decoder.h"

struct t5g_generate_options {
    size_t max_new_tokens, min_new_tokens;
    bool logprobs; /* fill logprob */
};

enum t5g_finish { T5G_FINISH_EOS, T5G_FINISH_LENGTH };
const char *t5g_finish_name(enum t5g_finish f); /* "eos", "length" */

/* One generated sequence. Zero-initialise; t5g_sequence_free releases. */
struct t5g_sequence {
    int32_t *ids; /* [n] generated ids only: no start token, no prompt; final eos kept */
    /*
     * [n] natural log of the probability of ids[i], NULL unless asked: log_softmax of the logits as
     * the choice saw them, after the processors (an eos forbidden by min_new_tokens counts as 0).
     * Hugging Face: compute_transition_scores(..., normalize_logits=True) on output_scores.
     */
    float *logprob;
    size_t n;
    enum t5g_finish finish;
    double score; /* sum of logprob; 0 unless asked */
};

void t5g_sequence_free(struct t5g_sequence *s);

struct t5g_generator;
struct t5g_generator *t5g_generator_open(struct t5g_decoder *x, const struct t5g_model *m,
                                         const struct t5g_generate_options *o);
void t5g_generator_close(struct t5g_generator *g);

/*
 * Greedy: start token, prompt [n_prompt], then the lowest id of the largest logit until an eos id
 * or max_new_tokens. eos ids are -inf for the first min_new_tokens. emit(arg, id, logprob) is
 * called for each id as it is chosen (NULL allowed); false from it stops with -1 and e (75). What
 * out held is freed; on -1 it has the ids so far.
 */
int t5g_generate(struct t5g_generator *g, const struct t5g_cross *cross, const int32_t *prompt,
                 size_t n_prompt, struct t5g_sequence *out,
                 bool (*emit)(void *arg, int32_t id, float logprob), void *arg, struct t5g_err *e);

#endif
