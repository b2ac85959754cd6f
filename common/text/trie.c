/* trie.c: the added tokens as a trie over bytes. */
#include "text/trie.h"

#include <stdlib.h>
#include <string.h>

static int
by_text(const void *a, const void *b)
{
    const struct t5g_added *x = a, *y = b;
    int r = memcmp(x->text, y->text, t5g_min(x->n, y->n));
    return r != 0 ? r : x->n < y->n ? -1 : x->n > y->n;
}

struct builder {
    struct t5g_buf *nodes, *edges;
    const struct t5g_added *v; /* sorted */
};

static struct t5g_trie_node *
node_at(struct builder *b, uint32_t i)
{
    return (struct t5g_trie_node *)(void *)b->nodes->p + i;
}

static uint32_t
new_node(struct builder *b)
{
    struct t5g_trie_node x = {.id = T5G_NO_ID};
    t5g_buf_add(b->nodes, &x, sizeof x);
    return (uint32_t)(b->nodes->n / sizeof x - 1);
}

/* Fill node i for tokens [from, to), which share their first `depth` bytes. Depth is bounded by a
 * token's length. */
static void
fill(struct builder *b, uint32_t i, size_t from, size_t to, size_t depth)
{
    if (b->v[from].n == depth) {
        node_at(b, i)->id = b->v[from].id;
        node_at(b, i)->special = b->v[from].special;
        from++;
    }
    uint32_t first = (uint32_t)(b->edges->n / sizeof(struct t5g_trie_edge)), n = 0;
    for (size_t at = from; at < to; n++) {
        struct t5g_trie_edge edge = {.byte = (unsigned char)b->v[at].text[depth]};
        while (at < to && (unsigned char)b->v[at].text[depth] == edge.byte)
            at++;
        t5g_buf_add(b->edges, &edge, sizeof edge);
    }
    node_at(b, i)->first = first;
    node_at(b, i)->n = n;
    for (size_t at = from, k = 0; at < to; k++) {
        size_t start = at;
        unsigned char byte = (unsigned char)b->v[at].text[depth];
        while (at < to && (unsigned char)b->v[at].text[depth] == byte)
            at++;
        uint32_t child = new_node(b);
        ((struct t5g_trie_edge *)(void *)b->edges->p)[first + k].to = child;
        fill(b, child, start, at, depth + 1);
    }
}

void
t5g_trie_build(struct t5g_buf *nodes, struct t5g_buf *edges, const struct t5g_added *tokens,
               size_t n)
{
    struct t5g_added *v = t5g_alloc(n, sizeof *v);
    size_t m = 0;
    for (size_t i = 0; i < n; i++)
        v[i] = tokens[i];
    qsort(v, n, sizeof *v, by_text);
    for (size_t i = 0; i < n; i++) /* the same text twice: the last one counts, as in a map */
        if (m > 0 && by_text(&v[m - 1], &v[i]) == 0)
            v[m - 1] = v[i];
        else
            v[m++] = v[i];
    struct builder b = {nodes, edges, v};
    uint32_t root = new_node(&b);
    if (m > 0)
        fill(&b, root, 0, m, 0);
    t5g_free(v);
}

size_t
t5g_trie_match(const struct t5g_table *t, const char *s, size_t n, int32_t *id, bool *special)
{
    const struct t5g_trie_node *node = t->nodes;
    size_t best = 0;
    for (size_t i = 0; i < n; i++) {
        const struct t5g_trie_edge *e = t->edges + node->first, *end = e + node->n;
        while (e < end && e->byte != (unsigned char)s[i])
            e++;
        if (e == end)
            break;
        node = t->nodes + e->to;
        if (node->id != T5G_NO_ID) {
            best = i + 1;
            *id = node->id;
            *special = node->special != 0;
        }
    }
    return best;
}
