/* label.h: documents of a stream through a classifier, several at a time. */
#ifndef T5G_LABEL_H
#define T5G_LABEL_H

#include "nn/decoder.h"
#include "stage/run.h"

struct t5g_labelling {
    struct t5g_decoder *decoder;
    const struct t5g_model *model; /* with a classifier's head */
    const struct t5g_kernels *kernels;
    struct t5g_pool *pool;
    int kv;                                       /* dtype of cross keys and values */
    bool (*dropped)(const char *name, void *arg); /* frames that are not passed on */
};

/*
 * take of struct t5g_stage; x is a t5g_labelling. Writes every document with a frame label.logits,
 * f32 [labels] or [tokens, labels], whose meta names the labels and the kind of problem. A document
 * fails (65) without input.ids or encoder.out, with a prompt, which a classifier does not read, or
 * if a number is not finite.
 */
int t5g_label_batch(void *x, struct t5g_run *run, const struct t5g_batch *b, struct t5g_err *e);

#endif
