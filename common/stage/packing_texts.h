/* packing_texts.h: the texts of --report and --calibrate, read before anything is packed, so that
 * what is wrong with one shows before hours of work. */
#ifndef T5G_PACKING_TEXTS_H
#define T5G_PACKING_TEXTS_H

#include "cli/option.h"
#include "stage/texts.h"

/* Zero-initialise; freed by t5g_packing_texts_free. */
struct t5g_packing_texts {
    struct t5g_tokenizer *tokenizer; /* of the source; NULL: no text is wanted */
    struct t5g_texts report, calibrate;
};

/*
 * Read what is wanted with the tokenizer of the model at source: the files `report`, of this mode,
 * and if `calibrates` the files `calibrate`, or without any the texts that are built in. 0, or -1
 * with e: of t5g_tokenizer_open or t5g_texts_read.
 */
int t5g_packing_texts_read(struct t5g_packing_texts *t, const char *source,
                           const struct t5g_list *report, enum t5g_corpus_mode mode,
                           const struct t5g_list *calibrate, bool calibrates, struct t5g_err *e);
void t5g_packing_texts_free(struct t5g_packing_texts *t);

#endif
