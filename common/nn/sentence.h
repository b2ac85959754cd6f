/* sentence.h: a directory of sentence-transformers: what follows its Transformer module. */
#ifndef T5G_SENTENCE_H
#define T5G_SENTENCE_H

#include "base/err.h"
#include "base/hash.h"
#include "nn/pooling.h"

struct t5g_sentence;

/*
 * Where the Transformer module of DIR/modules.json is: 1 and *path (t5g_free); 0 if DIR is no
 * directory with a modules.json; -1 with e (65) if its first module is another.
 */
int t5g_sentence_transformer(const char *dir, char **path, struct t5g_err *e);

/*
 * The modules of a directory's or packed model's modules.json after the Transformer, whose rows
 * have d elements: Pooling, then any number of Dense (activation Identity or Tanh) and Normalize. 1
 * and *out; 0 if there is no modules.json; -1 with e (65, 66), naming what is not supported.
 */
int t5g_sentence_open(struct t5g_sentence **out, const char *model, size_t d, struct t5g_err *e);
void t5g_sentence_close(struct t5g_sentence *s); /* NULL is allowed */

enum t5g_pooling t5g_sentence_pooling(const struct t5g_sentence *s); /* never NONE */
size_t t5g_sentence_width(const struct t5g_sentence *s);             /* of its embeddings */
/* A hash of all that changes an embedding. Lives with s. */
const char *t5g_sentence_identity(const struct t5g_sentence *s);
/* Whether there are layers with weights after Pooling. */
bool t5g_sentence_dense(const struct t5g_sentence *s);

/* The modules after Pooling: out [width] from the pooled row x [d]. Sums are
 * in f64, in one order at every kernel level. */
void t5g_sentence_run(const struct t5g_sentence *s, const float *x, float *out);

#endif
