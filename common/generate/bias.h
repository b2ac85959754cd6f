/* bias.h: amounts added to the scores of ids that complete given runs of ids. */
#ifndef T5G_BIAS_H
#define T5G_BIAS_H

#include "base/base.h"

struct t5g_bias;

struct t5g_bias *t5g_bias_open(void);
void t5g_bias_close(struct t5g_bias *b); /* NULL is allowed */

/* `amount`, may be -infinity, for the last of ids [n], n > 0, where the others stand before it.
 * `origin` is what t5g_bias_seal tells about it. */
void t5g_bias_add(struct t5g_bias *b, const int32_t *ids, size_t n, float amount, size_t origin);

/* After the last addition. Of equal runs the first counts; true if there were some, and then *first
 * and *second are the origins of two. */
bool t5g_bias_seal(struct t5g_bias *b, size_t *first, size_t *second);

/* Number of runs. */
size_t t5g_bias_count(const struct t5g_bias *b);

/* Change scores [v] of the id that follows ids [n]. All ids of the runs are below v. */
void t5g_bias_apply(const struct t5g_bias *b, float *scores, const int32_t *ids, size_t n);

#endif
