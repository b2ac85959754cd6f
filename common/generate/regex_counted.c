/*
 * regex_counted.c: a regular expression and a number of characters together.
 *
 * The expression becomes places, one for each character in it, counted ones repeated, and for each
 * place those that may follow (Glushkov 1961). A node then is a place and a number of characters.
 */
#include "generate/regex_tree.h"

#include <string.h>

enum { PLACES = 1024, NODES = 1 << 14 };

struct set {
    uint64_t w[PLACES / 64];
};

struct machine {
    const struct t5g_charset *at[PLACES]; /* [n]; 0 is the beginning */
    struct set follow[PLACES];
    struct set last;
    size_t n;
    bool too_large;
    struct t5g_charset any;
};

/* Of a part of the expression. */
struct part {
    struct set first, last;
    bool empty;
};

static bool
in(const struct set *s, size_t i)
{
    return (s->w[i / 64] >> i % 64 & 1) != 0;
}

/* The next member from i on; PLACES: there is none. */
static size_t
next_in(const struct set *s, size_t i)
{
    while (i < PLACES) {
        uint64_t w = s->w[i / 64] >> i % 64;
        if (w != 0)
            return i + (size_t)__builtin_ctzll(w);
        i = (i / 64 + 1) * 64;
    }
    return PLACES;
}

static void
join(struct set *to, const struct set *from)
{
    for (size_t i = 0; i < PLACES / 64; i++)
        to->w[i] |= from->w[i];
}

static void
follows(struct machine *m, const struct set *from, const struct set *to)
{
    for (size_t i = next_in(from, 0); i < PLACES; i = next_in(from, i + 1))
        join(&m->follow[i], to);
}

static struct part
then(struct machine *m, const struct part *a, const struct part *b)
{
    struct part p = {a->first, b->last, a->empty && b->empty};
    follows(m, &a->last, &b->first);
    if (a->empty)
        join(&p.first, &b->first);
    if (b->empty)
        join(&p.last, &a->last);
    return p;
}

static struct part
either(const struct part *a, const struct part *b)
{
    struct part p = {a->first, a->last, a->empty || b->empty};
    join(&p.first, &b->first);
    join(&p.last, &b->last);
    return p;
}

static struct part
place(struct machine *m, const struct t5g_charset *s)
{
    struct part p = {.empty = false};
    if (m->n == PLACES) {
        m->too_large = true;
        return p;
    }
    p.first.w[m->n / 64] = p.last.w[m->n / 64] = (uint64_t)1 << m->n % 64;
    m->at[m->n++] = s;
    return p;
}

static struct part places(struct machine *m, const struct t5g_regex_node *x);

static struct part
repeated(struct machine *m, const struct t5g_regex_node *x)
{
    struct part all = {.empty = true};
    bool open = x->max == T5G_UNLIMITED;
    uint32_t n = open ? (x->min > 0 ? x->min : 1) : x->max;
    for (uint32_t i = 0; i < n && !m->too_large; i++) {
        struct part one = places(m, x->child);
        if (open && i + 1 == n)
            follows(m, &one.last, &one.first);
        one.empty = one.empty || i >= x->min;
        all = then(m, &all, &one);
    }
    return all;
}

static struct part
places(struct machine *m, const struct t5g_regex_node *x)
{
    struct part all = {.empty = x->kind == T5G_RE_CAT};
    if (x->kind == T5G_RE_CHAR)
        return place(m, &x->set);
    if (x->kind == T5G_RE_REPEAT)
        return repeated(m, x);
    for (const struct t5g_regex_node *y = x->child; y != NULL && !m->too_large; y = y->other) {
        struct part one = places(m, y);
        all = x->kind == T5G_RE_CAT ? then(m, &one, &all) : either(&all, &one);
    }
    return all;
}

/* Any characters. */
static struct part
anything(struct machine *m)
{
    struct part p = place(m, &m->any);
    follows(m, &p.last, &p.first);
    p.empty = true;
    return p;
}

static void
build(struct machine *m, const struct t5g_regex *r)
{
    struct part all = {.empty = false};
    m->n = 1;
    t5g_charset_invert(&m->any);
    for (const struct t5g_regex_node *x = r->top->child; x != NULL && !m->too_large; x = x->other) {
        struct part one = places(m, x), side;
        if (!x->begins) {
            side = anything(m);
            one = then(m, &side, &one);
        }
        if (!x->ends) {
            side = anything(m);
            one = then(m, &one, &side);
        }
        all = either(&all, &one);
    }
    m->follow[0] = all.first;
    m->last = all.last;
    m->last.w[0] |= all.empty;
}

/* The nodes of one character of each place's set, to RETURN: chars of all counts share them. */
static void
make_bodies(struct t5g_automaton *a, const struct machine *m, uint32_t *body)
{
    for (size_t q = 1; q < m->n; q++)
        body[q] = t5g_node_json_body(a, m->at[q]);
}

/* A character of a place, then next. */
static uint32_t
one_char(struct t5g_automaton *a, uint32_t body, uint32_t next)
{
    if (body == T5G_NODE_NONE || next == T5G_NODE_NONE)
        return T5G_NODE_NONE;
    return t5g_node_loop(a, body, body, 1, 1, false, next);
}

/* What may follow place p: characters of which `chars` has the nodes, or the end. */
static uint32_t
onward(struct t5g_automaton *a, const struct machine *m, size_t p, const uint32_t *chars,
       uint32_t end)
{
    uint32_t nodes[PLACES + 1];
    size_t n = 0;
    const struct set *follow = &m->follow[p];
    for (size_t q = next_in(follow, 1); chars != NULL && q < PLACES; q = next_in(follow, q + 1))
        nodes[n++] = chars[q];
    if (in(&m->last, p))
        nodes[n++] = end;
    return t5g_node_fork(a, nodes, n);
}

uint32_t
t5g_regex_counted_node(struct t5g_automaton *a, const struct t5g_regex *r, uint32_t min,
                       uint32_t max, uint32_t next, bool *too_large)
{
    struct machine *m = t5g_alloc(1, sizeof *m);
    bool open = max == T5G_UNLIMITED;
    uint32_t most = open ? min : max, start = T5G_NODE_NONE;
    build(m, r);
    *too_large = m->too_large || most > NODES || m->n * ((size_t)most + 1) > NODES;
    uint32_t *chars = t5g_alloc(m->n, sizeof *chars), *at = t5g_alloc(m->n, sizeof *at);
    uint32_t *body = t5g_alloc(m->n, sizeof *body);
    if (!*too_large)
        make_bodies(a, m, body);
    bool have = false; /* chars are those of one more character */
    for (size_t q = 1; q < m->n && open && !*too_large; q++) { /* as many as that, or more */
        at[q] = t5g_node_later(a);
        chars[q] = one_char(a, body[q], at[q]);
        have = true;
    }
    for (size_t p = 1; p < m->n && open && !*too_large; p++)
        t5g_node_set(a, at[p], onward(a, m, p, chars, next), T5G_NODE_NONE);
    for (uint32_t c = most; !*too_large; c--) {
        uint32_t end = c >= min ? next : (uint32_t)T5G_NODE_NONE;
        const uint32_t *more = have ? chars : NULL;
        if (c == 0) {
            start = onward(a, m, 0, more, end);
            break;
        }
        for (size_t p = 1; p < m->n; p++)
            at[p] = onward(a, m, p, more, end);
        for (size_t q = 1; q < m->n; q++)
            chars[q] = one_char(a, body[q], at[q]);
        have = true;
    }
    t5g_free(chars);
    t5g_free(at);
    t5g_free(body);
    t5g_charset_free(&m->any);
    t5g_free(m);
    return start;
}
