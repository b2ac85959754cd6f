/* trie.c: the added tokens as tries over bytes. */
#include "text/trie.h"

#include <stdlib.h>
#include <string.h>

/* A text to search for, and its token. */
struct pattern {
    char *text;
    size_t n;
    const struct t5g_added *token;
};

static int
by_text(const void *a, const void *b)
{
    const struct pattern *x = a, *y = b;
    int r = memcmp(x->text, y->text, t5g_min(x->n, y->n));
    if (r != 0)
        return r;
    return x->n < y->n ? -1 : x->n > y->n;
}

struct builder {
    struct t5g_buf *nodes, *edges;
    const struct pattern *v; /* sorted */
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

/* Fill node i for tokens [from, to), which share their first `depth` bytes. The length of a token
 * bounds the depth. */
static void
fill(struct builder *b, uint32_t i, size_t from, size_t to, size_t depth)
{
    if (b->v[from].n == depth) {
        const struct t5g_added *x = b->v[from].token;
        node_at(b, i)->id = x->id;
        node_at(b, i)->flags =
            (x->special ? T5G_ADDED_SPECIAL : 0u) | (x->lstrip ? T5G_ADDED_LSTRIP : 0u) |
            (x->rstrip ? T5G_ADDED_RSTRIP : 0u) | (x->single_word ? T5G_ADDED_SINGLE_WORD : 0u);
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

/* The text to search for. */
static struct pattern
pattern_of(const struct t5g_added *x, bool bar)
{
    struct t5g_buf b = {0};
    if (bar)
        t5g_added_put_normalized(&b, x);
    else
        t5g_buf_add(&b, x->text, x->n);
    return (struct pattern){b.p, b.n, x};
}

int
t5g_trie_build(struct t5g_buf *nodes, struct t5g_buf *edges, const struct t5g_added_list *tokens,
               bool normalized, bool space_is_bar, uint32_t *root, struct t5g_err *e)
{
    struct pattern *v = t5g_alloc(tokens->n + 1, sizeof *v);
    size_t n = 0;
    int r = 0;
    for (size_t i = 0; i < tokens->n; i++)
        if (tokens->v[i].normalized == normalized)
            v[n++] = pattern_of(&tokens->v[i], normalized && space_is_bar);
    if (n > 0)
        qsort(v, n, sizeof *v, by_text);
    for (size_t i = 1; i < n && r == 0; i++)
        if (by_text(&v[i - 1], &v[i]) == 0)
            r = t5g_err_set(e, T5G_EX_DATA,
                            "added tokens '%s' and '%s': the same once normalised, not supported",
                            v[i - 1].token->text, v[i].token->text);
    struct builder b = {nodes, edges, v};
    *root = new_node(&b);
    if (n > 0 && r == 0)
        fill(&b, *root, 0, n, 0);
    for (size_t i = 0; i < n; i++)
        t5g_free(v[i].text);
    t5g_free(v);
    return r;
}

/* The node after the edge of this byte, or NULL. */
static const struct t5g_trie_node *
step(const struct t5g_table *t, const struct t5g_trie_node *node, unsigned char byte)
{
    const struct t5g_trie_edge *e = t->edges + node->first, *end = e + node->n;
    while (e < end && e->byte != byte)
        e++;
    return e < end ? t->nodes + e->to : NULL;
}

const struct t5g_trie_node *
t5g_trie_match(const struct t5g_table *t, uint32_t root, bool bar, const char *s, size_t n,
               size_t *len)
{
    const struct t5g_trie_node *node = t->nodes + root, *best = NULL;
    for (size_t i = 0; i < n; i++) {
        if (bar && s[i] == ' ')
            for (size_t k = 0; k < 3 && node != NULL; k++)
                node = step(t, node, (unsigned char)T5G_BAR[k]);
        else
            node = step(t, node, (unsigned char)s[i]);
        if (node == NULL)
            break;
        if (node->id != T5G_NO_ID) {
            best = node;
            *len = i + 1;
        }
    }
    return best;
}
