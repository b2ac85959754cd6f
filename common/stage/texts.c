/* texts.c: texts of a corpus as token ids, all of them in memory. */
#include "stage/texts.h"

#include <string.h>

void
t5g_texts_free(struct t5g_texts *t)
{
    t5g_ids_free(&t->ids);
    t5g_free(t->end);
    *t = (struct t5g_texts){0};
}

const int32_t *
t5g_texts_get(const struct t5g_texts *t, size_t i, size_t *n)
{
    size_t from = i > 0 ? t->end[i - 1] : 0;
    *n = t->end[i] - from;
    return t->ids.p + from;
}

/* Append a document's ids. -1 with e, which does not name the text. */
static int
take(struct t5g_texts *t, const struct t5g_tokenizer *tokenizer, struct t5g_corpus_doc *d,
     struct t5g_err *e)
{
    size_t before = t->ids.n;
    if (d->fault.code != 0) {
        *e = d->fault;
        return -1;
    }
    if (t5g_corpus_doc_utf8(d, false, e) < 0)
        return -1;
    t5g_tokenize(tokenizer, d->text.p, d->text.n, T5G_TOK_BARE, &t->ids);
    if (t->ids.n == before)
        return 0;
    if (t->most > 0)
        t->ids.n = t5g_min(t->ids.n, before + t->most);
    t->end = t5g_grow(t->end, t->n, &t->cap, sizeof *t->end);
    t->end[t->n++] = t->ids.n;
    return 0;
}

/* Whether a message begins with the name of an operand, as errors of files do. */
static bool
names_operand(const char *msg, const struct t5g_corpus_options *o)
{
    for (size_t i = 0; i < o->n_paths; i++) {
        const char *name = o->paths[i];
        if (name[0] == '\0')
            name = "''";
        else if (strcmp(name, "-") == 0)
            name = "stdin";
        size_t n = strlen(name);
        if (strncmp(msg, name, n) == 0 && msg[n] == ':')
            return true;
    }
    return false;
}

int
t5g_texts_read(struct t5g_texts *t, const struct t5g_tokenizer *tokenizer,
               const struct t5g_corpus_options *o, struct t5g_err *e)
{
    struct t5g_corpus *c = t5g_corpus_open(o);
    struct t5g_corpus_doc d = {0};
    size_t before = t->n;
    int r;
    while ((r = t5g_corpus_next(c, &d, e)) == 1)
        if (take(t, tokenizer, &d, e) < 0) {
            if (!names_operand(e->msg, o))
                t5g_err_in(e, "%.*s", (int)t5g_min(d.id.n, 500), d.id.p);
            r = -1;
            break;
        }
    if (r == 0 && t->n == before)
        r = t5g_err_set(e, T5G_EX_DATA, "%s: no text in it", t5g_corpus_id(o->paths[0]));
    t5g_corpus_doc_free(&d);
    t5g_corpus_close(c);
    return r;
}
