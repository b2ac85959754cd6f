/*
 * automaton.c: nodes of an automaton. Nodes of bytes with the same edges are one node, so that
 * classes of characters share the ends of their encodings.
 */
#include "generate/automaton.h"

#include <string.h>

static uint32_t
add_node(struct t5g_automaton *a, struct t5g_node node)
{
    a->full |= a->n >= T5G_NODES_MAX;
    if (a->full)
        return T5G_NODE_NONE;
    a->node = t5g_grow(a->node, a->n, &a->cap, sizeof *a->node);
    a->node[a->n] = node;
    return (uint32_t)a->n++;
}

struct t5g_automaton *
t5g_automaton_open(void)
{
    struct t5g_automaton *a = t5g_alloc(1, sizeof *a);
    add_node(a, (struct t5g_node){.kind = T5G_IS_NONE});
    add_node(a, (struct t5g_node){.kind = T5G_IS_RETURN});
    a->slots = 64;
    a->slot = t5g_alloc(a->slots, sizeof *a->slot);
    return a;
}

void
t5g_automaton_close(struct t5g_automaton *a)
{
    if (a == NULL)
        return;
    t5g_free(a->node);
    t5g_free(a->edge);
    t5g_free(a->target);
    t5g_free(a->rule);
    t5g_free(a->slot);
    for (size_t i = 0; i < T5G_SET_NODES && a->set_nodes != NULL; i++)
        t5g_free(a->set_nodes[i].ranges);
    t5g_free(a->set_nodes);
    t5g_free(a);
}

static size_t
hash_edges(const struct t5g_edge *e, size_t n)
{
    uint64_t h = n;
    for (size_t i = 0; i < n; i++) {
        h = (h ^ ((uint64_t)e[i].to << 16 | (uint64_t)e[i].lo << 8 | e[i].hi)) *
            UINT64_C(0x9e3779b97f4a7c15);
        h ^= h >> 29;
    }
    return (size_t)h;
}

static bool
same_edges(const struct t5g_edge *x, const struct t5g_edge *y, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (x[i].lo != y[i].lo || x[i].hi != y[i].hi || x[i].to != y[i].to)
            return false;
    return true;
}

/* The slot of a node with these edges, or the free one for it. */
static uint32_t *
find(struct t5g_automaton *a, const struct t5g_edge *e, size_t n)
{
    size_t at = hash_edges(e, n) & (a->slots - 1);
    for (; a->slot[at] != 0; at = (at + 1) & (a->slots - 1)) {
        const struct t5g_node *x = &a->node[a->slot[at]];
        if (x->n == n && same_edges(a->edge + x->first, e, n))
            break;
    }
    return &a->slot[at];
}

static void
grow_slots(struct t5g_automaton *a)
{
    uint32_t *old = a->slot;
    size_t n = a->slots;
    a->slots = 2 * n;
    a->slot = t5g_alloc(a->slots, sizeof *a->slot);
    for (size_t i = 0; i < n; i++)
        if (old[i] != 0)
            *find(a, a->edge + a->node[old[i]].first, a->node[old[i]].n) = old[i];
    t5g_free(old);
}

uint32_t
t5g_node_bytes(struct t5g_automaton *a, const struct t5g_edge *edges, size_t n)
{
    struct t5g_edge e[256];
    size_t kept = 0;
    for (size_t i = 0; i < n; i++) {
        if (edges[i].to == T5G_NODE_NONE)
            continue;
        if (kept > 0 && e[kept - 1].to == edges[i].to && e[kept - 1].hi + 1 == edges[i].lo)
            e[kept - 1].hi = edges[i].hi;
        else
            e[kept++] = edges[i];
    }
    if (kept == 0)
        return T5G_NODE_NONE;
    uint32_t *slot = find(a, e, kept);
    if (*slot != 0)
        return *slot;
    a->full |= a->n_edges + kept > T5G_EDGES_MAX;
    uint32_t node =
        add_node(a, (struct t5g_node){
                        .kind = T5G_IS_BYTES, .first = (uint32_t)a->n_edges, .n = (uint32_t)kept});
    if (node == T5G_NODE_NONE)
        return node;
    *slot = node;
    for (size_t i = 0; i < kept; i++) {
        a->edge = t5g_grow(a->edge, a->n_edges, &a->cap_edges, sizeof *a->edge);
        a->edge[a->n_edges++] = e[i];
    }
    if (++a->n_interned * 2 > a->slots)
        grow_slots(a);
    return node;
}

uint32_t
t5g_node_byte(struct t5g_automaton *a, uint8_t byte, uint32_t next)
{
    return t5g_node_bytes(a, &(struct t5g_edge){byte, byte, next}, 1);
}

uint32_t
t5g_node_text(struct t5g_automaton *a, const void *text, size_t n, uint32_t next)
{
    const uint8_t *p = text;
    while (n-- > 0 && next != T5G_NODE_NONE)
        next = t5g_node_byte(a, p[n], next);
    return next;
}

static void
add_target(struct t5g_automaton *a, uint32_t node)
{
    a->target = t5g_grow(a->target, a->n_targets, &a->cap_targets, sizeof *a->target);
    a->target[a->n_targets++] = node;
}

uint32_t
t5g_node_fork(struct t5g_automaton *a, const uint32_t *nodes, size_t n)
{
    uint32_t first = (uint32_t)a->n_targets, kept = 0;
    a->full |= a->n_targets + n > T5G_EDGES_MAX;
    for (size_t i = 0; i < n && !a->full; i++)
        if (nodes[i] != T5G_NODE_NONE) {
            add_target(a, nodes[i]);
            kept++;
        }
    if (kept == 0)
        return T5G_NODE_NONE;
    if (kept == 1) {
        a->n_targets--;
        return a->target[first];
    }
    return add_node(a, (struct t5g_node){.kind = T5G_IS_FORK, .first = first, .n = kept});
}

uint32_t
t5g_node_later(struct t5g_automaton *a)
{
    uint32_t first = (uint32_t)a->n_targets;
    add_target(a, T5G_NODE_NONE);
    add_target(a, T5G_NODE_NONE);
    return add_node(a, (struct t5g_node){.kind = T5G_IS_FORK, .first = first, .n = 2});
}

void
t5g_node_set(struct t5g_automaton *a, uint32_t fork, uint32_t x, uint32_t y)
{
    if (fork == T5G_NODE_NONE) /* there was no room for it */
        return;
    a->target[a->node[fork].first] = x;
    a->target[a->node[fork].first + 1] = y;
}

uint32_t
t5g_node_loop(struct t5g_automaton *a, uint32_t body, uint32_t again, uint32_t min, uint32_t max,
              bool hollow, uint32_t next)
{
    if (max == 0)
        return next;
    return add_node(a, (struct t5g_node){.kind = T5G_IS_LOOP,
                                         .first = body,
                                         .n = again,
                                         .next = next,
                                         .min = hollow ? 0 : min,
                                         .max = max,
                                         .hollow = hollow});
}

uint32_t
t5g_rule_new(struct t5g_automaton *a)
{
    a->rule = t5g_grow(a->rule, a->n_rules, &a->cap_rules, sizeof *a->rule);
    a->rule[a->n_rules] = T5G_NODE_NONE;
    return (uint32_t)a->n_rules++;
}

void
t5g_rule_set(struct t5g_automaton *a, uint32_t rule, uint32_t node)
{
    a->rule[rule] = node;
}

uint32_t
t5g_node_call(struct t5g_automaton *a, uint32_t rule, uint32_t next)
{
    return add_node(a, (struct t5g_node){.kind = T5G_IS_CALL, .first = rule, .next = next});
}

/* ---- finish ---- */

static uint32_t
least(const struct t5g_automaton *a, const struct t5g_node *x)
{
    uint32_t need = T5G_UNLIMITED;
    for (uint32_t i = 0; i < x->n; i++) {
        uint32_t to = x->kind == T5G_IS_BYTES ? a->edge[x->first + i].to : a->target[x->first + i];
        need = a->node[to].need < need ? a->node[to].need : need;
    }
    return need;
}

static uint32_t
most(uint32_t x, uint32_t y)
{
    return x > y ? x : y;
}

/* What a node needs, from what those after it are known to need. */
static uint32_t
need_of(const struct t5g_automaton *a, const struct t5g_node *x)
{
    uint32_t need, body;
    switch (x->kind) {
    case T5G_IS_RETURN:
        return 0;
    case T5G_IS_BYTES:
    case T5G_IS_FORK:
        return least(a, x);
    case T5G_IS_CALL:
        need = a->node[a->rule[x->first]].need;
        /* a deeper one has no way, and chains of any length are settled soon */
        return most(a->node[x->next].need, need >= T5G_CALLS_MAX ? T5G_UNLIMITED : need + 1);
    case T5G_IS_LOOP:
        need = a->node[x->next].need;
        body = a->node[x->first].need;
        if (x->min > 1)
            body = most(body, a->node[x->n].need);
        return x->min > 0 ? most(need, body) : need;
    default:
        return T5G_UNLIMITED;
    }
}

/* Nodes are made from the end, so most of this is done in the first round. */
static void
set_needs(struct t5g_automaton *a)
{
    bool changed = true;
    for (size_t i = 0; i < a->n; i++)
        a->node[i].need = T5G_UNLIMITED;
    while (changed) {
        changed = false;
        for (size_t i = 0; i < a->n; i++) {
            uint32_t need = need_of(a, &a->node[i]);
            if (need < a->node[i].need) {
                a->node[i].need = need;
                changed = true;
            }
        }
    }
}

static void
set_classes(struct t5g_automaton *a)
{
    bool begins[257] = {true};
    for (size_t i = 0; i < a->n_edges; i++) {
        begins[a->edge[i].lo] = true;
        begins[a->edge[i].hi + 1] = true;
    }
    a->classes = 0;
    for (size_t b = 0; b < 256; b++) {
        a->classes += begins[b];
        a->class_of[b] = (uint8_t)(a->classes - 1);
    }
}

int
t5g_automaton_finish(struct t5g_automaton *a, uint32_t start, struct t5g_err *e)
{
    a->start = start;
    if (a->full)
        return t5g_err_set(e, T5G_EX_DATA,
                           "too large: it leaves too many ways to read a text (more than %d "
                           "places, or %d steps between them)",
                           T5G_NODES_MAX, T5G_EDGES_MAX);
    set_needs(a);
    set_classes(a);
    if (a->node[start].need > T5G_CALLS_MAX)
        return t5g_err_set(e, T5G_EX_DATA, "no text matches it");
    return 0;
}
