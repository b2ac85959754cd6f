/* detokenizer.h: token ids to text, at once or in pieces, exactly as Hugging Face decodes. */
#ifndef T5G_DETOKENIZER_H
#define T5G_DETOKENIZER_H

#include "text/tokenizer.h"

/*
 * State of one sequence. A run of byte tokens is held back until it ends, because the whole run
 * decides whether it is text or U+FFFDs; and where spaces are cleaned up, text that what follows
 * may change. The concatenation of what is appended equals the decode of all ids.
 */
struct t5g_detok {
    const struct t5g_tokenizer *t;
    bool all;           /* print special tokens too */
    bool inside;        /* a token came before: the next is not the first */
    bool fragment;      /* none ever is */
    bool clean_up;      /* as the tokenizer says */
    struct t5g_buf run; /* bytes of the open run of byte tokens */
    struct t5g_buf held;
};

/* t must outlive d. */
void t5g_detok_open(struct t5g_detok *d, const struct t5g_tokenizer *t, bool all);
/* For tokens one by one, as they are: none is the first, nothing is cleaned up. */
void t5g_detok_open_inside(struct t5g_detok *d, const struct t5g_tokenizer *t, bool all);

/* Append the text of ids [n] to out. */
void t5g_detok_add(struct t5g_detok *d, const int32_t *ids, size_t n, struct t5g_buf *out);

/* Append what is held back; d is ready for the next sequence. */
void t5g_detok_end(struct t5g_detok *d, struct t5g_buf *out);
void t5g_detok_free(struct t5g_detok *d);

#endif
