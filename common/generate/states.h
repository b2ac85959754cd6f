/*
 * states.h: the states of an automaton that texts lead to, made when one does: sets of places in
 * the automaton, each with a stack of calls and counts.
 */
#ifndef T5G_STATES_H
#define T5G_STATES_H

#include "generate/automaton.h"

/* Where a text has come to. */
struct t5g_state {
    size_t first; /* of its n places in `places` */
    uint32_t n;
    uint32_t like; /* the state of which it is the double: see t5g_states_like; 0: not known */
    uint32_t mask, mark; /* for the user; 0 at first */
    bool ends;           /* the text may end here */
};

enum {
    T5G_STATE_DEAD = 0, /* no text with this beginning matches */
    T5G_STATE_LOST = 1, /* not known: there are too many ways to read the text */
    T5G_STATES_FIRST    /* real states from here on */
};

struct t5g_states {
    const struct t5g_automaton *a;
    struct t5g_state *state; /* [n] */
    uint32_t *step;          /* [n, a->classes] next states; T5G_STEP_NEW: not made yet */
    size_t n;
    uint32_t start;
    struct t5g_states_memory *m;
};
#define T5G_STEP_NEW UINT32_MAX

void t5g_states_open(struct t5g_states *s, const struct t5g_automaton *a); /* a outlives s */
void t5g_states_close(struct t5g_states *s);
void t5g_states_reset(struct t5g_states *s); /* forget all states, which frees their memory */
size_t t5g_states_bytes(const struct t5g_states *s); /* how much they take */

/* The state that a byte of this class leads to; makes it. */
uint32_t t5g_states_make(struct t5g_states *s, uint32_t from, uint32_t class);

static inline uint32_t
t5g_states_step(struct t5g_states *s, uint32_t from, uint8_t byte)
{
    uint32_t class = s->a->class_of[byte], to = s->step[from * s->a->classes + class];
    return to != T5G_STEP_NEW ? to : t5g_states_make(s, from, class);
}

/*
 * A state from which the texts up to `most` bytes that lead on, or to an end, are the same as from
 * this one, and which is the same for many: counts that are far from their limits do not matter.
 */
uint32_t t5g_states_like(struct t5g_states *s, uint32_t state, uint32_t most);

#endif
