/* decode.h: documents of a stream through the decoder, several at a time. */
#ifndef T5G_DECODE_H
#define T5G_DECODE_H

#include "stage/answers.h"

/* What a document is asked with. */
struct t5g_asker {
    struct t5g_tokenizer *tokenizer;
    struct t5g_prompts *prompts; /* of the run; none: the document's own, or no prompt */
    size_t max_prompt;           /* most tokens of one that a document brings */
    struct t5g_generator *generator;
    bool at_once; /* prompts come one by one, or tokens go out so: each is answered before the next
                   * is asked for */
};

struct t5g_decoding {
    struct t5g_asker asker;
    struct t5g_decoder *decoder;
    const struct t5g_config *config;
    const struct t5g_generate_options *how;
    int kv; /* dtype of cross keys and values */
    enum t5g_answers_mode mode;
    bool (*dropped)(const char *name, void *arg); /* frames that do not travel on */
};

/* take of struct t5g_stage; x is a t5g_decoding. -1 when the prompts of the run cannot be had. */
int t5g_decode_batch(void *x, struct t5g_run *run, const struct t5g_batch *b, struct t5g_err *e);

#endif
