/* attended.h: which rows of the document the decoder looked at for each id of an answer. */
#ifndef T5G_ATTENDED_H
#define T5G_ATTENDED_H

#include "nn/decoder.h"

/* What is kept of layers and heads. */
enum t5g_attended_form {
    T5G_ATTENDED_MEAN,   /* [n, rows] means over all heads of all layers */
    T5G_ATTENDED_LAYERS, /* [n, layers, rows] means over heads */
    T5G_ATTENDED_HEADS,  /* [n, layers, h, rows] */
};

/* The dimensions for an answer of n ids over `rows` rows; returns how many there are. */
size_t t5g_attended_dims(enum t5g_attended_form form, const struct t5g_stack_config *c, size_t n,
                         size_t rows, uint64_t dims[4]);

/*
 * out, as form says: for each of the n ids that followed start token and prompt [n_prompt], the
 * weights of the row from which it was chosen, as t5g_decoder_attend has them. They are computed
 * from the ids, in the panel role, whichever way these were found. n > 0.
 */
void t5g_attended(struct t5g_decoder *x, const struct t5g_config *c, const struct t5g_cross *cross,
                  const int32_t *prompt, size_t n_prompt, const int32_t *ids, size_t n,
                  enum t5g_attended_form form, float *out);

#endif
