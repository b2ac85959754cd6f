/* divergence.h: how far the distributions of two models are apart along a given sequence. */
#ifndef T5G_DIVERGENCE_H
#define T5G_DIVERGENCE_H

#include "nn/decoder.h"

/* Sums over positions: a position is a row of logits; a target is a position whose next id is
 * given. */
struct t5g_divergence {
    size_t positions, targets;
    size_t same;    /* positions where both have the same id at the largest logit (the lowest id of
                       equal ones) */
    double kl;      /* over positions: KL(first || second), nats */
    double loss[2]; /* over targets: -ln p(next id), of each model */
    double apart;   /* over targets: |ln p - ln p'| of the next id, nats */
};

/*
 * Add a position: logits x and y [v] of the first and the second, and the id that follows, -1 if
 * none is given.
 */
void t5g_divergence_add(struct t5g_divergence *sum, const float *x, const float *y, size_t v,
                        int32_t next);

struct t5g_comparer;

/*
 * Compare two decoders whose models have the same vocabulary of v ids. The decoders and pool belong
 * to the caller. Holds logits of T5G_STEP_ROWS rows of both, for sequences of any length.
 */
struct t5g_comparer *t5g_comparer_open(struct t5g_decoder *const decoders[2], size_t v,
                                       struct t5g_pool *pool);
void t5g_comparer_close(struct t5g_comparer *x);

/*
 * Feed ids [n], the start token among them, to both decoders, each over its own keys and values of
 * the document, and add positions from..n-1 to *sum. logprob [n - 1 - from, 2], NULL allowed: ln p
 * of each target, by both models. -1 with e (65) if a logit is not finite. Results depend neither
 * on threads nor on earlier comparisons.
 */
int t5g_comparer_add(struct t5g_comparer *x, const struct t5g_cross *const cross[2],
                     const int32_t *ids, size_t n, size_t from, struct t5g_divergence *sum,
                     double (*logprob)[2], struct t5g_err *e);

#endif
