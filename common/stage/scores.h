/* scores.h: the scores of given targets or choices for one document, written into the stream. */
#ifndef T5G_SCORES_H
#define T5G_SCORES_H

#include "generate/score.h"
#include "stage/given.h"
#include "stage/run.h"

/* What a run asks of every document. */
struct t5g_scoring {
    const struct t5g_tokenizer *tokenizer;
    const struct t5g_given *given; /* of the run; NULL: each document's own targets */
    struct t5g_given_options how;
    struct t5g_prompts_options take; /* of documents' own targets */
    bool rank;                       /* the best first, else in the order in which they are given */
    bool logprobs;                   /* decode.logprob too */
};

struct t5g_scores;

/*
 * The frames of doc, except those for which dropped(name) is true, will precede the scores. Writes
 * nothing yet. NULL with e (65) if the document has to have targets of its own and has none, or bad
 * ones.
 */
struct t5g_scores *t5g_scores_open(struct t5g_run *run, const struct t5g_doc *doc,
                                   const struct t5g_scoring *x,
                                   bool (*dropped)(const char *, void *), struct t5g_err *e);
void t5g_scores_close(struct t5g_scores *s);

/*
 * Ask `by` for the scores after a prompt (NULL: none; copied). cross is by's, and must stay valid
 * until they are complete. now: compute and write them at once; -1 with e if the document failed.
 */
int t5g_scores_add(struct t5g_scores *s, const struct t5g_variant *by,
                   const struct t5g_cross *cross, const struct t5g_prompt *p, bool now,
                   struct t5g_err *e);

/* What `by` was asked for, as jobs [return value] for t5g_score (NULL: only count). */
size_t t5g_scores_jobs(struct t5g_scores *s, const struct t5g_variant *by,
                       struct t5g_score_job **jobs);

/* After the jobs are done: -1 with e if one of them, and therefore the document, failed. */
int t5g_scores_check(const struct t5g_scores *s, struct t5g_err *e);

/* Write the scores not written yet and close the document. */
void t5g_scores_finish(struct t5g_scores *s);

#endif
