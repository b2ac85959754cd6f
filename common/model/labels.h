/* labels.h: the labels of a classifier, from config.json. */
#ifndef T5G_LABELS_H
#define T5G_LABELS_H

#include "model/config.h"
#include "model/fields.h"

/*
 * Fill l if the class is one that we serve, T5Gemma2ForSequenceClassification or
 * T5Gemma2ForTokenClassification; any other leaves it zero. From id2label, whose keys must be 0 to
 * n - 1 and whose labels differ, else LABEL_0 to LABEL_n-1 for num_labels, else the two of
 * transformers' default; from problem_type, else regression for one label and one of several for
 * more; and the ids that transformers' classes take from decoder.bos_token_id and pad_token_id,
 * below v. Errors are f's (65).
 */
void t5g_labels_read(struct t5g_labels *l, const char *class, struct t5g_fields *f,
                     struct t5g_place top, struct t5g_place decoder, size_t v);
void t5g_labels_clear(struct t5g_labels *l);

/* "single_label_classification" and the like; and back: -1 for another word. */
const char *t5g_problem_name(enum t5g_problem p);
int t5g_problem_find(const char *name);

/* logits [n] become probabilities, or stay what they are. */
void t5g_labels_weigh(enum t5g_problem p, double *logits, size_t n);

#endif
