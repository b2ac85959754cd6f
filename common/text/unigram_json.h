/* unigram_json.h: normalizer, pre_tokenizer and decoder of a unigram tokenizer's tokenizer.json. */
#ifndef T5G_UNIGRAM_JSON_H
#define T5G_UNIGRAM_JSON_H

#include "text/tokenizer_json.h"

/* Fill p's steps, strings, charsmap, pre, decode, bar_is_space and bytes. -1 with e (65). */
int t5g_unigram_pipeline(struct t5g_pipeline *p, const struct t5g_json *root, struct t5g_err *e);

#endif
