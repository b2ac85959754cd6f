/* replace.c: a document whose pictures have become features. */
#include "stage/replace.h"

#include <stdio.h>
#include <string.h>

int
t5g_retokenize(const struct t5g_retokenizer *again, const struct t5g_doc *doc,
               const struct t5g_features *f, struct t5g_ids *ids, struct t5g_err *e)
{
    size_t *crops = t5g_alloc(f->pictures, sizeof *crops);
    const struct t5g_frame *text;
    int r = t5g_doc_only(doc, "text", T5G_KIND_TEXT, &text, e);
    ids->n = 0;
    for (size_t i = 0; i < f->pictures; i++)
        crops[i] = f->views[i] - 1;
    if (f->total_views == f->pictures)
        r = 0; /* no text is needed */
    else if (r == 0)
        r = t5g_err_set(e, T5G_EX_DATA, "no text frame to put crops into (--pan-and-scan)");
    else if (r > 0)
        r = t5g_tokenize_pictures(again->tokenizer, &again->around, (const char *)text->data,
                                  text->size, crops, f->pictures, ids, e);
    t5g_free(crops);
    return r;
}

int
t5g_features_put(const struct t5g_looker *l, struct t5g_writer *w, const struct t5g_doc *doc,
                 const struct t5g_features *f, const struct t5g_ids *ids, struct t5g_err *e)
{
    char meta[64], name[64];
    size_t k = 0;
    if (t5g_writer_frame(w, &doc->open, e) < 0)
        return -1;
    for (size_t i = 0; i < doc->n_items; i++) {
        t5g_frame_name(&doc->items[i], name, sizeof name);
        int r;
        if (strcmp(name, "image.bytes") == 0)
            r = t5g_features_write(l, f, k++, w, e);
        else if (ids->n > 0 && strcmp(name, "input.ids") == 0)
            r = t5g_writer_tensor(w, name, T5G_I32, 1, (uint64_t[]){ids->n}, ids->p, NULL, e);
        else
            r = t5g_writer_frame(w, &doc->items[i], e);
        if (r < 0)
            return -1;
    }
    snprintf(meta, sizeof meta, "{\"ntok\":%zu}", ids->n);
    return ids->n > 0 ? t5g_writer_close(w, meta, e) : t5g_writer_frame(w, &doc->close, e);
}
