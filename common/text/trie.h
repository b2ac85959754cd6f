/* trie.h: the added tokens as a trie over bytes. */
#ifndef T5G_TRIE_H
#define T5G_TRIE_H

#include "text/pipeline.h"
#include "text/table.h"

/* Append the nodes and edges of tokens [n] to two buffers. */
void t5g_trie_build(struct t5g_buf *nodes, struct t5g_buf *edges, const struct t5g_added *tokens,
                    size_t n);

/*
 * Longest added token that starts at s[0] (n > 0 bytes are there): its length, 0 when there is
 * none.
 */
size_t t5g_trie_match(const struct t5g_table *t, const char *s, size_t n, int32_t *id,
                      bool *special);

#endif
