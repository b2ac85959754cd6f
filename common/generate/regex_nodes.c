/* regex_nodes.c: trees of regular expressions to nodes of an automaton, made from their ends. */
#include "generate/regex_tree.h"

struct maker {
    struct t5g_automaton *a;
    uint32_t (*one)(struct t5g_automaton *a, const struct t5g_charset *s, uint32_t next);
};

static uint32_t emit(const struct maker *m, const struct t5g_regex_node *x, uint32_t next);

static uint32_t
repeat(const struct maker *m, const struct t5g_regex_node *x, uint32_t next)
{
    if (x->max == 0)
        return next;
    if (x->min == 1 && x->max == 1)
        return emit(m, x->child, next);
    if (x->max == 1)
        return t5g_node_fork(m->a, (uint32_t[]){emit(m, x->child, next), next}, 2);
    if (x->max == T5G_UNLIMITED && x->min <= 1) {
        uint32_t after = t5g_node_later(m->a), body = emit(m, x->child, after);
        t5g_node_set(m->a, after, body, next);
        return x->min == 0 ? after : body;
    }
    uint32_t body = emit(m, x->child, T5G_NODE_RETURN);
    return t5g_node_loop(m->a, body, body, x->min, x->max, x->child->may_be_empty, next);
}

static uint32_t
emit(const struct maker *m, const struct t5g_regex_node *x, uint32_t next)
{
    struct t5g_buf nodes = {0};
    switch (x->kind) {
    case T5G_RE_CHAR:
        return m->one(m->a, &x->set, next);
    case T5G_RE_REPEAT:
        return repeat(m, x, next);
    case T5G_RE_CAT:
        for (const struct t5g_regex_node *y = x->child; y != NULL; y = y->other)
            next = emit(m, y, next);
        return next;
    case T5G_RE_ALT:
        for (const struct t5g_regex_node *y = x->child; y != NULL; y = y->other) {
            uint32_t node = emit(m, y, next);
            t5g_buf_add(&nodes, &node, sizeof node);
        }
        next = t5g_node_fork(m->a, (const uint32_t *)(const void *)nodes.p,
                             nodes.n / sizeof(uint32_t));
        t5g_buf_free(&nodes);
        return next;
    default:
        return next;
    }
}

uint32_t
t5g_regex_node(struct t5g_automaton *a, const struct t5g_regex *r, uint32_t next)
{
    return emit(&(struct maker){a, t5g_node_char}, r->top, next);
}

/* Any characters of a JSON string, then next. */
static uint32_t
anything(const struct maker *m, uint32_t next)
{
    struct t5g_charset all = {0};
    t5g_charset_invert(&all);
    uint32_t loop = t5g_node_later(m->a);
    t5g_node_set(m->a, loop, m->one(m->a, &all, loop), next);
    t5g_charset_free(&all);
    return loop;
}

uint32_t
t5g_regex_json_node(struct t5g_automaton *a, const struct t5g_regex *r, uint32_t next)
{
    struct maker m = {a, t5g_node_json_char};
    struct t5g_buf nodes = {0};
    for (const struct t5g_regex_node *x = r->top->child; x != NULL; x = x->other) {
        uint32_t node = emit(&m, x, x->ends ? next : anything(&m, next));
        if (!x->begins)
            node = anything(&m, node);
        t5g_buf_add(&nodes, &node, sizeof node);
    }
    next = t5g_node_fork(a, (const uint32_t *)(const void *)nodes.p, nodes.n / sizeof(uint32_t));
    t5g_buf_free(&nodes);
    return next;
}
