/* targets.c: targets sorted by their ids, and the tree that this order gives. */
#include "generate/targets.h"
#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

void
t5g_targets_free(struct t5g_targets *t)
{
    t5g_free(t->ids);
    t5g_free(t->end);
    t5g_free(t->leaf);
    t5g_free(t->nodes);
    t5g_free(t->fed);
    *t = (struct t5g_targets){0};
}

const int32_t *
t5g_targets_get(const struct t5g_targets *t, size_t i, size_t *n)
{
    size_t from = i > 0 ? t->end[i - 1] : 0;
    *n = t->end[i] - from;
    return t->ids + from;
}

void
t5g_targets_add(struct t5g_targets *t, const int32_t *ids, size_t n)
{
    size_t used = t->n > 0 ? t->end[t->n - 1] : 0;
    if (used + n > t->cap_ids) {
        size_t cap = t5g_max(2 * t->cap_ids, used + n);
        int32_t *more = t5g_alloc_raw(cap, sizeof *more);
        if (used > 0)
            memcpy(more, t->ids, used * sizeof *more);
        t5g_free(t->ids);
        t->ids = more;
        t->cap_ids = cap;
    }
    memcpy(t->ids + used, ids, n * sizeof *ids);
    t->end = t5g_grow(t->end, t->n, &t->cap_end, sizeof *t->end);
    t->end[t->n++] = used + n;
}

struct sorted {
    const int32_t *ids;
    size_t n, number;
};

static int
by_ids(const void *a, const void *b)
{
    const struct sorted *x = a, *y = b;
    size_t i = 0;
    while (i < x->n && i < y->n && x->ids[i] == y->ids[i])
        i++;
    if (i < x->n && i < y->n)
        return x->ids[i] < y->ids[i] ? -1 : 1;
    return x->n < y->n ? -1 : x->n > y->n;
}

/* Number of first ids that both have. */
static size_t
common(const struct sorted *x, const struct sorted *y)
{
    size_t i = 0;
    while (i < x->n && i < y->n && x->ids[i] == y->ids[i])
        i++;
    return i;
}

/* Which nodes something follows: all parents. */
static void
number_fed(struct t5g_targets *t)
{
    bool *inner = t5g_alloc(t->n_nodes, sizeof *inner);
    t->fed = t5g_alloc_raw(t->n_nodes, sizeof *t->fed);
    for (size_t i = 1; i < t->n_nodes; i++)
        inner[t->nodes[i].parent] = true;
    for (size_t i = 0; i < t->n_nodes; i++) {
        t->nodes[i].fed = t->n_fed;
        if (!inner[i])
            continue;
        t->fed[t->n_fed++] = i;
        t->deepest = t5g_max(t->deepest, t->nodes[i].depth);
    }
    t5g_free(inner);
}

void
t5g_targets_grow(struct t5g_targets *t)
{
    struct sorted *s = t5g_alloc(t->n, sizeof *s);
    size_t most = 0, before = 0;
    for (size_t i = 0; i < t->n; i++) {
        s[i].ids = t5g_targets_get(t, i, &s[i].n);
        s[i].number = i;
        most = t5g_max(most, s[i].n);
    }
    qsort(s, t->n, sizeof *s, by_ids);
    size_t *path = t5g_alloc(most + 1, sizeof *path); /* nodes of the last target, by length */
    size_t n_path = 0;
    t->leaf = t5g_alloc(t->n, sizeof *t->leaf);
    t->nodes = t5g_alloc_raw((t->n > 0 ? t->end[t->n - 1] : 0) + 1, sizeof *t->nodes);
    t->nodes[t->n_nodes++] = (struct t5g_target_node){.id = -1};
    for (size_t k = 0; k < t->n; k++) {
        before = k > 0 ? common(&s[k - 1], &s[k]) : 0;
        for (; n_path > before; n_path--)
            t->nodes[path[n_path]].end = t->n_nodes;
        for (size_t j = before; j < s[k].n; j++) {
            t->nodes[t->n_nodes] =
                (struct t5g_target_node){.id = s[k].ids[j], .parent = path[j], .depth = j};
            path[j + 1] = t->n_nodes++;
        }
        n_path = s[k].n;
        t->leaf[s[k].number] = path[n_path];
    }
    for (size_t j = 0; j <= n_path; j++)
        t->nodes[path[j]].end = t->n_nodes;
    t5g_free(path);
    t5g_free(s);
    number_fed(t);
}

void
t5g_targets_pick(const struct t5g_targets *t, size_t i, const float *of_node, float *out)
{
    size_t node = t->leaf[i];
    for (; node != 0; node = t->nodes[node].parent)
        out[t->nodes[node].depth] = of_node[node];
}
