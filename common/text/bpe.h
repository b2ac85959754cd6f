/* bpe.h: byte-pair encoding of pieces of text without added tokens. */
#ifndef T5G_BPE_H
#define T5G_BPE_H

#include "text/ids.h"
#include "text/table.h"

struct t5g_bpe;
struct t5g_bpe *t5g_bpe_open(const struct t5g_table *t);
void t5g_bpe_close(struct t5g_bpe *b);

/*
 * Append the ids of s[0..n) (well-formed UTF-8) to out, the same as from merging the whole piece at
 * once; or append a single id. Words of many pieces are merged together, so ids may come later, in
 * order: s must stay and out must be the same until t5g_bpe_finish, which appends the rest.
 */
void t5g_bpe_add(struct t5g_bpe *b, const char *s, size_t n, struct t5g_ids *out);
void t5g_bpe_add_id(struct t5g_bpe *b, int32_t id, struct t5g_ids *out);
void t5g_bpe_finish(struct t5g_bpe *b, struct t5g_ids *out);

#endif
