/* words.h: options of generation that are texts: words to avoid, and words to favour. */
#ifndef T5G_WORDS_H
#define T5G_WORDS_H

#include "generate/generate.h"
#include "text/tokenizer.h"

/*
 * Set o->bad_words from a file of one text a line: its ids, and those it has behind a space, unless
 * it begins with one. "-" is stdin. -1 with e (66, 74; 65 for a line that is not UTF-8,
 * has no ids below v or is an eos id alone, or if there is none).
 */
int t5g_words_bad(struct t5g_generate_options *o, const struct t5g_tokenizer *t,
                  const struct t5g_config *c, const char *file, struct t5g_err *e);

/* Set o->sequence_bias from a file of lines "TEXT tab NUMBER": TEXT as it is written, without a
 * space added. Errors as above; also 65 for a line that has the same ids as another. */
int t5g_words_bias(struct t5g_generate_options *o, const struct t5g_tokenizer *t,
                   const struct t5g_config *c, const char *file, struct t5g_err *e);

#endif
