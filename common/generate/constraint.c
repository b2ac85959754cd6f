/*
 * constraint.c: from a state to the ids that may follow.
 *
 * The sorted texts of all ids are read once for each state that differs in what may follow within
 * the longest of them. A text begins like the one before it, so its state there is known, and all
 * texts that begin with what is not allowed are passed over.
 *
 * States are numbers in memory that all sequences share. When it is given up, a sequence reads its
 * ids again from the beginning.
 */
#include "generate/constraint.h"
#include "generate/lexicon.h"
#include "generate/processors.h"
#include "generate/states.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
    FEW = 4096,      /* ids that are kept as a list */
    KEEP = 128 << 20 /* bytes */
};

#define LOST "the constraint leaves too many ways to read the text so far: make it simpler"

/*
 * How much work the masks of a sequence may be, in places of the states that their walks meet:
 * about 200 ns for each on one processor of 2024. A mask that is known costs nothing, but it
 * counts as much, so that it does not matter which other sequences there are.
 */
#define WORK_MOST  ((uint64_t)1 << 23)
#define WORK_TOKEN ((uint64_t)1 << 18) /* more for each token */

struct mask {
    struct t5g_allowed allowed;
    uint64_t work;
};

static const struct t5g_allowed lost_allowed = {.ids = (const int32_t[]){-1}, .lost = true};

struct t5g_constraint {
    struct t5g_automaton *a;
    const struct t5g_tokenizer *t;
    const struct t5g_config *c;
    struct t5g_lexicon words;
    struct t5g_states states;
    uint32_t age;        /* how often the memory of states was given up */
    struct mask **masks; /* [n_masks]; of a state: mask - 1 */
    size_t n_masks, cap_masks, mask_bytes;
    size_t most;    /* bytes of states, or of states and masks, that are kept */
    uint32_t *path; /* [longest + 1] states of the text at work */
    int32_t *ids;   /* [v + n_eos] those found */
    bool lost;      /* a state of the text at work was */
    uint32_t mark;  /* of the walk at work, in states that it has met */
    uint64_t work;  /* of that walk */
};

static bool
has_silent_eos(const struct t5g_tokenizer *t, const struct t5g_config *c)
{
    size_t n;
    for (size_t i = 0; i < c->n_eos; i++)
        if (c->eos[i] >= 0 && (size_t)c->eos[i] < c->decoder.v &&
            (t5g_printed(t, c->eos[i], &n), n == 0))
            return true;
    return false;
}

/* Whether each byte is printed by some token alone, so that every text has a spelling. */
static int
check_bytes(const struct t5g_lexicon *x, struct t5g_err *e)
{
    for (size_t b = 0; b < 256; b++) {
        uint32_t i = x->begin[b];
        if (i == x->begin[b + 1] || x->from[i + 1] - x->from[i] != 1)
            return t5g_err_set(e, T5G_EX_DATA,
                               "the model has no token for byte 0x%02zx alone, so its answers "
                               "cannot be constrained",
                               b);
    }
    return 0;
}

struct t5g_constraint *
t5g_constraint_open(struct t5g_automaton *a, const struct t5g_tokenizer *t,
                    const struct t5g_config *c, struct t5g_err *e)
{
    struct t5g_constraint *x = t5g_alloc(1, sizeof *x);
    size_t v = c->decoder.v;
    x->a = a;
    x->t = t;
    x->c = c;
    x->age = 1;
    x->most = KEEP;
    t5g_lexicon_open(&x->words, t, v, c->eos, c->n_eos);
    t5g_states_open(&x->states, a);
    x->path = t5g_alloc(x->words.longest + 1, sizeof *x->path);
    x->ids = t5g_alloc_raw(v + c->n_eos, sizeof *x->ids);
    bool good = check_bytes(&x->words, e) == 0;
    if (good && !has_silent_eos(t, c))
        good = t5g_err_set(e, T5G_EX_DATA,
                           "the model has no end-of-sequence token that prints nothing, so its "
                           "answers cannot be constrained") == 0;
    if (good && x->states.start == T5G_STATE_LOST)
        good = t5g_err_set(e, T5G_EX_DATA, LOST) == 0;
    if (good)
        return x;
    t5g_constraint_close(x);
    return NULL;
}

static void
drop_masks(struct t5g_constraint *c)
{
    for (size_t i = 0; i < c->n_masks; i++)
        t5g_free(c->masks[i]); /* with its list or bits */
    c->n_masks = c->mask_bytes = 0;
}

void
t5g_constraint_close(struct t5g_constraint *c)
{
    if (c == NULL)
        return;
    drop_masks(c);
    t5g_free(c->masks);
    t5g_lexicon_close(&c->words);
    t5g_states_close(&c->states);
    t5g_automaton_close(c->a);
    t5g_free(c->path);
    t5g_free(c->ids);
    t5g_free(c);
}

/* ---- masks ---- */

/* The state after text [n]. */
static uint32_t
after(struct t5g_constraint *c, uint32_t state, const char *text, size_t n)
{
    for (size_t i = 0; i < n && state != T5G_STATE_DEAD; i++)
        state = t5g_states_step(&c->states, state, (uint8_t)text[i]);
    return state;
}

/* Count the work on a state that a walk comes to, once. */
static void
meet(struct t5g_constraint *c, uint32_t state)
{
    struct t5g_state *x = &c->states.state[state];
    if (x->mark == c->mark)
        return;
    x->mark = c->mark;
    c->work += x->n;
    if (c->work > WORK_MOST)
        c->lost = true;
}

/* The entries of the lexicon from i to `end`, which begin with one byte, that may follow: their ids
 * are appended to c->ids, which has n. Returns how many it has then. */
static size_t
walk(struct t5g_constraint *c, size_t i, size_t end, size_t n)
{
    const struct t5g_lexicon *x = &c->words;
    while (i < end && !c->lost) {
        size_t at = x->same[i];
        const uint8_t *p = x->rest + x->from[i], *stop = x->rest + x->from[i + 1];
        uint32_t state = c->path[at];
        while (p < stop && state >= T5G_STATES_FIRST) {
            state = t5g_states_step(&c->states, state, *p++);
            c->path[++at] = state;
            meet(c, state);
        }
        if (state >= T5G_STATES_FIRST) {
            c->ids[n++] = x->id[i++];
            continue;
        }
        c->lost |= state == T5G_STATE_LOST;
        for (i++; i < end && x->same[i] >= at;) /* they begin with these bytes, too */
            i++;
    }
    return n;
}

/* The eos ids that may follow, appended likewise: one that prints something ends the text with
 * it. */
static size_t
add_eos(struct t5g_constraint *c, uint32_t state, size_t n)
{
    const struct t5g_config *config = c->c;
    for (size_t i = 0; i < config->n_eos; i++) {
        size_t len;
        int32_t id = config->eos[i];
        const char *text = t5g_printed(c->t, id, &len);
        uint32_t end = after(c, state, text, len);
        if (id >= 0 && (size_t)id < config->decoder.v && c->states.state[end].ends)
            c->ids[n++] = id;
    }
    return n;
}

static int
ascending(const void *a, const void *b)
{
    const int32_t *x = a, *y = b;
    return *x < *y ? -1 : *x > *y;
}

/* Keep c->ids [n] as a mask: in one block of memory with its list or bits. */
static struct mask *
keep(struct t5g_constraint *c, size_t n)
{
    size_t v = c->c->decoder.v;
    bool few = n <= FEW && n < v / 8;
    size_t head = (size_t)t5g_round_up(sizeof(struct mask), T5G_ALIGN);
    size_t bytes = head + (few ? n * sizeof(int32_t) : (v + 63) / 64 * sizeof(uint64_t));
    char *block = t5g_alloc(bytes, 1);
    struct mask *mask = (struct mask *)(void *)block;
    struct t5g_allowed *a = &mask->allowed;
    c->mask_bytes += bytes;
    mask->work = c->work;
    a->n = n;
    a->lost = c->lost;
    if (few) {
        int32_t *ids = (int32_t *)(void *)(block + head);
        if (n > 0)
            memcpy(ids, c->ids, n * sizeof *ids);
        qsort(ids, n, sizeof *ids, ascending);
        a->ids = ids;
    } else {
        uint64_t *bits = (uint64_t *)(void *)(block + head);
        for (size_t i = 0; i < n; i++)
            bits[c->ids[i] / 64] |= (uint64_t)1 << c->ids[i] % 64;
        a->bits = bits;
    }
    return mask;
}

/* The number of the mask of a state. */
static uint32_t
mask_of(struct t5g_constraint *c, uint32_t state)
{
    struct t5g_states *s = &c->states;
    uint32_t like = t5g_states_like(s, state, (uint32_t)c->words.longest);
    if (s->state[like].mask != 0)
        return s->state[like].mask;
    size_t n = 0;
    c->path[0] = like;
    c->mark++;
    c->work = 0;
    c->lost = like == T5G_STATE_LOST;
    for (size_t b = 0; b < 256; b++)
        if (c->words.begin[b] < c->words.begin[b + 1] &&
            t5g_states_step(s, like, (uint8_t)b) != T5G_STATE_DEAD)
            n = walk(c, c->words.begin[b], c->words.begin[b + 1], n);
    n = add_eos(c, like, n);
    c->masks = t5g_grow(c->masks, c->n_masks, &c->cap_masks, sizeof *c->masks);
    c->masks[c->n_masks++] = keep(c, c->lost ? 0 : n);
    s->state[like].mask = (uint32_t)c->n_masks;
    return s->state[like].mask;
}

/* ---- places ---- */

static void
read_id(struct t5g_constraint *c, struct t5g_place *at, int32_t id)
{
    size_t n;
    const char *text = t5g_printed(c->t, id, &n);
    at->state = n > 0 ? after(c, at->state, text, n) : (uint32_t)T5G_STATE_DEAD;
    at->n++;
}

/* Count the work of the mask after the ids read so far. */
static void
count(struct t5g_constraint *c, struct t5g_place *at)
{
    if (at->counted > at->n)
        return;
    uint32_t mask = mask_of(c, at->state); /* may move c->masks */
    at->counted = at->n + 1;
    at->work += c->masks[mask - 1]->work;
}

static const struct t5g_allowed *
allowed_at(struct t5g_constraint *c, struct t5g_place *at)
{
    count(c, at);
    if (at->work > WORK_MOST + at->n * WORK_TOKEN)
        return &lost_allowed;
    uint32_t mask = mask_of(c, at->state);
    return &c->masks[mask - 1]->allowed;
}

const struct t5g_allowed *
t5g_constraint_allowed(struct t5g_constraint *c, struct t5g_place *at, const int32_t *ids, size_t n)
{
    if (t5g_states_bytes(&c->states) > c->most) { /* their masks stay */
        t5g_states_reset(&c->states);
        c->age++;
    }
    if (at->n > n)
        *at = (struct t5g_place){0};
    if (at->age != c->age) {
        at->state = c->states.start;
        at->age = c->age;
        at->n = 0;
    }
    while (at->n < n) {
        count(c, at);
        read_id(c, at, ids[at->n]);
    }
    return allowed_at(c, at);
}

const struct t5g_allowed *
t5g_constraint_next(struct t5g_constraint *c, struct t5g_place *at, int32_t id)
{
    read_id(c, at, id);
    return allowed_at(c, at);
}

void
t5g_constraint_keep(struct t5g_constraint *c, size_t bytes)
{
    c->most = bytes;
}

void
t5g_constraint_tidy(struct t5g_constraint *c)
{
    if (t5g_states_bytes(&c->states) + c->mask_bytes <= c->most)
        return;
    drop_masks(c);
    t5g_states_reset(&c->states);
    c->age++;
}

void
t5g_constraint_apply(const struct t5g_allowed *a, float *logits, size_t v)
{
    if (a->ids != NULL) {
        float kept[FEW];
        for (size_t i = 0; i < a->n; i++)
            kept[i] = logits[a->ids[i]];
        for (size_t i = 0; i < v; i++)
            logits[i] = -INFINITY;
        for (size_t i = 0; i < a->n; i++)
            logits[a->ids[i]] = kept[i];
        return;
    }
    for (size_t i = 0; i < v; i += 64)
        for (uint64_t out = ~a->bits[i / 64]; out != 0; out &= out - 1) {
            size_t id = i + (size_t)__builtin_ctzll(out);
            if (id < v)
                logits[id] = -INFINITY;
        }
}

int
t5g_constraint_forbids(const struct t5g_allowed *a, size_t token, struct t5g_err *e)
{
    if (a == NULL)
        return t5g_err_set(e, T5G_EX_DATA, T5G_ALL_FORBIDDEN, token);
    if (a->lost)
        return t5g_err_set(e, T5G_EX_DATA, "token %zu of the answer: " LOST, token);
    return t5g_err_set(e, T5G_EX_DATA,
                       "token %zu of the answer: what the constraint allows is forbidden by other "
                       "options",
                       token);
}
