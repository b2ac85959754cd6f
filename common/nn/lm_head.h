/* lm_head.h: last rows of the decoder to logits, or to the id of the largest. */
#ifndef T5G_LM_HEAD_H
#define T5G_LM_HEAD_H

#include "model/model.h"
#include "nn/allowed.h"
#include "nn/exec.h"

struct t5g_head;
struct t5g_head *t5g_head_open(const struct t5g_model *m);
void t5g_head_close(struct t5g_head *h);
size_t t5g_head_scratch(void); /* floats a worker needs */

/* Where the result of one row is written: one of logits and best is set. */
struct t5g_head_row {
    float *logits;                     /* [v] */
    int32_t *best;                     /* lowest id of the largest logit */
    bool no_eos;                       /* with best: exclude eos ids of the model */
    const struct t5g_allowed *allowed; /* with best: of these ids, or -1; NULL: of all */
    bool bad;                          /* out: a logit is not finite */
};

/*
 * y [n, d] normalised rows, n up to T5G_STEP_ROWS. No allocation. A row's result does not depend on
 * the others, and best is the same id with and without a screen. Where few ids are allowed in
 * all rows, only their logits are computed.
 */
void t5g_head_run(struct t5g_head *h, const struct t5g_exec *x, const float *y,
                  struct t5g_head_row *rows, size_t n);

#endif
