/* score.h: log-probabilities of given targets after a prompt. */
#ifndef T5G_SCORE_H
#define T5G_SCORE_H

#include "generate/targets.h"
#include "nn/decoder.h"

struct t5g_scorer;
struct t5g_scorer *t5g_scorer_open(struct t5g_decoder *x, const struct t5g_config *c);
void t5g_scorer_close(struct t5g_scorer *s);

/* One prompt over one document, and the targets that may follow. */
struct t5g_score_job {
    const struct t5g_cross *cross;
    const int32_t *prompt; /* [n_prompt] after the start token */
    size_t n_prompt;
    const struct t5g_targets *targets;
    /*
     * Out [targets->n_nodes]: for every node but 0 the natural log of the probability of its id
     * after start token, prompt and the ids before it: log_softmax of the logits. No processor acts
     * on it. By the caller.
     */
    float *logprob;
    struct t5g_err err; /* code != 0: failed (65) */
};

/*
 * Score all jobs [n]. Every id is computed in the panel role, and once for all targets that begin
 * with it and what precedes it; prompts, branches and rows of the head of several jobs share steps.
 * A node's result has the same bits in every tree and beside any jobs.
 */
void t5g_score(struct t5g_scorer *s, struct t5g_score_job *const *jobs, size_t n);

#endif
