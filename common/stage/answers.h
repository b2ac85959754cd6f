/* answers.h: the sequences generated for one document, written into the stream. */
#ifndef T5G_ANSWERS_H
#define T5G_ANSWERS_H

#include "stage/prompts.h"
#include "stage/run.h"
#include "generate/attended.h"
#include "generate/generate.h"

enum t5g_answers_mode {
    T5G_ANSWERS_WHOLE,  /* the document is written when all its answers are complete */
    T5G_ANSWERS_LIVE,   /* every answer as soon as it is complete */
    T5G_ANSWERS_TOKENS, /* every token as it is chosen: frames with "part" */
};

struct t5g_answers;

/* The frames of doc, except those for which dropped(name) is true, will precede the answers. Writes
 * nothing yet. */
struct t5g_answers *t5g_answers_open(struct t5g_run *run, const struct t5g_doc *doc,
                                     const struct t5g_config *c,
                                     const struct t5g_generate_options *o,
                                     bool (*dropped)(const char *, void *),
                                     enum t5g_answers_mode mode);

/* Also write a decode.attention behind every answer; not with TOKENS. group: rows of the encoder
 * that were averaged to one of the document. */
void t5g_answers_attend(struct t5g_answers *a, enum t5g_attended_form form, size_t group);

void t5g_answers_close(struct t5g_answers *a);

/*
 * Request the answer of `by` to a prompt (NULL: no prompt; copied). cross is by's. source
 * [n_source]: ids of the document, for lookup. source and cross must stay valid until the answers
 * are complete.
 */
void t5g_answers_add(struct t5g_answers *a, const struct t5g_variant *by,
                     const struct t5g_cross *cross, const int32_t *source, size_t n_source,
                     const struct t5g_prompt *p);

/* WHOLE: the requested answers of `by` as jobs [return value] for t5g_generate (NULL: only count).
 */
size_t t5g_answers_jobs(struct t5g_answers *a, const struct t5g_variant *by, struct t5g_job **jobs);

/* WHOLE, after the jobs are done: -1 with e if one of them, and therefore the document, failed. */
int t5g_answers_check(struct t5g_answers *a, struct t5g_err *e);

/*
 * LIVE, TOKENS: generate the requested answers one after another, and write them. -1 with e if the
 * document failed. Write errors end the process.
 */
int t5g_answers_now(struct t5g_answers *a, struct t5g_err *e);

/* Write the answers not written yet and close the document. */
void t5g_answers_finish(struct t5g_answers *a);

#endif
