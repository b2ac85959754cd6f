/* batch.h: several documents in hand at once. */
#ifndef T5G_BATCH_H
#define T5G_BATCH_H

#include "stream/document.h"

enum { T5G_BATCH_MAX = 64 };

/* Zero-initialise; t5g_batch_clear at the end. */
struct t5g_batch {
    struct t5g_doc docs[T5G_BATCH_MAX]; /* [n] in the order of the input, failed ones too */
    size_t n;
};

/*
 * Take documents from `in`, which t5g_source_hold was called for, in place of those that b has:
 * until tensor `name` of all of them together has max_rows rows or more, T5G_BATCH_MAX are there,
 * or the next one would have to be waited for. What t5g_source_next said last: 1, 0 or -1 with e;
 * the documents before that are in b all the same.
 */
int t5g_batch_fill(struct t5g_batch *b, struct t5g_source *in, const char *name, size_t max_rows,
                   struct t5g_err *e);
void t5g_batch_clear(struct t5g_batch *b);

#endif
