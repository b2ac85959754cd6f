/* vision.h: the pictures of streams, or of the command line, through the vision tower. */
#ifndef T5G_VISION_H
#define T5G_VISION_H

#include "stage/run.h"
#include "stage/replace.h"

/*
 * Every document of `in` with features in place of its pictures; again makes its ids anew where
 * pictures have crops. 0 or -1 with e, as t5g_source_next, and 71 when the system failed. Dies on
 * write errors.
 */
int t5g_look_at_streams(const struct t5g_looker *looker, const struct t5g_retokenizer *again,
                        struct t5g_run *run, struct t5g_source *in, const struct t5g_model *m,
                        bool force, struct t5g_err *e);

/* Whether operands (NULL ends them) are pictures: the first one that is there, and is no folder, is
 * a regular file and no stream. */
bool t5g_are_pictures(char *const *paths);

/*
 * Every path (NULL ends them) a picture and a document by itself, with the ids that t5g-tokenize
 * gives a picture alone; again has a tokenizer. Dies on write errors and when the system failed.
 */
void t5g_look_at_files(const struct t5g_looker *looker, const struct t5g_retokenizer *again,
                       struct t5g_run *run, char *const *paths, const struct t5g_model *m);

#endif
