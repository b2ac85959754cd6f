/* labelled.h: a classifier's numbers as text and as JSON. */
#ifndef T5G_LABELLED_H
#define T5G_LABELLED_H

#include "model/labels.h"
#include "stream/frame.h"
#include "text/ids.h"
#include "text/tokenizer.h"

/* A frame label.logits, valid as long as the frame. Zero-initialise; t5g_labelled_free. */
struct t5g_labelled {
    struct t5g_json *meta;
    const char **names; /* [n] */
    size_t n, tokens;   /* labels; rows of logits, 0: one for the whole document */
    const float *logits;
    enum t5g_problem problem;
    double *row; /* [n] scratch */
};

/* -1 with e (65): not f32 [labels] or [tokens, labels] with their names and a problem we know. */
int t5g_labelled_read(struct t5g_labelled *l, const struct t5g_frame *f, struct t5g_err *e);
void t5g_labelled_free(struct t5g_labelled *l);

/* Append the likeliest label, or the numbers of a regression; of tokens all, with spaces between.
 */
void t5g_labelled_text(const struct t5g_labelled *l, struct t5g_buf *b);

/*
 * Append members of an object: ",\"label\":...,\"probabilities\":{...}", of a regression
 * ",\"values\":{...}"; or ",\"tokens\":[...]" with an object {"text",...} for each of ids, of which
 * there are as many as tokens. Texts of tokens are those of t, special ones too, and make up the
 * whole text; a character of several tokens is with the last of them.
 */
void t5g_labelled_json(const struct t5g_labelled *l, const struct t5g_tokenizer *t,
                       const struct t5g_ids *ids, struct t5g_buf *b);

#endif
