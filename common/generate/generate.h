/* generate.h: turn logits into sequences of ids: greedy, by beams, by sampling. */
#ifndef T5G_GENERATE_H
#define T5G_GENERATE_H

#include "generate/bias.h"
#include "generate/sequence.h"
#include "generate/stops.h"
#include "nn/decoder.h"
#include "text/ids.h"

enum t5g_early { T5G_EARLY_FALSE, T5G_EARLY_TRUE, T5G_EARLY_NEVER };

/*
 * Names and meanings as in Hugging Face's GenerationConfig. All zeros but max_new_tokens is plain
 * greedy: 0 means no penalty, no limit and one beam.
 */
struct t5g_generate_options {
    size_t max_new_tokens, min_new_tokens;
    bool logprobs; /* fill logprob */

    size_t num_beams, num_return; /* beams: num_return <= num_beams, at most T5G_BEAMS_MAX */
    double length_penalty;        /* sums of beams are divided by length ^ this */
    enum t5g_early early_stopping;
    /* Diverse beams: groups of num_beams / num_beam_groups, each of which avoids the ids that those
     * before it choose in the same step. At most one group: plain beams. */
    size_t num_beam_groups;
    double diversity_penalty;

    /* Of the start token, the prompt and the new ids together; 0: not limited. */
    size_t max_length, min_length;

    double repetition_penalty;         /* > 0; for ids in the sequence, prompt and start included */
    size_t no_repeat_ngram;            /* no run of n ids occurs twice */
    double encoder_repetition_penalty; /* > 0; ids of the document become likelier above 1 */
    size_t encoder_no_repeat_ngram;    /* no run of n ids of the document occurs */
    struct t5g_bias *sequence_bias;    /* NULL: none; belongs to these options */
    struct t5g_bias *bad_words;        /* NULL: none; with -infinity */
    struct t5g_ids forced_bos;         /* the first id, if there is no prompt; at most one */
    struct t5g_ids forced_eos;         /* the last id, at the limit, is one of these */
    struct t5g_ids suppress;           /* never chosen */
    struct t5g_ids begin_suppress;     /* never chosen as the first */
    size_t decay_start;                /* eos ids become likelier after this many new ids, */
    double decay_factor;               /* by a factor to the power of those since; 0, 1: not */

    struct t5g_stops *stops; /* NULL: none; belongs to these options */

    bool sample;
    uint64_t seed; /* of the run; a sequence draws with its job's seed */
    double temperature, top_p, min_p, typical_p, epsilon_cutoff, eta_cutoff;
    size_t top_k;

    /*
     * Guess up to this many ids ahead if the last few ids occur in the document or in the sequence
     * itself, and feed them with the next id. Ids that the model would not have chosen are removed,
     * so the result is the same, and faster if much is copied. At most T5G_LOOKUP_MAX.
     */
    size_t lookup;

    struct t5g_constraint *constraint; /* generate/constraint.h; NULL: none */
};

/* Hugging Face's defaults, except for the length. */
extern const struct t5g_generate_options t5g_generate_defaults;

/* Free what belongs to the options. */
void t5g_generate_options_free(struct t5g_generate_options *o);

/* Whether ids of the document are needed: a processor's, not those that lookup guesses from. */
bool t5g_generate_needs_source(const struct t5g_generate_options *o);

/* -1 with e (64), naming options of t5g-decode(1), if some exclude each other or have no effect. */
int t5g_generate_check(const struct t5g_generate_options *o, struct t5g_err *e);

enum { T5G_LOOKUP_MAX = 15, T5G_BEAMS_MAX = 32 };

struct t5g_generator;
struct t5g_generator *t5g_generator_open(struct t5g_decoder *x, const struct t5g_model *m,
                                         const struct t5g_generate_options *o);
void t5g_generator_close(struct t5g_generator *g);

/* A sequence to be generated. */
struct t5g_job {
    const struct t5g_cross *cross;
    const int32_t *prompt; /* [n_prompt] after the start token */
    size_t n_prompt;
    const int32_t *source; /* [n_source] ids of the document; NULL: none */
    size_t n_source;
    /*
     * NULL, or called with the ids [n] that follow those given before, as soon as nothing can
     * change them, and their log-probabilities, NULL if not requested. done: the result, with the
     * last ids; NULL before.
     */
    void (*emit)(void *arg, const int32_t *ids, const float *logprob, size_t n,
                 const struct t5g_sequence *done);
    void *arg;
    uint64_t seed;           /* for its draws */
    size_t min_new, max_new; /* t5g_generate sets them, from the options and n_prompt */
    struct t5g_sequence out; /* its former contents are freed */
    struct t5g_sequence
        *more;          /* [num_return - 1] with beams: those after the best; else not used */
    struct t5g_err err; /* code != 0: failed (65), out has the ids so far */
};

/*
 * Start token, prompt, then the lowest id of the largest logit, or a draw, until an eos id, a stop
 * text or max_new_tokens; eos ids are -inf for the first min_new_tokens. With num_beams > 1, beam
 * search. Runs all jobs [n], as many at a time as fit a decoder step; jobs over one document should
 * be adjacent. A job's result does not depend on the others. Draws depend only on seed and
 * position.
 */
void t5g_generate(struct t5g_generator *g, struct t5g_job *const *jobs, size_t n);

#endif
