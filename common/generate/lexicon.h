/* lexicon.h: the ids that print something, in the order of what they print. */
#ifndef T5G_LEXICON_H
#define T5G_LEXICON_H

#include "text/printed.h"

/*
 * Entry i prints what entry i - 1 prints up to same[i] bytes, then the bytes from rest[from[i]] to
 * rest[from[i + 1]].
 */
struct t5g_lexicon {
    size_t n;
    int32_t *id;    /* [n] */
    uint16_t *same; /* [n + 1]; same[n] is 0 */
    uint32_t *from; /* [n + 1] */
    uint8_t *rest;
    uint32_t begin[257]; /* entries that begin with byte b: begin[b] to begin[b + 1] */
    size_t longest;      /* bytes */
};

/* Of the ids below v, without those of `without` [n_without]. */
void t5g_lexicon_open(struct t5g_lexicon *x, const struct t5g_tokenizer *t, size_t v,
                      const int32_t *without, size_t n_without);
void t5g_lexicon_close(struct t5g_lexicon *x);

#endif
