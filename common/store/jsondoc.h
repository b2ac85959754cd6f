/* jsondoc.h: a document of the corpus from a JSON object: "text", "images", "prompt", "id". */
#ifndef T5G_JSONDOC_H
#define T5G_JSONDOC_H

#include "store/corpus_doc.h"

struct t5g_object_options {
    bool with_id; /* "id" replaces d->id; otherwise it is not looked at */
    /* Called for every name in "images", in order; faults go to d->fault. */
    void (*image)(struct t5g_corpus_doc *d, const char *name, void *arg);
    void *arg;
};

/*
 * Fields of the object raw [n] into d; faults go to d->fault, their message beginning with `what`
 * and the byte of raw, counted from 0. null is as if the field were not there; a number as id is
 * what Python prints, 1.0 being 1; other members are passed over unread. Returns true when it has
 * a "text".
 */
bool t5g_object_read(struct t5g_corpus_doc *d, const char *raw, size_t n, const char *what,
                     const struct t5g_object_options *o);

/* Whether raw [n] is an object with a "text", whatever that is. */
bool t5g_object_has_text(const char *raw, size_t n);

#endif
