/* vision.h: the pictures of streams, or of the command line, through the vision tower. */
#ifndef T5G_VISION_H
#define T5G_VISION_H

#include "stage/run.h"
#include "stage/features.h"

struct t5g_vision_stage {
    struct t5g_looker looker;
    struct t5g_retokenizer again; /* makes ids anew where pictures have crops */
    struct t5g_features features; /* room that is used again; t5g_features_free */
    struct t5g_ids ids;           /* likewise; t5g_ids_free */
};

/*
 * take of struct t5g_stage; x is a t5g_vision_stage. Documents go out with features in place of
 * their pictures. -1 when the system failed (71).
 */
int t5g_vision_batch(void *x, struct t5g_run *run, const struct t5g_batch *b, struct t5g_err *e);

/* Whether operands (NULL ends them) are pictures: the first one that is there, and is no folder, is
 * a regular file and no stream. */
bool t5g_are_pictures(char *const *paths);

/*
 * Every path (NULL ends them) a picture and a document by itself, with the ids that t5g-tokenize
 * gives a picture alone; again has a tokenizer. Dies on write errors and when the system failed.
 */
void t5g_look_at_files(struct t5g_vision_stage *x, struct t5g_run *run, char *const *paths,
                       const struct t5g_model *m);

#endif
