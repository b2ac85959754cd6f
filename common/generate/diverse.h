/* diverse.h: diverse beam search. */
#ifndef T5G_DIVERSE_H
#define T5G_DIVERSE_H

#include "generate/search.h"

/*
 * A step of a search with several groups, each with a pool of its own: with each id that a group
 * chooses, the scores of the same id in later groups fall.
 */
void t5g_diverse_advance(struct t5g_rules *r, struct t5g_search *s);

#endif
