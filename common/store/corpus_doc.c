/* corpus_doc.c: an input document: its memory, its pictures, its UTF-8. */
#include "store/corpus_doc.h"
#include "base/utf8.h"
#include "store/looks.h"

#include <string.h>

void
t5g_corpus_doc_free(struct t5g_corpus_doc *d)
{
    t5g_buf_free(&d->id);
    t5g_buf_free(&d->text);
    t5g_buf_free(&d->prompt);
    for (size_t i = 0; i < d->cap_pictures; i++) {
        t5g_buf_free(&d->pictures[i].name);
        t5g_buf_free(&d->pictures[i].bytes);
    }
    t5g_free(d->pictures);
}

struct t5g_corpus_picture *
t5g_corpus_doc_picture(struct t5g_corpus_doc *d)
{
    d->pictures = t5g_grow(d->pictures, d->n_pictures, &d->cap_pictures, sizeof *d->pictures);
    struct t5g_corpus_picture *p = &d->pictures[d->n_pictures++];
    p->name.n = p->bytes.n = 0;
    t5g_buf_adds(&p->name, "");
    t5g_buf_adds(&p->bytes, "");
    return p;
}

int
t5g_corpus_doc_utf8(struct t5g_corpus_doc *d, bool replace, struct t5g_err *e)
{
    struct t5g_buf *texts[] = {&d->text, &d->prompt};
    for (size_t i = 0; i < T5G_LEN(texts); i++) {
        size_t bad = t5g_utf8_check(texts[i]->p, texts[i]->n);
        if (bad == texts[i]->n)
            continue;
        const char *what =
            i == 0 ? t5g_looks_no_text((const unsigned char *)d->text.p, d->text.n) : NULL;
        if (!replace && what != NULL)
            return t5g_err_set(e, T5G_EX_DATA, "%s", what);
        if (!replace)
            return t5g_err_set(e, T5G_EX_DATA, "%sinvalid UTF-8 at byte %zu",
                               i == 1 ? "prompt: " : "", bad);
        struct t5g_buf good = {0};
        t5g_utf8_replace(&good, texts[i]->p, texts[i]->n);
        t5g_buf_free(texts[i]);
        *texts[i] = good;
    }
    return 0;
}
