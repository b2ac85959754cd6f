/* trie.h: the added tokens as two tries over bytes: those searched in the original text and those
 * searched in the normalised text. */
#ifndef T5G_TRIE_H
#define T5G_TRIE_H

#include "text/added.h"
#include "text/table.h"

/*
 * Append the nodes and edges of a trie of tokens to two buffers: of those that are not normalized,
 * or, `normalized`, of those that are, with U+2581 for each space if space_is_bar. *root: its first
 * node. -1 with e (65) if two texts become the same.
 */
int t5g_trie_build(struct t5g_buf *nodes, struct t5g_buf *edges,
                   const struct t5g_added_list *tokens, bool normalized, bool space_is_bar,
                   uint32_t *root, struct t5g_err *e);

/*
 * The node of the longest added token at the start of s[n] (n > 0), and its length in *len; NULL if
 * there is none. bar: a space in the text counts as U+2581.
 */
const struct t5g_trie_node *t5g_trie_match(const struct t5g_table *t, uint32_t root, bool bar,
                                           const char *s, size_t n, size_t *len);

#endif
