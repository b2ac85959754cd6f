/* decode.h: documents of a stream through the decoder, several at a time. */
#ifndef T5G_DECODE_H
#define T5G_DECODE_H

#include "stage/answers.h"
#include "stage/scores.h"

/* Where the prompts for a document come from, and what is wanted. */
struct t5g_asker {
    struct t5g_tokenizer *tokenizer;
    struct t5g_prompts *prompts;     /* of the run; none: the document's own, or no prompt */
    struct t5g_prompts_options take; /* of a document's own prompt */
    const struct t5g_scoring
        *scoring; /* given texts are scored and nothing is generated; or NULL */
    bool at_once; /* interactive prompts, or token by token: answer each prompt before the next one
                   * is read */
};

struct t5g_decoding {
    struct t5g_asker asker;
    /* Of which documents choose by "adapter", a TEXT, and prompts for themselves; else the first.
     */
    const struct t5g_variants *variants;
    bool force; /* take encoder outputs of other encoders */
    const struct t5g_kernels *kernels;
    const struct t5g_config *config;
    const struct t5g_generate_options *how;
    int kv; /* dtype of cross keys and values */
    enum t5g_answers_mode mode;
    const enum t5g_attended_form *attending;      /* NULL: attention is not kept */
    bool (*dropped)(const char *name, void *arg); /* frames that are not passed on */
};

/* take of struct t5g_stage; x is a t5g_decoding. -1 if the prompts of the run cannot be read. */
int t5g_decode_batch(void *x, struct t5g_run *run, const struct t5g_batch *b, struct t5g_err *e);

#endif
