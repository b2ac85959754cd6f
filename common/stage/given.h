/* given.h: targets and choices: texts whose probability after a prompt is asked for. */
#ifndef T5G_GIVEN_H
#define T5G_GIVEN_H

#include "generate/targets.h"
#include "stage/prompts.h"

/* What is asked about them. */
struct t5g_given_options {
    bool choices;  /* one of them is chosen: none is empty, and all are different */
    bool by_first; /* choices: by their first ids alone, without an eos */
    bool no_eos;   /* the text alone is scored, not that the sequence ends behind it */
    int32_t eos;   /* the id that ends a sequence */
};

/* Zero-initialise; freed by t5g_given_free. */
struct t5g_given {
    struct t5g_targets whole; /* their ids as they are written; by_first: without a tree */
    struct t5g_targets first; /* by_first: their first ids */
    bool by_first;
};

/* Add a text of ids [n]. -1 with e (65), without the text's name, if it has nothing to score. */
int t5g_given_add(struct t5g_given *g, const struct t5g_given_options *o, const int32_t *ids,
                  size_t n, struct t5g_err *e);

/*
 * When all are there: build the tree of what is scored. 0; or -1 with numbers a < b of two choices
 * that are not told apart.
 */
int t5g_given_finish(struct t5g_given *g, const struct t5g_given_options *o, size_t *a, size_t *b);

/* All texts of p, with that. options: how many of them are from the option --NOUN, for which e is
 * 64 where it is 65 for those of a file; file: its name, or NULL. -1 with e, also of
 * t5g_prompts_get. */
int t5g_given_read(struct t5g_given *g, const struct t5g_given_options *o, struct t5g_prompts *p,
                   const char *noun, size_t options, const char *file, struct t5g_err *e);
void t5g_given_free(struct t5g_given *g);

/* The tree of what is scored. */
const struct t5g_targets *t5g_given_tree(const struct t5g_given *g);

#endif
