/* bpe.h: byte-pair encoding of a piece of text without added tokens. */
#ifndef T5G_BPE_H
#define T5G_BPE_H

#include "text/ids.h"
#include "text/table.h"

struct t5g_bpe;
struct t5g_bpe *t5g_bpe_open(const struct t5g_table *t);
void t5g_bpe_close(struct t5g_bpe *b);

/* Append the ids of s[0..n) (well-formed UTF-8), the same as from merging the whole piece at
 * once. */
void t5g_bpe_encode(struct t5g_bpe *b, const char *s, size_t n, struct t5g_ids *out);

#endif
