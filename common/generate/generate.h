/* generate.h: turn logits into sequences of ids (greedy). */
#ifndef T5G_GENERATE_H
#define T5G_GENERATE_H

#include "nn/decoder.h"

struct t5g_generate_options {
    size_t max_new_tokens, min_new_tokens;
    bool logprobs; /* fill logprob */
    /*
     * Guess up to so many ids ahead where the last few ids occur in the document or in the sequence
     * itself, and feed them with the next id: what the model would not have chosen is taken back,
     * so the result is the same and comes sooner where much is copied. At most T5G_LOOKUP_MAX.
     */
    size_t lookup;
};

enum { T5G_LOOKUP_MAX = 15 };

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

/* A sequence to be generated. */
struct t5g_job {
    const struct t5g_cross *cross;
    const int32_t *prompt; /* [n_prompt] behind the start token */
    size_t n_prompt;
    const int32_t *source; /* [n_source] ids of the document, for lookup; NULL: none */
    size_t n_source;
    /* Called for each id as it is chosen (NULL allowed). */
    void (*emit)(void *arg, int32_t id, float logprob);
    void *arg;
    struct t5g_sequence out; /* what it held is freed */
    struct t5g_err err;      /* code != 0: failed (65), out has the ids so far */
};

/*
 * Greedy: start token, prompt, then the lowest id of the largest logit until an eos id or
 * max_new_tokens; eos ids are -inf for the first min_new_tokens. All jobs [n], as many at a time as
 * a step of the decoder holds; jobs over one document should stand side by side. A job's result
 * does not depend on the others.
 */
void t5g_generate(struct t5g_generator *g, struct t5g_job *const *jobs, size_t n);

#endif
