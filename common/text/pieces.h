/* pieces.h: documents that are longer than wanted, cut. */
#ifndef T5G_PIECES_H
#define T5G_PIECES_H

#include "text/tokenizer.h"

/*
 * Piece k (from 0) of ids into *piece, each of at most `max` ids and such as the tokenizer could
 * have made of a shorter text: with the post-processor's ids before and after. False when there is
 * no such piece; max leaves room for one id at least.
 */
bool t5g_piece(const struct t5g_tokenizer *t, const struct t5g_ids *ids, size_t max, size_t k,
               struct t5g_ids *piece);

#endif
