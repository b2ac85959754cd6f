/* spiece.h: a model of SentencePiece as the tokenizer.json that transformers makes of it. */
#ifndef T5G_SPIECE_H
#define T5G_SPIECE_H

#include "base/json.h"
#include "base/mem.h"

/*
 * Append the text of a tokenizer.json for spiece.model p [n], as T5Tokenizer of transformers 5.18
 * converts it: its pieces and charsmap, words at white space, unknown text as id 2 without byte
 * fallback whatever the file says, extra ids behind the pieces. config (tokenizer_config.json, may
 * be NULL) gives extra_ids (100) and the names of the special tokens. -1 with e (65): cut, damaged,
 * not a unigram model, or a special token that is no piece.
 */
int t5g_spiece_convert(struct t5g_buf *out, const void *p, size_t n, const struct t5g_json *config,
                       struct t5g_err *e);

#endif
