/* ask.h: which prompts a document is asked. */
#ifndef T5G_ASK_H
#define T5G_ASK_H

#include "stage/answers.h"

struct t5g_asker {
    struct t5g_tokenizer *tokenizer;
    struct t5g_prompts *prompts; /* of the run; none: the document's own, or no prompt */
    size_t max_prompt;           /* most tokens of one that a document brings */
    struct t5g_generator *generator;
    bool at_once; /* prompts come one by one, or tokens go out so: each is answered before the next
                   * is asked for */
};

/*
 * Ask every prompt of the run, or the document's own, over one document; at_once: and answer it. -1
 * with e when the document failed, and with *fatal when the prompts did: those are the run's.
 */
int t5g_ask(const struct t5g_asker *x, struct t5g_answers *a, const struct t5g_doc *doc,
            const struct t5g_cross *cross, bool *fatal, struct t5g_err *e);

#endif
