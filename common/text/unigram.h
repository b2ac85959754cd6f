/* unigram.h: a text without added tokens to pieces of a unigram model (Kudo 2018). */
#ifndef T5G_UNIGRAM_H
#define T5G_UNIGRAM_H

#include "text/ids.h"
#include "text/table.h"

struct t5g_unigram;
struct t5g_unigram *t5g_unigram_open(const struct t5g_table *t);
void t5g_unigram_close(struct t5g_unigram *u);

/* s[n] (well-formed UTF-8) as the normalizer leaves it, in *n bytes that live until the next call,
 * or are s. */
const char *t5g_unigram_normalize(struct t5g_unigram *u, const char *s, size_t *n);

/* Append the ids of normalized s[n]; begins: the text begins here. It remembers words. */
void t5g_unigram_add(struct t5g_unigram *u, const char *s, size_t n, bool begins,
                     struct t5g_ids *out);

#endif
