/* vision.h: the pictures of streams, or of the command line, through the vision tower. */
#ifndef T5G_VISION_H
#define T5G_VISION_H

#include "stage/run.h"
#include "stage/features.h"

struct t5g_vision_stage {
    struct t5g_looker looker;
    struct t5g_retokenizer again; /* makes new ids if pictures have crops */
    struct t5g_features features; /* reused memory; t5g_features_free */
    struct t5g_ids ids;           /* likewise; t5g_ids_free */
};

/*
 * take of struct t5g_stage; x is a t5g_vision_stage. Writes the documents with features in place of
 * their pictures. -1 if the system failed (71).
 */
int t5g_vision_batch(void *x, struct t5g_run *run, const struct t5g_batch *b, struct t5g_err *e);

/* Whether the operands (terminated by NULL) are pictures: the first one that exists and is not a
 * folder is a regular file and not a stream. */
bool t5g_are_pictures(char *const *paths);

/*
 * Process every path (terminated by NULL) as a picture that is a document by itself, with the ids
 * that t5g-tokenize gives to a picture without text; x->again has a tokenizer. 0, or -1 with e as
 * t5g_run_make. Ends the process on write errors and if the system failed.
 */
int t5g_look_at_files(struct t5g_vision_stage *x, struct t5g_run *run, char *const *paths,
                      const struct t5g_model *m, struct t5g_err *e);

#endif
