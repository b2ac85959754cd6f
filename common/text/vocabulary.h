/* vocabulary.h: the texts of a model's tokens, by id and by text. */
#ifndef T5G_VOCABULARY_H
#define T5G_VOCABULARY_H

#include "base/mem.h"

struct t5g_vocabulary {
    const char **text; /* [n], not owned; NULL: no such id */
    double *score;     /* [n], of a unigram model; else NULL */
    size_t n;
    int32_t *slot; /* [slots] ids by hash of their text */
    size_t slots;
};

/* Room for ids below n; t5g_vocabulary_free, also if this was not called. */
void t5g_vocabulary_make(struct t5g_vocabulary *v, size_t n);
void t5g_vocabulary_free(struct t5g_vocabulary *v);

/* Set the text of an id. Of equal texts the last is found. */
void t5g_vocabulary_add(struct t5g_vocabulary *v, size_t id, const char *text);

/* Id of a text, or -1. */
int32_t t5g_vocabulary_find(const struct t5g_vocabulary *v, const char *s, size_t n);

#endif
