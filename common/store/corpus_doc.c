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
    t5g_buf_free(&d->adapter);
    for (size_t i = 0; i < d->cap_targets; i++)
        t5g_buf_free(&d->targets[i]);
    t5g_free(d->targets);
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

struct t5g_buf *
t5g_corpus_doc_target(struct t5g_corpus_doc *d)
{
    d->targets = t5g_grow(d->targets, d->n_targets, &d->cap_targets, sizeof *d->targets);
    struct t5g_buf *b = &d->targets[d->n_targets++];
    b->n = 0;
    t5g_buf_adds(b, "");
    return b;
}

/* One of a document's texts, called `name` in messages; the document's own text has no name. */
static int
make_utf8(struct t5g_buf *text, bool replace, const char *name, struct t5g_err *e)
{
    size_t bad = t5g_utf8_check(text->p, text->n);
    if (bad == text->n)
        return 0;
    const char *looks =
        name[0] == '\0' ? t5g_looks_no_text((const unsigned char *)text->p, text->n) : NULL;
    if (!replace && looks != NULL)
        return t5g_err_set(e, T5G_EX_DATA, "%s", looks);
    if (!replace)
        return t5g_err_set(e, T5G_EX_DATA, "%sinvalid UTF-8 at byte %zu", name, bad);
    struct t5g_buf good = {0};
    t5g_utf8_replace(&good, text->p, text->n);
    t5g_buf_free(text);
    *text = good;
    return 0;
}

int
t5g_corpus_doc_utf8(struct t5g_corpus_doc *d, bool replace, struct t5g_err *e)
{
    if (make_utf8(&d->text, replace, "", e) < 0 ||
        make_utf8(&d->prompt, replace, "prompt: ", e) < 0 ||
        make_utf8(&d->adapter, replace, "adapter: ", e) < 0)
        return -1;
    for (size_t i = 0; i < d->n_targets; i++)
        if (make_utf8(&d->targets[i], replace, "target: ", e) < 0)
            return -1;
    return 0;
}
