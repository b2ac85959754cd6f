/*
 * states.c: states of an automaton, made when they are met.
 *
 * A place is a node of bytes and a stack; a stack is a list of frames that share their tails, and
 * equal frames, stacks and states are one, so comparing them is comparing numbers. A frame holds
 * the node after a call, or a loop and how often its body has been run.
 */
#include "generate/states.h"

#include <stdlib.h>
#include <string.h>

enum {
    PLACES_MAX = 1 << 14, /* of one state */
    CALL = UINT32_MAX,    /* count of a frame that is a call's */
    AGE_MAX = UINT32_MAX,
};
#define BYTES_MAX ((size_t)512 << 20)

struct frame {
    uint32_t node, count; /* CALL: node follows; else it is the loop, run `count` times before */
    uint32_t below;       /* the frame below; 0: none */
    bool fresh;           /* a hollow loop's, and the run at work has taken no byte */
    uint32_t solid;       /* the stack without fresh frames; UINT32_MAX: not known */
    uint32_t depth;       /* calls in the stack */
    uint32_t like;        /* as that of states; UINT32_MAX: not known */
};

struct place {
    uint32_t node, stack;
};

/* Hash table of numbers 1.. of frames or states. */
struct table {
    uint32_t *slot;
    size_t slots, n;
};

struct t5g_states_memory {
    struct frame *frame; /* [n_frames]; 0 is the empty stack */
    size_t n_frames, cap_frames;
    struct place *place; /* [n_places] of all states */
    size_t n_places, cap_places, cap_states, cap_step;
    struct table frames, states;
    /* of the state at work */
    struct place *todo, *found;
    size_t n_todo, n_found, cap_todo, cap_found;
    struct {
        struct place place;
        uint32_t age;
    } * seen; /* [seen_slots]: places of `age` were added */
    size_t seen_slots, n_seen;
    uint32_t age;
    bool ends, lost;
};

static uint64_t
mix(uint64_t h, uint64_t x)
{
    h = (h ^ x) * UINT64_C(0x9e3779b97f4a7c15);
    return h ^ h >> 29;
}

static void
table_open(struct table *t)
{
    t->slots = 256;
    t->n = 0;
    t->slot = t5g_alloc(t->slots, sizeof *t->slot);
}

/* ---- frames ---- */

static uint64_t
frame_hash(const struct frame *f)
{
    return mix(mix(f->node, f->count), (uint64_t)f->fresh << 32 | f->below);
}

/* The number of an equal frame, or of a new one. */
static uint32_t
push(struct t5g_states *s, uint32_t node, uint32_t count, bool fresh, uint32_t below)
{
    struct t5g_states_memory *m = s->m;
    struct frame f = {.node = node,
                      .count = count,
                      .below = below,
                      .fresh = fresh,
                      .solid = UINT32_MAX,
                      .like = UINT32_MAX};
    f.depth = (below != 0 ? m->frame[below].depth : 0) + (count == CALL);
    size_t at = frame_hash(&f) & (m->frames.slots - 1);
    for (; m->frames.slot[at] != 0; at = (at + 1) & (m->frames.slots - 1)) {
        const struct frame *g = &m->frame[m->frames.slot[at]];
        if (g->node == node && g->count == count && g->below == below && g->fresh == fresh)
            return m->frames.slot[at];
    }
    m->frame = t5g_grow(m->frame, m->n_frames, &m->cap_frames, sizeof *m->frame);
    m->frame[m->n_frames] = f;
    m->frames.slot[at] = (uint32_t)m->n_frames;
    if (++m->frames.n * 2 > m->frames.slots) {
        struct table *t = &m->frames;
        t5g_free(t->slot);
        t->slots *= 2;
        t->slot = t5g_alloc(t->slots, sizeof *t->slot);
        for (uint32_t i = 1; i <= m->n_frames; i++) {
            at = frame_hash(&m->frame[i]) & (t->slots - 1);
            while (t->slot[at] != 0)
                at = (at + 1) & (t->slots - 1);
            t->slot[at] = i;
        }
    }
    return (uint32_t)m->n_frames++;
}

/* ---- the places of a state ---- */

static void
forget_seen(struct t5g_states_memory *m)
{
    m->n_seen = 0;
    if (m->age == AGE_MAX) {
        memset(m->seen, 0, m->seen_slots * sizeof *m->seen);
        m->age = 0;
    }
    m->age++;
}

static void
grow_seen(struct t5g_states_memory *m)
{
    size_t n = m->seen_slots, slots = 2 * n;
    void *old = m->seen;
    struct place *all = t5g_alloc(m->n_seen, sizeof *all);
    size_t k = 0;
    for (size_t i = 0; i < n; i++)
        if (m->seen[i].age == m->age)
            all[k++] = m->seen[i].place;
    m->seen = t5g_alloc(slots, sizeof *m->seen);
    m->seen_slots = slots;
    for (size_t i = 0; i < k; i++) {
        size_t at = mix(all[i].node, all[i].stack) & (slots - 1);
        while (m->seen[at].age == m->age)
            at = (at + 1) & (slots - 1);
        m->seen[at].place = all[i];
        m->seen[at].age = m->age;
    }
    t5g_free(all);
    t5g_free(old);
}

/* Whether this is the first time since forget_seen. */
static bool
first_time(struct t5g_states_memory *m, struct place p)
{
    size_t at = mix(p.node, p.stack) & (m->seen_slots - 1);
    for (; m->seen[at].age == m->age; at = (at + 1) & (m->seen_slots - 1))
        if (m->seen[at].place.node == p.node && m->seen[at].place.stack == p.stack)
            return false;
    m->seen[at].place = p;
    m->seen[at].age = m->age;
    if (++m->n_seen * 2 > m->seen_slots)
        grow_seen(m);
    return true;
}

/* A node is reached with a stack: it counts if the text can end from there. */
static void
reach(struct t5g_states *s, uint32_t node, uint32_t stack)
{
    struct t5g_states_memory *m = s->m;
    uint32_t need = s->a->node[node].need;
    if (need > T5G_CALLS_MAX || need + m->frame[stack].depth > T5G_CALLS_MAX ||
        !first_time(m, (struct place){node, stack}))
        return;
    if (m->n_seen > 4 * PLACES_MAX) {
        m->lost = true;
        return;
    }
    m->todo = t5g_grow(m->todo, m->n_todo, &m->cap_todo, sizeof *m->todo);
    m->todo[m->n_todo++] = (struct place){node, stack};
}

/* The end of a rule, of a loop's body, or of the text. */
static void
leave(struct t5g_states *s, uint32_t stack)
{
    struct t5g_states_memory *m = s->m;
    if (stack == 0) {
        m->ends = true;
        return;
    }
    struct frame f = m->frame[stack];
    if (f.count == CALL) {
        reach(s, f.node, f.below);
        return;
    }
    if (f.fresh) /* a run without a byte leads nowhere that does not go without it */
        return;
    const struct t5g_node *loop = &s->a->node[f.node];
    uint32_t runs = f.count + 1;
    if (runs >= loop->min)
        reach(s, loop->next, f.below);
    if (loop->max == T5G_UNLIMITED && runs > loop->min)
        runs = loop->min; /* how often beyond that does not matter */
    if (runs < loop->max)
        reach(s, loop->n, push(s, f.node, runs, loop->hollow, f.below));
}

/* From the places to do, through all nodes that take no byte, to those that do. */
static void
spread(struct t5g_states *s)
{
    struct t5g_states_memory *m = s->m;
    const struct t5g_automaton *a = s->a;
    while (m->n_todo > 0) {
        struct place p = m->todo[--m->n_todo];
        const struct t5g_node *x = &a->node[p.node];
        switch (x->kind) {
        case T5G_IS_BYTES:
            m->found = t5g_grow(m->found, m->n_found, &m->cap_found, sizeof *m->found);
            m->found[m->n_found++] = p;
            break;
        case T5G_IS_FORK:
            for (uint32_t i = 0; i < x->n; i++)
                reach(s, a->target[x->first + i], p.stack);
            break;
        case T5G_IS_CALL:
            reach(s, a->rule[x->first], push(s, x->next, CALL, false, p.stack));
            break;
        case T5G_IS_LOOP:
            if (x->min == 0)
                reach(s, x->next, p.stack);
            reach(s, x->first, push(s, p.node, 0, x->hollow, p.stack));
            break;
        default:
            leave(s, p.stack);
        }
    }
}

/* ---- states ---- */

static uint64_t
state_hash(const struct place *p, size_t n, bool ends)
{
    uint64_t h = n * 2 + ends;
    for (size_t i = 0; i < n; i++)
        h = mix(h, (uint64_t)p[i].node << 32 | p[i].stack);
    return h;
}

static void
grow_states(struct t5g_states *s)
{
    struct t5g_states_memory *m = s->m;
    struct table *t = &m->states;
    if (s->n == m->cap_states) {
        size_t cap = 2 * s->n, row = s->a->classes;
        struct t5g_state *state = t5g_alloc(cap, sizeof *state);
        uint32_t *step = t5g_alloc_raw(cap * row, sizeof *step);
        memcpy(state, s->state, s->n * sizeof *state);
        memcpy(step, s->step, s->n * row * sizeof *step);
        t5g_free(s->state);
        t5g_free(s->step);
        s->state = state;
        s->step = step;
        m->cap_states = cap;
    }
    if ((t->n + 1) * 2 <= t->slots)
        return;
    t5g_free(t->slot);
    t->slots *= 2;
    t->slot = t5g_alloc(t->slots, sizeof *t->slot);
    for (uint32_t i = T5G_STATES_FIRST; i < s->n; i++) {
        const struct t5g_state *x = &s->state[i];
        size_t at = state_hash(m->place + x->first, x->n, x->ends) & (t->slots - 1);
        while (t->slot[at] != 0)
            at = (at + 1) & (t->slots - 1);
        t->slot[at] = i;
    }
}

/* m->found in ascending order. Most states have few places. */
static int
by_place(const void *a, const void *b)
{
    const struct place *x = a, *y = b;
    if (x->node != y->node)
        return x->node < y->node ? -1 : 1;
    return x->stack < y->stack ? -1 : x->stack > y->stack;
}

/* The state of the places found, and m->ends; an equal one, or a new one. */
static uint32_t
settle(struct t5g_states *s)
{
    struct t5g_states_memory *m = s->m;
    if (m->n_found == 0 && !m->ends)
        return T5G_STATE_DEAD;
    if (m->lost || m->n_found > PLACES_MAX || t5g_states_bytes(s) > BYTES_MAX)
        return T5G_STATE_LOST;
    if (m->n_found > 1)
        qsort(m->found, m->n_found, sizeof *m->found, by_place);
    grow_states(s);
    size_t n = m->n_found, at = state_hash(m->found, n, m->ends) & (m->states.slots - 1);
    for (; m->states.slot[at] != 0; at = (at + 1) & (m->states.slots - 1)) {
        const struct t5g_state *x = &s->state[m->states.slot[at]];
        if (x->n == n && x->ends == m->ends &&
            memcmp(m->place + x->first, m->found, n * sizeof *m->found) == 0)
            return m->states.slot[at];
    }
    s->state[s->n] = (struct t5g_state){.first = m->n_places, .n = (uint32_t)n, .ends = m->ends};
    for (size_t i = 0; i < n; i++) {
        m->place = t5g_grow(m->place, m->n_places, &m->cap_places, sizeof *m->place);
        m->place[m->n_places++] = m->found[i];
    }
    memset(s->step + s->n * s->a->classes, 0xff, s->a->classes * sizeof *s->step);
    m->states.slot[at] = (uint32_t)s->n;
    m->states.n++;
    return (uint32_t)s->n++;
}

static void
begin(struct t5g_states_memory *m)
{
    m->n_todo = m->n_found = 0;
    m->ends = m->lost = false;
    forget_seen(m);
}

static void
first_states(struct t5g_states *s)
{
    struct t5g_states_memory *m = s->m;
    table_open(&m->frames);
    table_open(&m->states);
    m->place = t5g_grow(NULL, 0, &m->cap_places, sizeof *m->place);
    m->cap_frames = m->n_frames = 0;
    m->frame = t5g_grow(NULL, 0, &m->cap_frames, sizeof *m->frame);
    m->frame[m->n_frames++] = (struct frame){.like = 0, .solid = 0};
    m->cap_states = 64;
    s->state = t5g_alloc(m->cap_states, sizeof *s->state);
    s->step = t5g_alloc(m->cap_states * s->a->classes, sizeof *s->step); /* zero: to DEAD */
    s->n = T5G_STATES_FIRST;
    begin(m);
    reach(s, s->a->start, 0);
    spread(s);
    s->start = settle(s);
}

void
t5g_states_open(struct t5g_states *s, const struct t5g_automaton *a)
{
    *s = (struct t5g_states){.a = a, .m = t5g_alloc(1, sizeof *s->m)};
    s->m->found = t5g_grow(NULL, 0, &s->m->cap_found, sizeof *s->m->found);
    s->m->seen_slots = 64;
    s->m->seen = t5g_alloc(s->m->seen_slots, sizeof *s->m->seen);
    first_states(s);
}

static void
clear(struct t5g_states *s)
{
    struct t5g_states_memory *m = s->m;
    t5g_free(s->state);
    t5g_free(s->step);
    t5g_free(m->frame);
    t5g_free(m->place);
    t5g_free(m->frames.slot);
    t5g_free(m->states.slot);
    m->place = NULL;
    m->n_places = m->cap_places = 0;
}

void
t5g_states_close(struct t5g_states *s)
{
    if (s->m == NULL)
        return;
    clear(s);
    t5g_free(s->m->todo);
    t5g_free(s->m->found);
    t5g_free(s->m->seen);
    t5g_free(s->m);
    *s = (struct t5g_states){0};
}

void
t5g_states_reset(struct t5g_states *s)
{
    clear(s);
    first_states(s);
}

size_t
t5g_states_bytes(const struct t5g_states *s)
{
    const struct t5g_states_memory *m = s->m;
    return m->n_frames * (sizeof *m->frame + 8) + m->n_places * sizeof *m->place +
           s->n * (sizeof *s->state + 8 + s->a->classes * sizeof *s->step);
}

/* The target of a byte, or NONE. */
static uint32_t
follow(const struct t5g_automaton *a, const struct t5g_node *x, uint8_t byte)
{
    const struct t5g_edge *e = a->edge + x->first;
    size_t from = 0, to = x->n;
    while (from < to) {
        size_t mid = (from + to) / 2;
        if (e[mid].hi < byte)
            from = mid + 1;
        else
            to = mid;
    }
    return from < x->n && e[from].lo <= byte ? e[from].to : (uint32_t)T5G_NODE_NONE;
}

/* The stack after a byte. */
static uint32_t
solid(struct t5g_states *s, uint32_t stack)
{
    struct t5g_states_memory *m = s->m;
    struct frame f = m->frame[stack];
    if (f.solid != UINT32_MAX)
        return f.solid;
    uint32_t below = solid(s, f.below);
    uint32_t same = push(s, f.node, f.count, false, below);
    m->frame[same].solid = same;
    m->frame[stack].solid = same;
    return same;
}

uint32_t
t5g_states_make(struct t5g_states *s, uint32_t from, uint32_t class)
{
    struct t5g_states_memory *m = s->m;
    struct t5g_state x = s->state[from];
    size_t byte = 0;
    while (s->a->class_of[byte] != class)
        byte++;
    begin(m);
    for (uint32_t i = 0; i < x.n; i++) {
        struct place p = m->place[x.first + i];
        reach(s, follow(s->a, &s->a->node[p.node], (uint8_t)byte), solid(s, p.stack));
    }
    spread(s);
    uint32_t to = settle(s);
    s->step[from * s->a->classes + class] = to;
    return to;
}

/* ---- doubles ---- */

/* A count of finished runs that leads on like this one for `most` bytes. */
static uint32_t
count_like(const struct t5g_node *loop, uint32_t count, uint32_t most)
{
    if (count < loop->min)
        return loop->min - count > most + 1 ? 0 : count;
    return loop->max != T5G_UNLIMITED && loop->max - count > most + 1 ? loop->min : count;
}

/* The stack with such counts. */
static uint32_t
stack_like(struct t5g_states *s, uint32_t stack, uint32_t most)
{
    struct t5g_states_memory *m = s->m;
    struct frame f = m->frame[stack];
    if (f.like != UINT32_MAX)
        return f.like;
    uint32_t below = stack_like(s, f.below, most);
    if (f.count != CALL)
        f.count = count_like(&s->a->node[f.node], f.count, most);
    uint32_t like = push(s, f.node, f.count, f.fresh, below);
    m->frame[like].like = like;
    m->frame[stack].like = like;
    return like;
}

uint32_t
t5g_states_like(struct t5g_states *s, uint32_t state, uint32_t most)
{
    struct t5g_states_memory *m = s->m;
    struct t5g_state x = s->state[state];
    if (x.like != 0)
        return x.like;
    if (state < T5G_STATES_FIRST)
        return state;
    begin(m);
    m->ends = x.ends;
    for (uint32_t i = 0; i < x.n; i++) {
        struct place p = m->place[x.first + i];
        p.stack = stack_like(s, p.stack, most);
        if (!first_time(m, p))
            continue;
        m->found = t5g_grow(m->found, m->n_found, &m->cap_found, sizeof *m->found);
        m->found[m->n_found++] = p;
    }
    uint32_t like = settle(s);
    s->state[state].like = like;
    if (like >= T5G_STATES_FIRST)
        s->state[like].like = like;
    return like;
}
