/* token_texts.h: the text of each token of a sequence. */
#ifndef T5G_TOKEN_TEXTS_H
#define T5G_TOKEN_TEXTS_H

#include "text/tokenizer.h"

/*
 * Append to texts [n] the text of each of ids [n], special tokens too: together they are the text
 * of all, as the detokenizer decodes it. What a run of byte tokens stands for is with the last of
 * them.
 */
void t5g_token_texts(const struct t5g_tokenizer *t, const int32_t *ids, size_t n,
                     struct t5g_buf *texts);

#endif
