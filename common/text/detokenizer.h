/* detokenizer.h: token ids to text, at once or in pieces, exactly as Hugging Face decodes. */
#ifndef T5G_DETOKENIZER_H
#define T5G_DETOKENIZER_H

#include "text/tokenizer.h"

/*
 * State of one sequence. A run of byte tokens is held back until it ends, because the whole run
 * decides whether it is text or U+FFFDs; the concatenation of what is appended equals the decode of
 * all ids.
 */
struct t5g_detok {
    const struct t5g_tokenizer *t;
    bool all;           /* print special tokens too */
    struct t5g_buf run; /* bytes of the open run of byte tokens */
};

/* t must outlive d. */
void t5g_detok_open(struct t5g_detok *d, const struct t5g_tokenizer *t, bool all);

/* Append the text of ids [n] to out. */
void t5g_detok_add(struct t5g_detok *d, const int32_t *ids, size_t n, struct t5g_buf *out);

/* Append what is held back; d is ready for the next sequence. */
void t5g_detok_end(struct t5g_detok *d, struct t5g_buf *out);
void t5g_detok_free(struct t5g_detok *d);

#endif
