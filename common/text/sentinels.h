/* sentinels.h: the tokens that stand for gaps in a text, in their order. */
#ifndef T5G_SENTINELS_H
#define T5G_SENTINELS_H

#include "text/tokenizer.h"

#define T5G_SENTINEL_NAME  "unused" /* T5Gemma 2: <unused6237>, <unused6236>, ... */
#define T5G_SENTINEL_FIRST 6237

struct t5g_sentinels;

/*
 * The tokens <NAMEfirst>, <NAMEfirst-1>, ..., down to the last that is a single id; from first 0
 * they count up. flags: those that texts are tokenized with. NULL with e (65) if the first one is
 * no single id.
 */
struct t5g_sentinels *t5g_sentinels_open(const struct t5g_tokenizer *t, const char *name,
                                         uint64_t first, unsigned flags, struct t5g_err *e);
void t5g_sentinels_close(struct t5g_sentinels *s); /* NULL is allowed */

/* The id of sentinel k, from 0; -1 with e (65) if there are not so many. */
int t5g_sentinel_id(const struct t5g_sentinels *s, size_t k, int32_t *id, struct t5g_err *e);
/* Append its text. */
void t5g_sentinel_text(const struct t5g_sentinels *s, size_t k, struct t5g_buf *out);
/* Which sentinel an id is; -1: none. */
long t5g_sentinel_of(const struct t5g_sentinels *s, int32_t id);

#endif
