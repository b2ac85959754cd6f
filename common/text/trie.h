/* trie.h: the added tokens as two tries over bytes: those that are looked for in the text as it is,
 * and those that are looked for in the normalised text. */
#ifndef T5G_TRIE_H
#define T5G_TRIE_H

#include "text/added.h"
#include "text/table.h"

/*
 * Append the nodes and edges of tokens [n] to two buffers: the trie of the texts as they are, or,
 * `normalized`, of those with U+2581 in place of each space when space_is_bar. *root: where it
 * starts. -1 with e (65) when two tokens are one there.
 */
int t5g_trie_build(struct t5g_buf *nodes, struct t5g_buf *edges,
                   const struct t5g_added_list *tokens, bool normalized, bool space_is_bar,
                   uint32_t *root, struct t5g_err *e);

/*
 * The node of the longest added token that starts at s[0] (n > 0 bytes are there), and its length
 * in *len; NULL when there is none. bar: a space of the text is U+2581.
 */
const struct t5g_trie_node *t5g_trie_match(const struct t5g_table *t, uint32_t root, bool bar,
                                           const char *s, size_t n, size_t *len);

#endif
