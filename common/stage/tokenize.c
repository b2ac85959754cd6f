/* tokenize.c: a document of the corpus as frames. */
#include "stage/tokenize.h"
#include "base/jsonstr.h"
#include "base/stop.h"

#include <stdio.h>

static int
write_text(struct t5g_writer *w, const char *name, const struct t5g_buf *text, struct t5g_err *e)
{
    return t5g_writer_text(w, name, text->p, text->n, e);
}

static int
write_picture(struct t5g_writer *w, const struct t5g_corpus_picture *p, struct t5g_err *e)
{
    struct t5g_buf file = {0};
    t5g_buf_adds(&file, "\"file\":");
    t5g_jsonstr_write(&file, p->name.p, p->name.n);
    int r = t5g_writer_tensor(w, "image.bytes", T5G_U8, 1, (uint64_t[]){p->bytes.n}, p->bytes.p,
                              file.p, e);
    t5g_buf_free(&file);
    return r;
}

void
t5g_document_write(struct t5g_run *run, const struct t5g_buf *id, const struct t5g_corpus_doc *d,
                   const struct t5g_ids *ids)
{
    struct t5g_err e;
    struct t5g_writer *w = run->w;
    char meta[64];
    snprintf(meta, sizeof meta, "{\"ntok\":%zu}", ids->n);
    t5g_stop_hold();
    if (t5g_writer_doc(w, id->p, id->n, NULL, &e) < 0 ||
        t5g_writer_tensor(w, "input.ids", T5G_I32, 1, (uint64_t[]){ids->n}, ids->p, NULL, &e) < 0 ||
        (d->has_prompt && write_text(w, "prompt", &d->prompt, &e) < 0) ||
        (d->n_pictures > 0 && write_text(w, "text", &d->text, &e) < 0))
        t5g_die_err(&e);
    for (size_t i = 0; i < d->n_pictures; i++)
        if (write_picture(w, &d->pictures[i], &e) < 0)
            t5g_die_err(&e);
    if (t5g_writer_close(w, meta, &e) < 0)
        t5g_die_err(&e);
    t5g_run_done(run, ids->n);
    t5g_stop_release();
}

void
t5g_document_note(const char *input, const char *member, const char *what)
{
    if (member == NULL)
        t5g_warn("%s: %s", input, what);
    else
        t5g_note("%s: %s: passed over: %s", input, member, what);
}
