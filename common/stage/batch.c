/* batch.c: several documents in hand at once. */
#include "stage/batch.h"

void
t5g_batch_clear(struct t5g_batch *b)
{
    for (size_t i = 0; i < T5G_BATCH_MAX; i++)
        t5g_doc_clear(&b->docs[i]);
    b->n = 0;
}

int
t5g_batch_fill(struct t5g_batch *b, struct t5g_source *in, const char *name, size_t max_rows,
               struct t5g_err *e)
{
    size_t rows = 0;
    t5g_batch_clear(b);
    t5g_source_release(in);
    do {
        struct t5g_doc *d = &b->docs[b->n];
        int r = t5g_source_next(in, d, e);
        if (r != 1)
            return r;
        const struct t5g_frame *f = d->failed ? NULL : t5g_doc_find(d, name);
        rows += f != NULL && f->ndim > 0 ? (size_t)f->dims[0] : 0;
        b->n++;
    } while (b->n < T5G_BATCH_MAX && rows < max_rows && t5g_source_ready(in));
    return 1;
}
