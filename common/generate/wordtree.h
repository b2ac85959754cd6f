/* wordtree.h: one of several given texts. */
#ifndef T5G_WORDTREE_H
#define T5G_WORDTREE_H

#include "generate/automaton.h"

struct t5g_word {
    const char *p; /* [n]; may hold NUL */
    size_t n;
};

/* One of the words [count], then next. Equal beginnings are shared, and equal ends, too. */
uint32_t t5g_node_words(struct t5g_automaton *a, const struct t5g_word *words, size_t count,
                        uint32_t next);

/*
 * The automaton of texts that are one of the choices [count]. NULL with e (65): there is none, one
 * is empty or not UTF-8, or two are equal; they are counted from 1.
 */
struct t5g_automaton *t5g_choices_automaton(const struct t5g_word *choices, size_t count,
                                            struct t5g_err *e);

#endif
