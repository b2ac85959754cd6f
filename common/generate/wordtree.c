/*
 * wordtree.c: sorted words as a tree of nodes, made from its ends: a node is complete when the next
 * word leaves it.
 */
#include "generate/wordtree.h"
#include "base/utf8.h"

#include <stdlib.h>
#include <string.h>

struct tree {
    struct t5g_automaton *a;
    uint32_t next;
    struct t5g_edge *edge; /* [n_edges] of the nodes on the path, the deepest last */
    size_t n_edges, cap_edges;
    struct level {
        size_t first; /* of its edges */
        bool ends;    /* a word ends here */
    } * level;        /* [depth + 1] */
    size_t depth;
};

static int
by_bytes(const void *a, const void *b)
{
    const struct t5g_word *const *x = a, *const *y = b;
    size_t n = t5g_min((*x)->n, (*y)->n);
    int order = n > 0 ? memcmp((*x)->p, (*y)->p, n) : 0;
    if (order != 0)
        return order;
    if ((*x)->n != (*y)->n)
        return (*x)->n < (*y)->n ? -1 : 1;
    return *x < *y ? -1 : *x > *y;
}

static const struct t5g_word **
sorted(const struct t5g_word *words, size_t count)
{
    const struct t5g_word **out = t5g_alloc(count, sizeof *out);
    for (size_t i = 0; i < count; i++)
        out[i] = &words[i];
    qsort(out, count, sizeof *out, by_bytes);
    return out;
}

/* The node of the deepest level. */
static uint32_t
node_of(struct tree *t)
{
    const struct level *l = &t->level[t->depth];
    uint32_t node = t5g_node_bytes(t->a, t->edge + l->first, t->n_edges - l->first);
    t->n_edges = l->first;
    return l->ends ? t5g_node_fork(t->a, (uint32_t[]){node, t->next}, 2) : node;
}

/* Back to a smaller depth of the path, which is `word`. */
static void
leave(struct tree *t, const struct t5g_word *word, size_t depth)
{
    while (t->depth > depth) {
        uint32_t node = node_of(t);
        uint8_t byte = (uint8_t)word->p[--t->depth];
        t->edge = t5g_grow(t->edge, t->n_edges, &t->cap_edges, sizeof *t->edge);
        t->edge[t->n_edges++] = (struct t5g_edge){byte, byte, node};
    }
}

uint32_t
t5g_node_words(struct t5g_automaton *a, const struct t5g_word *words, size_t count, uint32_t next)
{
    struct tree t = {.a = a, .next = next};
    size_t longest = 0;
    for (size_t i = 0; i < count; i++)
        longest = t5g_max(longest, words[i].n);
    const struct t5g_word **list = sorted(words, count), *last = NULL;
    t.level = t5g_alloc(longest + 1, sizeof *t.level);
    t.edge = t5g_grow(NULL, 0, &t.cap_edges, sizeof *t.edge);
    for (size_t i = 0; i < count; i++) {
        size_t same = 0;
        while (last != NULL && same < last->n && same < list[i]->n &&
               last->p[same] == list[i]->p[same])
            same++;
        if (last != NULL)
            leave(&t, last, same);
        while (t.depth < list[i]->n)
            t.level[++t.depth] = (struct level){.first = t.n_edges};
        t.level[t.depth].ends = true;
        last = list[i];
    }
    if (last != NULL)
        leave(&t, last, 0);
    uint32_t node = node_of(&t);
    t5g_free(list);
    t5g_free(t.level);
    t5g_free(t.edge);
    return node;
}

/* Two equal words: their numbers, the smaller first; false: there are none. */
static bool
equal_words(const struct t5g_word *words, size_t count, size_t pair[2])
{
    const struct t5g_word **list = sorted(words, count);
    bool found = false;
    for (size_t i = 1; i < count && !found; i++)
        if (list[i]->n == list[i - 1]->n && memcmp(list[i]->p, list[i - 1]->p, list[i]->n) == 0) {
            found = true;
            pair[0] = (size_t)(list[i - 1] - words) + 1;
            pair[1] = (size_t)(list[i] - words) + 1;
        }
    t5g_free(list);
    return found;
}

struct t5g_automaton *
t5g_choices_automaton(const struct t5g_word *choices, size_t count, struct t5g_err *e)
{
    size_t pair[2];
    if (count == 0)
        return t5g_err_set(e, T5G_EX_DATA, "no choices"), NULL;
    for (size_t i = 0; i < count; i++) {
        if (choices[i].n == 0)
            return t5g_err_set(e, T5G_EX_DATA, "choice %zu is empty", i + 1), NULL;
        if (t5g_utf8_check(choices[i].p, choices[i].n) < choices[i].n)
            return t5g_err_set(e, T5G_EX_DATA, "choice %zu is not UTF-8", i + 1), NULL;
    }
    if (equal_words(choices, count, pair))
        return t5g_err_set(e, T5G_EX_DATA, "choices %zu and %zu are equal", pair[0], pair[1]), NULL;
    struct t5g_automaton *a = t5g_automaton_open();
    uint32_t start = t5g_node_words(a, choices, count, T5G_NODE_RETURN);
    if (t5g_automaton_finish(a, start, e) == 0)
        return a;
    t5g_automaton_close(a);
    return NULL;
}
