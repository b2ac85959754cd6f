/* choice.h: a sequence's state for its next choice, and the choice itself. */
#ifndef T5G_CHOICE_H
#define T5G_CHOICE_H

#include "base/mem.h"
#include "generate/constraint.h"
#include "generate/generate.h"

/*
 * One sequence: all that processors need to know about it, so that a forking beam copies its state
 * with one call. Zero-initialise; freed by t5g_choice_free.
 */
struct t5g_choice {
    struct t5g_buf ids; /* int32_t: start token, prompt and chosen ids */
    size_t n_new;       /* number of chosen ids */
    const struct t5g_job *job;
    struct t5g_stopping text; /* of the chosen ids, if there are stop texts */
    const char *stop;         /* the one that is complete; NULL: none */
    struct t5g_place at;      /* in the constraint */
};

/* How the sequences of a run choose. */
struct t5g_chooser {
    const struct t5g_config *c;
    const struct t5g_generate_options *o;
    float *scratch;         /* [2 v], for draws; NULL if there are none */
    const int32_t *earlier; /* [n_earlier] ids that other groups of beams chose in this step */
    size_t n_earlier;
};

/* The job's sequence, which begins with ids [n]: start token and prompt. job must outlive it. */
void t5g_choice_start(struct t5g_choice *s, const int32_t *ids, size_t n,
                      const struct t5g_job *job);
void t5g_choice_copy(struct t5g_choice *to, const struct t5g_choice *from);
/* Add a chosen id. */
void t5g_choice_add(const struct t5g_chooser *x, struct t5g_choice *s, int32_t id);
/* The stop text that an id would complete, or NULL. */
const char *t5g_choice_stop(const struct t5g_chooser *x, const struct t5g_choice *s, int32_t id);
void t5g_choice_free(struct t5g_choice *s);

/* The chosen ids [n_new]; they belong to the sequence. */
const int32_t *t5g_choice_new(const struct t5g_choice *s);

/* Apply the processors to logits [v], or log-probabilities, of the next id. */
void t5g_choice_process(const struct t5g_chooser *x, struct t5g_choice *s, float *logits);

/* The ids that the constraint allows next, valid until t5g_constraint_tidy; NULL: there is none. */
const struct t5g_allowed *t5g_choice_allowed(const struct t5g_chooser *x, struct t5g_choice *s);

/*
 * Choose the next id from logits [v], which change, and add it: the lowest id of the largest logit,
 * or a draw, which depends only on the job's seed and n_new. *logprob: natural log of its
 * probability if requested by the options, else 0. -1 with e (65) if every id is forbidden and
 * there is a constraint, or a probability or a draw is needed; otherwise id 0 is chosen then, as in
 * transformers.
 */
int t5g_choice_take(const struct t5g_chooser *x, struct t5g_choice *s, float *logits, int32_t *id,
                    float *logprob, struct t5g_err *e);

#endif
