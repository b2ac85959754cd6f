/* decode.h: documents of a stream through the decoder, several at a time. */
#ifndef T5G_DECODE_H
#define T5G_DECODE_H

#include "stage/ask.h"
#include "stage/batch.h"

struct t5g_decoding {
    struct t5g_asker asker;
    struct t5g_decoder *decoder;
    const struct t5g_config *config;
    const struct t5g_generate_options *how;
    int kv; /* dtype of cross keys and values */
    enum t5g_answers_mode mode;
    bool (*dropped)(const char *name, void *arg); /* frames that do not travel on */
};

/*
 * Answer and write every document of b, in order. Ends early where run->stop is set. -1 with e when
 * the prompts of the run cannot be had; dies on write errors.
 */
int t5g_decoding_run(const struct t5g_decoding *x, struct t5g_run *run, const struct t5g_batch *b,
                     struct t5g_err *e);

#endif
