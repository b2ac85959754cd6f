/* choice.h: what a sequence remembers for its next choice, and the choice itself. */
#ifndef T5G_CHOICE_H
#define T5G_CHOICE_H

#include "base/mem.h"
#include "generate/generate.h"

/*
 * One sequence. Whatever a processor needs to know of it is here, so that a beam that divides
 * copies its state with one call. Zero-initialise; t5g_choice_free releases.
 */
struct t5g_choice {
    struct t5g_buf ids; /* int32_t: start token, prompt, and what was chosen */
    size_t n_new;       /* of those chosen */
    uint64_t seed;      /* of its draws */
};

/* How the sequences of a run choose. */
struct t5g_chooser {
    const struct t5g_config *c;
    const struct t5g_generate_options *o;
    float *scratch; /* [v], for draws; NULL where there are none */
};

/* A sequence that begins with ids [n]: start token and prompt. */
void t5g_choice_start(struct t5g_choice *s, const int32_t *ids, size_t n, uint64_t seed);
void t5g_choice_copy(struct t5g_choice *to, const struct t5g_choice *from);
void t5g_choice_add(struct t5g_choice *s, int32_t id); /* it was chosen */
void t5g_choice_free(struct t5g_choice *s);

/* What was chosen: [n_new], the sequence's own. */
const int32_t *t5g_choice_new(const struct t5g_choice *s);

/* logits [v], or log-probabilities, of the next id as the choice sees them: after the processors.
 */
void t5g_choice_process(const struct t5g_chooser *x, const struct t5g_choice *s, float *logits);

/*
 * Choose the next id from logits [v], which change, and add it: the lowest of the largest, or a
 * draw, which is a function of the seed and of n_new. *logprob: natural log of its probability
 * where the options ask for it, else 0. -1 with e (65) where every id is forbidden and a
 * probability or a draw is needed; without, id 0 is chosen, as transformers does.
 */
int t5g_choice_take(const struct t5g_chooser *x, struct t5g_choice *s, float *logits, int32_t *id,
                    float *logprob, struct t5g_err *e);

#endif
