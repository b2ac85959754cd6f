/* classify.h: a document's own ids through the decoder of a classifier, to numbers for its labels.
 */
#ifndef T5G_CLASSIFY_H
#define T5G_CLASSIFY_H

#include "nn/decoder.h"

/* A document to be classified. */
struct t5g_classify_job {
    const struct t5g_cross *cross;
    const int32_t *ids; /* [n] of the encoder, n > 0, each below v */
    size_t n;
    float *logits;      /* out: [labels], or [n, labels] for every token; freed by t5g_free */
    struct t5g_err err; /* code != 0: failed (65) */
};

/*
 * As T5Gemma2ForSequenceClassification and T5Gemma2ForTokenClassification do for one document
 * without padding: the decoder reads the start token and ids[0..n - 1), so that the row of position
 * t, which has seen the ids before t, is that of ids[t]; logits are score times the row, plus the
 * bias. Of a sequence it is the row of the last position whose decoder id is not the padding one
 * (of none: the first). Every id is computed in the panel role, and a result does not depend on
 * the other jobs [n]. m has a classifier's head.
 */
void t5g_classify(struct t5g_decoder *x, const struct t5g_model *m, struct t5g_pool *pool,
                  struct t5g_classify_job *const *jobs, size_t n);

#endif
