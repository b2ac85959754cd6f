/* pieces.h: cut documents that are too long. */
#ifndef T5G_PIECES_H
#define T5G_PIECES_H

#include "text/tokenizer.h"

/*
 * Put piece k (from 0) of ids into *piece: at most `max` ids, with the post-processor's ids before
 * and after, as if the tokenizer had made it from a shorter text; flags: those that it made ids
 * with. False if there is no such piece. max must leave room for at least one id.
 */
bool t5g_piece(const struct t5g_tokenizer *t, unsigned flags, const struct t5g_ids *ids, size_t max,
               size_t k, struct t5g_ids *piece);

#endif
