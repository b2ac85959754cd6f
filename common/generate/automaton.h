/*
 * automaton.h: what a text may be, as a nondeterministic automaton over bytes with a stack: calls
 * of rules (for recursion) and counted loops. Expressions are built from their end: a function that
 * makes a node takes the node that follows it.
 */
#ifndef T5G_AUTOMATON_H
#define T5G_AUTOMATON_H

#include "base/err.h"
#include "base/mem.h"

enum {
    T5G_NODE_NONE = 0,   /* no text leads on from here */
    T5G_NODE_RETURN = 1, /* the end of a rule, a loop's body, or the text */
};
#define T5G_UNLIMITED UINT32_MAX

enum t5g_node_kind {
    T5G_IS_NONE,
    T5G_IS_RETURN,
    T5G_IS_BYTES,
    T5G_IS_FORK,
    T5G_IS_CALL,
    T5G_IS_LOOP
};

/* A byte from lo to hi leads to a node. */
struct t5g_edge {
    uint8_t lo, hi;
    uint32_t to;
};

struct t5g_node {
    uint8_t kind;
    uint32_t first, n; /* BYTES: edges; FORK: targets; CALL: rule; LOOP: body, and before further
                          runs of it */
    uint32_t next;     /* CALL, LOOP */
    uint32_t min, max; /* LOOP: runs of the body; T5G_UNLIMITED */
    bool hollow;       /* LOOP: the body may be empty; min is 0 then */
    uint32_t need;     /* the deepest nesting of calls on the way to the end that has the least;
                          T5G_UNLIMITED: no way */
};

/* A set of characters and its node. */
struct t5g_set_node {
    void *ranges;
    size_t n;
    uint32_t node; /* NONE: not in use */
};

/* Fields are for reading. */
struct t5g_automaton {
    struct t5g_node *node; /* [n] */
    struct t5g_edge *edge;
    uint32_t *target; /* of forks */
    uint32_t *rule;   /* [n_rules] first nodes */
    size_t n, n_edges, n_targets, n_rules;
    uint32_t start;
    uint32_t json_char;             /* json_nodes.c: a node that many share; NONE: not made yet */
    struct t5g_set_node *set_nodes; /* [T5G_SET_NODES], or NULL: charset.c */
    uint8_t class_of[256];          /* bytes that no edge tells apart have one class */
    size_t classes;
    /* private */
    size_t cap, cap_edges, cap_targets, cap_rules, slots, n_interned;
    uint32_t *slot; /* BYTES nodes by hash of their edges */
    bool full;      /* for reading: it is too large, and t5g_automaton_finish will say so */
};

enum {
    T5G_NODES_MAX = 1 << 21,
    T5G_EDGES_MAX = 1 << 23, /* of bytes; as many targets of forks */
    T5G_SET_NODES = 1024,
    T5G_CALLS_MAX = 256, /* of calls inside calls */
};

struct t5g_automaton *t5g_automaton_open(void);
void t5g_automaton_close(struct t5g_automaton *a);

/* One byte of the edges [n], which are ascending and disjoint; those to NONE are left out. */
uint32_t t5g_node_bytes(struct t5g_automaton *a, const struct t5g_edge *edges, size_t n);
uint32_t t5g_node_byte(struct t5g_automaton *a, uint8_t byte, uint32_t next);
/* These bytes [n]. */
uint32_t t5g_node_text(struct t5g_automaton *a, const void *text, size_t n, uint32_t next);

/* One of the nodes [n]. */
uint32_t t5g_node_fork(struct t5g_automaton *a, const uint32_t *nodes, size_t n);
/* A fork of two that are set later, for circles. */
uint32_t t5g_node_later(struct t5g_automaton *a);
void t5g_node_set(struct t5g_automaton *a, uint32_t fork, uint32_t x, uint32_t y);

/*
 * body, which ends with RETURN, min to max times; between runs of it is what leads from `again` to
 * body (again == body: nothing). hollow: the body may be empty, so min does not count.
 */
uint32_t t5g_node_loop(struct t5g_automaton *a, uint32_t body, uint32_t again, uint32_t min,
                       uint32_t max, bool hollow, uint32_t next);

/* A rule is called by its number; its first node, which leads to RETURN, may be set later. */
uint32_t t5g_rule_new(struct t5g_automaton *a);
void t5g_rule_set(struct t5g_automaton *a, uint32_t rule, uint32_t node);
uint32_t t5g_node_call(struct t5g_automaton *a, uint32_t rule, uint32_t next);

/*
 * The text begins at `start` and ends with RETURN. Sets need of all nodes and the classes of bytes.
 * -1 with e (65): no text matches, or there are too many nodes.
 */
int t5g_automaton_finish(struct t5g_automaton *a, uint32_t start, struct t5g_err *e);

#endif
