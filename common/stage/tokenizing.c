/* tokenizing.c: a document of the corpus to a document of token ids. */
#include "stage/tokenizing.h"
#include "stage/tokenize.h"
#include "text/pieces.h"
#include "stage/model_path.h"

/* Cut or split. -1 with e when the limit leaves no room for text. */
static int
write_pieces(const struct t5g_tokenizing *x, struct t5g_run *run, const struct t5g_corpus_doc *d,
             const struct t5g_ids *ids, struct t5g_err *e)
{
    const int32_t *p;
    if (x->max_tokens <=
        t5g_tokenizer_before(x->tokenizer, &p) + t5g_tokenizer_after(x->tokenizer, &p))
        return t5g_err_set(e, T5G_EX_DATA, "--max-tokens %llu leaves no room for text",
                           (unsigned long long)x->max_tokens);
    struct t5g_ids piece = {0};
    for (size_t k = 0; t5g_piece(x->tokenizer, ids, x->max_tokens, k, &piece); k++) {
        struct t5g_buf id = {0};
        t5g_buf_add(&id, d->id.p, d->id.n);
        if (x->too_long == T5G_TOO_LONG_SPLIT)
            t5g_buf_printf(&id, "#%zu", k + 1);
        t5g_document_write(run, &id, d, &piece);
        t5g_buf_free(&id);
        if (x->too_long == T5G_TOO_LONG_CUT)
            break;
    }
    t5g_ids_free(&piece);
    return 0;
}

static int
tokenize(struct t5g_tokenizing *x, struct t5g_corpus_doc *d, struct t5g_ids *ids, struct t5g_err *e)
{
    struct t5g_err load;
    ids->n = 0;
    if (d->n_pictures == 0) {
        t5g_tokenize(x->tokenizer, d->text.p, d->text.n, x->text_only ? T5G_TOK_TEXT_ONLY : 0, ids);
        return 0;
    }
    if (x->text_only)
        return t5g_err_set(e, T5G_EX_DATA, "has pictures, which --text-only has no place for");
    if (x->around.boi == NULL &&
        t5g_picture_text_load(&x->around, t5g_model_path(), x->tokenizer, &load) < 0)
        t5g_die_err(&load);
    if (!d->has_text)
        t5g_picture_text_alone(&x->around, d->n_pictures, &d->text);
    return t5g_tokenize_pictures(x->tokenizer, &x->around, d->text.p, d->text.n, NULL,
                                 d->n_pictures, ids, e);
}

int
t5g_tokenizing_run(struct t5g_tokenizing *x, struct t5g_run *run, struct t5g_corpus_doc *d,
                   struct t5g_ids *ids, struct t5g_err *e)
{
    if (t5g_corpus_doc_utf8(d, x->utf8 == 1, e) < 0 || tokenize(x, d, ids, e) < 0)
        return -1;
    if (x->max_tokens == 0 || ids->n <= x->max_tokens) {
        t5g_document_write(run, &d->id, d, ids);
        return 0;
    }
    if (x->too_long == T5G_TOO_LONG_ERROR)
        return t5g_err_set(e, T5G_EX_DATA, "%zu tokens, limit %llu (--max-tokens)", ids->n,
                           (unsigned long long)x->max_tokens);
    if (d->n_pictures > 0)
        return t5g_err_set(e, T5G_EX_DATA, "%zu tokens, limit %llu, and pictures are not cut",
                           ids->n, (unsigned long long)x->max_tokens);
    return write_pieces(x, run, d, ids, e);
}
