/* replace.h: a document whose pictures have become features. */
#ifndef T5G_REPLACE_H
#define T5G_REPLACE_H

#include "stage/features.h"
#include "text/pictures.h"

/* What ids are made with again when pictures have crops; tokenizer NULL: they have none. */
struct t5g_retokenizer {
    struct t5g_tokenizer *tokenizer;
    struct t5g_picture_text around;
};

/*
 * Ids of the document's text for the views that its pictures have; ids->n = 0 when each has one and
 * the document's own ids are right. -1 with e (65): the document has no text frame, or one that
 * does not go with its pictures.
 */
int t5g_retokenize(const struct t5g_retokenizer *r, const struct t5g_doc *doc,
                   const struct t5g_features *f, struct t5g_ids *ids, struct t5g_err *e);

/*
 * Write the document with features where its pictures stood, and ids for input.ids unless ids->n is
 * 0. -1 with e as the writer's.
 */
int t5g_features_put(const struct t5g_looker *l, struct t5g_writer *w, const struct t5g_doc *doc,
                     const struct t5g_features *f, const struct t5g_ids *ids, struct t5g_err *e);

#endif
