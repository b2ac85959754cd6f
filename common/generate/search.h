/* search.h: a beam search at work: what its rules in beam.c and diverse.c share. */
#ifndef T5G_SEARCH_H
#define T5G_SEARCH_H

#include "generate/choice.h"
#include "generate/emitter.h"

/* A sequence of a search. Zero-initialise. */
struct t5g_hypothesis {
    struct t5g_choice choice; /* n_new ids are its own */
    float *logprob;           /* [cap_logprob] */
    size_t cap_logprob;
    float sum;
    double score; /* of a finished one: sum / length ^ length_penalty */
    enum t5g_finish finish;
    const char *stop;
};

/* A hypothesis and an id that may continue it. */
struct t5g_candidate {
    float sum, logprob;
    size_t beam;
    int32_t id;
    bool ends;
    enum t5g_finish finish; /* if it ends */
    const char *stop;       /* T5G_FINISH_STOP: its text */
    double rank; /* what they are ordered by: the sum, or with --sample the order of the draws */
};

/* Beams that compete with each other: all of them, or one of the groups of diverse beams. */
struct t5g_group {
    size_t first;                /* its beams are run[first] to run[first + size - 1] */
    size_t n_run;                /* those that run */
    struct t5g_hypothesis *pool; /* [size + 1] finished ones, and a place for another */
    size_t n_pool;
    bool open; /* may still improve */
};

struct t5g_search {
    struct t5g_job *job; /* NULL: free */
    struct t5g_kvcache *kv[T5G_BEAMS_MAX];
    struct t5g_hypothesis run[T5G_BEAMS_MAX], next[T5G_BEAMS_MAX], pool[2 * T5G_BEAMS_MAX];
    struct t5g_group groups[T5G_BEAMS_MAX];
    int32_t *feed; /* [n_feed] start token and prompt */
    size_t n_feed, fed;
    bool begun; /* a first id is chosen */
    struct t5g_emitter emitter;
    float *logits; /* [num_beams, v] */
};

enum { T5G_CANDIDATES_MAX = 1024 };

/* What all searches share. */
struct t5g_rules {
    const struct t5g_generate_options *o;
    struct t5g_chooser how;
    size_t n_groups, size, n_found; /* groups, beams in one, candidates for one */
    struct t5g_candidate found[T5G_CANDIDATES_MAX];
    int32_t earlier[T5G_BEAMS_MAX]; /* ids that the groups before have chosen in this step */
};

/* The best continuations of a group's beams, in order, into r->found; an id after which a
 * sequence ends does so. Returns how many there are: fewer than r->n_found if no more are allowed.
 */
size_t t5g_search_find(struct t5g_rules *r, struct t5g_search *s, const struct t5g_group *g);

/* to = parent with one more id. */
void t5g_search_extend(const struct t5g_rules *r, struct t5g_hypothesis *to,
                       const struct t5g_hypothesis *parent, const struct t5g_candidate *c);

/* Let the best candidates of `found` that do not end run on, with the caches of their parents. */
void t5g_search_go_on(struct t5g_rules *r, struct t5g_search *s, struct t5g_group *g, size_t found);

/* Hand out the ids that all hypotheses share which run, or are among the best [n] finished ones. */
void t5g_search_emit(const struct t5g_rules *r, struct t5g_search *s,
                     struct t5g_hypothesis *const *best, size_t n);

/* Give the job its best hypotheses [n], best first, fewer than were asked for if n is smaller, and
 * end the search. With none the job fails. */
void t5g_search_deliver(struct t5g_rules *r, struct t5g_search *s,
                        struct t5g_hypothesis *const *best, size_t n);

/* Whether a constraint has lost a beam of the group, for which the job fails then. */
bool t5g_search_lost(const struct t5g_rules *r, struct t5g_search *s, const struct t5g_group *g);

#endif
