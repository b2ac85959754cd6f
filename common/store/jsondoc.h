/* jsondoc.h: an input document from a JSON object: "text", "images", "prompt", "adapter", "target",
 * "id". */
#ifndef T5G_JSONDOC_H
#define T5G_JSONDOC_H

#include "store/corpus_doc.h"

struct t5g_object_options {
    bool with_id; /* "id" replaces d->id; otherwise it is ignored */
    /* Called for every name in "images", in order; faults go to d->fault. */
    void (*image)(struct t5g_corpus_doc *d, const char *name, void *arg);
    void *arg;
};

/*
 * Read the fields of the object raw [n] into d; faults go to d->fault, with a message that begins
 * with `what` and mostly the byte of raw, counted from 0. null counts as absent; a number as id
 * becomes what Python prints, but 1.0 becomes 1; other members are skipped. Returns true if it has
 * a "text".
 */
bool t5g_object_read(struct t5g_corpus_doc *d, const char *raw, size_t n, const char *what,
                     const struct t5g_object_options *o);

/* Whether raw [n] is an object with a "text" of any type but null. */
bool t5g_object_has_text(const char *raw, size_t n);

#endif
