/*
 * constraint.h: generated texts kept inside an automaton.
 *
 * What is constrained is the text as t5g-detok prints it, in any spelling by tokens. Byte tokens
 * may stand in it where their bytes are UTF-8 together with those before and after; a token that
 * prints nothing may not, except for an end-of-sequence token where the text may end.
 */
#ifndef T5G_CONSTRAINT_H
#define T5G_CONSTRAINT_H

#include "generate/automaton.h"
#include "model/config.h"
#include "nn/allowed.h"
#include "text/tokenizer.h"

struct t5g_constraint;

/*
 * a is finished, and belongs to the constraint from here on, whatever happens; t and c outlive it.
 * NULL with e (65): the model lacks a token that is needed.
 */
struct t5g_constraint *t5g_constraint_open(struct t5g_automaton *a, const struct t5g_tokenizer *t,
                                           const struct t5g_config *c, struct t5g_err *e);
void t5g_constraint_close(struct t5g_constraint *c);

/* Where a sequence is; a copy is as good. Zero: at its beginning. */
struct t5g_place {
    uint32_t state, age;
    size_t n;       /* ids read */
    size_t counted; /* ids before which the work of a mask is in `work` */
    uint64_t work;
};

/*
 * The ids that may follow the chosen ids [n] of a sequence, of which its place may have read some.
 * Valid until t5g_constraint_tidy.
 */
const struct t5g_allowed *t5g_constraint_allowed(struct t5g_constraint *c, struct t5g_place *at,
                                                 const int32_t *ids, size_t n);

/* The same after an id that was allowed, for which `at` moves on. */
const struct t5g_allowed *t5g_constraint_next(struct t5g_constraint *c, struct t5g_place *at,
                                              int32_t id);

/* How much memory is kept for what will come again: 128 MiB, or as many bytes as this. */
void t5g_constraint_keep(struct t5g_constraint *c, size_t bytes);

/* Free memory if it is much. What t5g_constraint_allowed returned is no longer valid. */
void t5g_constraint_tidy(struct t5g_constraint *c);

/* logits [v] of other ids become -infinity. */
void t5g_constraint_apply(const struct t5g_allowed *a, float *logits, size_t v);

/* Set e (65): no id may be chosen as that token of an answer. a: those that the constraint allows;
 * NULL without one. -1. */
int t5g_constraint_forbids(const struct t5g_allowed *a, size_t token, struct t5g_err *e);

#endif
