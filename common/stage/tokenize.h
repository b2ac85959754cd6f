/* tokenize.h: documents of a corpus to documents of token ids. */
#ifndef T5G_TOKENIZE_H
#define T5G_TOKENIZE_H

#include "stage/run.h"
#include "store/corpus.h"
#include "text/pictures.h"
#include "text/tokenizer.h"

enum { T5G_TOO_LONG_ERROR, T5G_TOO_LONG_CUT, T5G_TOO_LONG_SPLIT };

struct t5g_tokenize_stage {
    struct t5g_tokenizer *tokenizer;
    struct t5g_picture_text around; /* loaded with the first picture; t5g_picture_text_clear */
    bool text_only;                 /* literals of special tokens stay text */
    int utf8;                       /* 1: ill-formed bytes become U+FFFD; 0: they fail */
    int too_long;                   /* beyond max_tokens: one of the above */
    uint64_t max_tokens;            /* 0: no limit */
};

/*
 * HEAD, and every document of the corpus: ids (in pieces where too_long says so), prompt, and where
 * it has pictures their files and the text they stand in, which t5g-vision tokenizes again when it
 * makes several views of a picture. 0, or -1 with e: what ended the corpus early. Dies on write
 * errors and where the model has no pictures.
 */
int t5g_tokenize_corpus(struct t5g_tokenize_stage *x, struct t5g_run *run,
                        struct t5g_corpus *corpus, struct t5g_err *e);

/* For struct t5g_corpus_options: a member that is passed over is said with -v, what is odd about an
 * input without -q. */
void t5g_document_note(const char *input, const char *member, const char *what);

#endif
