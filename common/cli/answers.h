/* answers.h: the sequences generated for one document, written into the stream. */
#ifndef T5G_ANSWERS_H
#define T5G_ANSWERS_H

#include "cli/prompts.h"
#include "cli/run.h"
#include "generate/generate.h"

enum t5g_answers_mode {
    T5G_ANSWERS_WHOLE,  /* the document is written when all its answers are there */
    T5G_ANSWERS_LIVE,   /* every answer as soon as it is complete */
    T5G_ANSWERS_TOKENS, /* every token as it is chosen: frames with "part" */
};

struct t5g_answers;

/* doc's frames, less those for which dropped(name) holds, go before the answers. Nothing is written
 * yet. */
struct t5g_answers *t5g_answers_open(struct t5g_run *run, const struct t5g_doc *doc,
                                     const struct t5g_config *c,
                                     const struct t5g_generate_options *o,
                                     bool (*dropped)(const char *, void *),
                                     enum t5g_answers_mode mode);
void t5g_answers_close(struct t5g_answers *a);

/*
 * Generate the answers to prompts [n] (an entry may be NULL: no prompt). source [n_source]: ids of
 * the document, for lookup. In WHOLE mode all at once, else one after the other. -1 with e when the
 * document failed: in WHOLE mode nothing of it has been written then. Write errors end the process.
 */
int t5g_answers_add(struct t5g_answers *a, struct t5g_generator *g, const struct t5g_cross *cross,
                    const int32_t *source, size_t n_source, const struct t5g_prompt *const *prompts,
                    size_t n, struct t5g_err *e);

/* Write what is held back and close the document. */
void t5g_answers_finish(struct t5g_answers *a);

#endif
