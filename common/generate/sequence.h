/* sequence.h: generated sequences. */
#ifndef T5G_SEQUENCE_H
#define T5G_SEQUENCE_H

#include "base/base.h"

enum t5g_finish { T5G_FINISH_EOS, T5G_FINISH_LENGTH, T5G_FINISH_STOP };
const char *t5g_finish_name(enum t5g_finish f); /* "eos", "length", "stop" */

/* One generated sequence. Zero-initialise; freed by t5g_sequence_free. */
struct t5g_sequence {
    int32_t *ids; /* [n] generated ids only: no start token, no prompt; final eos kept */
    /*
     * [n] natural log of the probability of ids[i], NULL unless requested: log_softmax of the
     * logits after the processors (an eos forbidden by min_new_tokens has probability 0). Hugging
     * Face: compute_transition_scores(..., normalize_logits=True) on output_scores.
     */
    float *logprob;
    size_t n;
    enum t5g_finish finish;
    const char *stop; /* T5G_FINISH_STOP: the text at which it ended; lives with the options */
    double score;     /* sum of logprob, with beams divided by the penalty; 0 unless requested */
};

void t5g_sequence_free(struct t5g_sequence *s);

#endif
