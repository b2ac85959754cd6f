/* targets.h: given continuations of a prompt, and the tree of their common beginnings. */
#ifndef T5G_TARGETS_H
#define T5G_TARGETS_H

#include "base/base.h"

/* A beginning of one or more targets. */
struct t5g_target_node {
    int32_t id;    /* its last id */
    size_t parent; /* the node without that id */
    size_t depth;  /* ids before it */
    size_t end;    /* the node behind all that begin with it */
    size_t fed;    /* its number among the nodes that something follows, counted from node 0 as 0 */
};

/*
 * Zero-initialise; freed by t5g_targets_free. Node 0 is the empty beginning. A node comes after its
 * parent and before the parent's next child, and children ascend by id: the order in which targets
 * were added does not show.
 */
struct t5g_targets {
    size_t n; /* targets */
    int32_t *ids;
    size_t *end;  /* [n] target i is ids[i > 0 ? end[i - 1] : 0] to end[i] - 1 */
    size_t *leaf; /* [n] node of the whole target */
    struct t5g_target_node *nodes;
    size_t n_nodes;
    size_t *fed; /* [n_fed] nodes that something follows, in order; the first is node 0 */
    size_t n_fed;
    size_t deepest; /* largest depth of these */
    size_t cap_ids, cap_end;
};

/* Add a target of ids [n], n > 0. t5g_targets_grow builds the tree when all are there. */
void t5g_targets_add(struct t5g_targets *t, const int32_t *ids, size_t n);
void t5g_targets_grow(struct t5g_targets *t);
void t5g_targets_free(struct t5g_targets *t);

/* The *n ids of target i. */
const int32_t *t5g_targets_get(const struct t5g_targets *t, size_t i, size_t *n);

/* Of a value for every node [n_nodes], those of target i's ids, to out [its length]. */
void t5g_targets_pick(const struct t5g_targets *t, size_t i, const float *of_node, float *out);

#endif
