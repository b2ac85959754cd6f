/* texts.h: texts of a corpus as token ids, all of them in memory. */
#ifndef T5G_TEXTS_H
#define T5G_TEXTS_H

#include "store/corpus.h"
#include "text/ids.h"
#include "text/tokenizer.h"

/* Zero-initialise; freed by t5g_texts_free. Text i is ids.p[i > 0 ? end[i - 1] : 0] to end[i] - 1,
 * without the tokenizer's ids around a text. */
struct t5g_texts {
    struct t5g_ids ids;
    size_t *end; /* [n] */
    size_t n, cap;
    size_t most; /* limit of ids for a text, set by the caller; 0: none */
};

void t5g_texts_free(struct t5g_texts *t);

/* The *n ids of text i. */
const int32_t *t5g_texts_get(const struct t5g_texts *t, size_t i, size_t *n);

/*
 * Append the texts of the corpus that o describes, which has a path; pictures and texts without a
 * token are skipped. -1 with e, which names the text: it cannot be read (66, 77, 74), or is not
 * UTF-8 (65); or there is no text at all (65).
 */
int t5g_texts_read(struct t5g_texts *t, const struct t5g_tokenizer *tokenizer,
                   const struct t5g_corpus_options *o, struct t5g_err *e);

#endif
