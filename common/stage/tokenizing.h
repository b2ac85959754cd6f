/* tokenizing.h: a document of the corpus to a document of token ids. */
#ifndef T5G_TOKENIZING_H
#define T5G_TOKENIZING_H

#include "stage/run.h"
#include "store/corpus.h"
#include "text/pictures.h"
#include "text/tokenizer.h"

enum { T5G_TOO_LONG_ERROR, T5G_TOO_LONG_CUT, T5G_TOO_LONG_SPLIT };

struct t5g_tokenizing {
    struct t5g_tokenizer *tokenizer;
    struct t5g_picture_text around; /* loaded with the first picture; t5g_picture_text_clear */
    bool text_only;                 /* literals of special tokens stay text */
    int utf8;                       /* 1: ill-formed bytes become U+FFFD; 0: they fail */
    int too_long;                   /* beyond max_tokens: one of the above */
    uint64_t max_tokens;            /* 0: no limit */
};

/*
 * Tokenize d and write it, in pieces where too_long says so; ids is room that is used again. -1
 * with e (65) when the document cannot be used; nothing is written then. Dies on write errors and
 * where the model has no pictures.
 */
int t5g_tokenizing_run(struct t5g_tokenizing *x, struct t5g_run *run, struct t5g_corpus_doc *d,
                       struct t5g_ids *ids, struct t5g_err *e);

#endif
