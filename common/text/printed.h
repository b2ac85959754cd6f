/* printed.h: what t5g-detok prints for a token. */
#ifndef T5G_PRINTED_H
#define T5G_PRINTED_H

#include "text/tokenizer.h"

/* Ids from this one on print nothing. */
size_t t5g_printed_ids(const struct t5g_tokenizer *t);

/*
 * The bytes [n] that t5g-detok prints for an id, unless it is told to print all; n 0 for one that
 * prints nothing: special, or not in the vocabulary. A byte token has its byte, which counts in a
 * run of them that is UTF-8; the others are well-formed text. Lives with t.
 */
const char *t5g_printed(const struct t5g_tokenizer *t, int32_t id, size_t *n);

#endif
