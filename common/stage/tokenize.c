/* tokenize.c: documents of a corpus to documents of token ids. */
#include "stage/tokenize.h"
#include "base/jsonstr.h"
#include "base/stop.h"
#include "base/utf8.h"
#include "model/config.h"
#include "cli/progress.h"
#include "cli/signals.h"
#include "stage/model_path.h"
#include "text/pieces.h"

#include <stdio.h>
#include <string.h>

#define FIELD "{text}"

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

/* The target of a training pair, and which task it is. */
static int
write_target(struct t5g_writer *w, const struct t5g_pair *pair, struct t5g_err *e)
{
    const struct t5g_denoise_task *task = &t5g_denoise_tasks[pair->task];
    char extra[96];
    snprintf(extra, sizeof extra, "\"task\":%zu,\"span\":%zu,\"rate\":%.2f", pair->task, task->span,
             task->rate);
    return t5g_writer_tensor(w, "target.ids", T5G_I32, 1, (uint64_t[]){pair->target.n},
                             pair->target.p, extra, e);
}

/* Dies on write errors. */
static void
write_doc(struct t5g_run *run, const struct t5g_buf *id, const struct t5g_corpus_doc *d,
          const struct t5g_ids *ids, const struct t5g_pair *pair)
{
    struct t5g_err e;
    struct t5g_writer *w = run->w;
    char meta[64];
    snprintf(meta, sizeof meta, "{\"ntok\":%zu}", ids->n);
    t5g_stop_hold();
    if (t5g_writer_doc(w, id->p, id->n, NULL, &e) < 0 ||
        t5g_writer_tensor(w, "input.ids", T5G_I32, 1, (uint64_t[]){ids->n}, ids->p, NULL, &e) < 0 ||
        (pair != NULL && write_target(w, pair, &e) < 0) ||
        (d->has_prompt && write_text(w, "prompt", &d->prompt, &e) < 0) ||
        (d->has_adapter && write_text(w, "adapter", &d->adapter, &e) < 0) ||
        (d->n_pictures > 0 && write_text(w, "text", &d->text, &e) < 0))
        t5g_die_err(&e);
    for (size_t i = 0; i < d->n_targets; i++)
        if (write_text(w, "target", &d->targets[i], &e) < 0)
            t5g_die_err(&e);
    for (size_t i = 0; i < d->n_pictures; i++)
        if (write_picture(w, &d->pictures[i], &e) < 0)
            t5g_die_err(&e);
    if (t5g_writer_close(w, meta, &e) < 0)
        t5g_die_err(&e);
    t5g_run_done(run, ids->n);
    t5g_stop_release();
}

static unsigned
flags_of(const struct t5g_tokenize_stage *x)
{
    return (x->text_only ? T5G_TOK_TEXT_ONLY : 0) | (x->no_bos ? T5G_TOK_BARE : 0);
}

/* Write a document, or the training pair made of it. -1 with e if there can be none. */
static int
put_doc(const struct t5g_tokenize_stage *x, struct t5g_run *run, const struct t5g_buf *id,
        const struct t5g_corpus_doc *d, const struct t5g_ids *ids, struct t5g_err *e)
{
    const int32_t *before, *after;
    size_t n_before = x->no_bos ? 0 : t5g_tokenizer_before(x->tokenizer, &before);
    size_t n_after = x->no_bos ? 0 : t5g_tokenizer_after(x->tokenizer, &after);
    if (x->ul2 == NULL) {
        write_doc(run, id, d, ids, NULL);
        return 0;
    }
    struct t5g_pair pair = {0};
    struct t5g_ids input = {0};
    int r = t5g_denoise(x->ul2, ids->p + n_before, ids->n - n_before - n_after, x->seed, id->p,
                        id->n, &pair, e);
    if (r == 0) {
        t5g_ids_append(&input, ids->p, n_before);
        t5g_ids_append(&input, pair.input.p, pair.input.n);
        t5g_ids_append(&input, ids->p + ids->n - n_after, n_after);
        t5g_ids_add(&pair.target, x->eos);
        write_doc(run, id, d, &input, &pair);
    }
    t5g_ids_free(&input);
    t5g_pair_free(&pair);
    return r;
}

/* Cut or split. -1 with e if the limit leaves no room for text. */
static int
write_pieces(const struct t5g_tokenize_stage *x, struct t5g_run *run,
             const struct t5g_corpus_doc *d, const struct t5g_ids *ids, struct t5g_err *e)
{
    const int32_t *p;
    if (!x->no_bos && x->max_tokens <= t5g_tokenizer_before(x->tokenizer, &p) +
                                           t5g_tokenizer_after(x->tokenizer, &p))
        return t5g_err_set(e, T5G_EX_DATA, "--max-tokens %llu leaves no room for text",
                           (unsigned long long)x->max_tokens);
    struct t5g_ids piece = {0};
    int r = 0;
    for (size_t k = 0;
         r == 0 && t5g_piece(x->tokenizer, flags_of(x), ids, x->max_tokens, k, &piece); k++) {
        struct t5g_buf id = {0};
        t5g_buf_add(&id, d->id.p, d->id.n);
        if (x->too_long == T5G_TOO_LONG_SPLIT)
            t5g_buf_printf(&id, "#%zu", k + 1);
        r = put_doc(x, run, &id, d, &piece, e);
        if (r < 0 && k > 0) { /* pieces before it are written */
            t5g_run_fail(run, id.p, id.n, NULL, e);
            r = 0;
        }
        t5g_buf_free(&id);
        if (x->too_long == T5G_TOO_LONG_CUT)
            break;
    }
    t5g_ids_free(&piece);
    return r;
}

int
t5g_template_field(const char *template, size_t *at, struct t5g_err *e)
{
    const char *field = strstr(template, FIELD);
    size_t n = strlen(template), bad = t5g_utf8_check(template, n);
    if (bad < n)
        return t5g_err_set(e, T5G_EX_USAGE, "--template: invalid UTF-8 at byte %zu", bad);
    if (field == NULL || strstr(field + 1, FIELD) != NULL)
        return t5g_err_set(e, T5G_EX_USAGE, "--template: %s %s where the text belongs",
                           field == NULL ? "no" : "more than one", FIELD);
    *at = (size_t)(field - template);
    return 0;
}

/* Put the template around the text. -1 with e if that is too long. */
static int
fill_template(const struct t5g_tokenize_stage *x, struct t5g_corpus_doc *d, struct t5g_err *e)
{
    size_t at, n = strlen(x->template);
    struct t5g_buf whole = {0};
    if (t5g_template_field(x->template, &at, e) < 0)
        return -1;
    if (d->text.n > T5G_TEXT_MAX - t5g_min(n, T5G_TEXT_MAX))
        return t5g_err_set(e, T5G_EX_DATA, "with --template, a text of more than %zu bytes",
                           T5G_TEXT_MAX);
    t5g_buf_add(&whole, x->template, at);
    t5g_buf_add(&whole, d->text.p, d->text.n);
    t5g_buf_adds(&whole, x->template + at + strlen(FIELD));
    t5g_buf_free(&d->text);
    d->text = whole;
    return 0;
}

/* The text with sentinels in place of gaps. */
static int
tokenize_gaps(const struct t5g_tokenize_stage *x, const struct t5g_corpus_doc *d,
              struct t5g_ids *ids, struct t5g_err *e)
{
    struct t5g_buf text = {0};
    size_t gaps;
    int r = t5g_infill_text(x->infill, d->text.p, d->text.n, &text, &gaps, e);
    if (r == 0) {
        t5g_tokenize(x->tokenizer, text.p, text.n, flags_of(x), ids);
        r = t5g_infill_check(x->infill, ids->p, ids->n, gaps, e);
    }
    t5g_buf_free(&text);
    return r;
}

static int
tokenize(struct t5g_tokenize_stage *x, struct t5g_corpus_doc *d, struct t5g_ids *ids,
         struct t5g_err *e)
{
    struct t5g_err load;
    ids->n = 0;
    if (d->n_pictures > 0 && (x->infill != NULL || x->ul2 != NULL))
        return t5g_err_set(e, T5G_EX_DATA, "has pictures, which %s has no place for",
                           x->ul2 != NULL ? "--ul2" : "--infill");
    if (x->infill != NULL)
        return tokenize_gaps(x, d, ids, e);
    if (d->n_pictures == 0) {
        t5g_tokenize(x->tokenizer, d->text.p, d->text.n, flags_of(x), ids);
        if (ids->n == 0 && x->no_bos)
            return t5g_err_set(e, T5G_EX_DATA, "no text, to which --no-bos adds no token");
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
                                 d->n_pictures, flags_of(x), ids, e);
}

/* The corpus and its current document. */
struct work {
    struct t5g_tokenize_stage *x;
    struct t5g_corpus *corpus;
    struct t5g_corpus_doc d;
    struct t5g_ids ids;
};

static int
next_document(void *arg, const char **id, size_t *id_len, struct t5g_err *e)
{
    struct work *k = arg;
    int r = t5g_corpus_next(k->corpus, &k->d, e);
    *id = k->d.id.p;
    *id_len = k->d.id.n;
    return r;
}

static int
write_document(void *arg, struct t5g_run *run, struct t5g_err *e)
{
    struct work *k = arg;
    const struct t5g_tokenize_stage *x = k->x;
    struct t5g_corpus_doc *d = &k->d;
    struct t5g_ids *ids = &k->ids;
    if (d->fault.code != 0) {
        *e = d->fault;
        return -1;
    }
    if (t5g_corpus_doc_utf8(d, x->utf8 == 1, e) < 0 ||
        (x->template != NULL && (d->has_text || d->n_pictures == 0) &&
         fill_template(x, d, e) < 0) ||
        tokenize(k->x, d, ids, e) < 0)
        return -1;
    if (x->max_tokens == 0 || ids->n <= x->max_tokens)
        return put_doc(x, run, &d->id, d, ids, e);
    if (x->too_long == T5G_TOO_LONG_ERROR)
        return t5g_err_set(e, T5G_EX_DATA, "%zu tokens, limit %llu (--max-tokens)", ids->n,
                           (unsigned long long)x->max_tokens);
    if (d->n_pictures > 0)
        return t5g_err_set(e, T5G_EX_DATA, "%zu tokens, limit %llu, and pictures are not cut",
                           ids->n, (unsigned long long)x->max_tokens);
    return write_pieces(x, run, d, ids, e);
}

int
t5g_tokenize_corpus(struct t5g_tokenize_stage *x, struct t5g_run *run, struct t5g_corpus *corpus,
                    struct t5g_err *e)
{
    struct work k = {.x = x, .corpus = corpus};
    struct t5g_maker maker = {.unit = "tokens",
                              .next = next_document,
                              .write = write_document,
                              .arg = &k,
                              .own = {.tok = t5g_tokenizer_identity(x->tokenizer)}};
    int r = t5g_run_make(run, &maker, e);
    t5g_ids_free(&k.ids);
    t5g_corpus_doc_free(&k.d);
    return r;
}

int
t5g_tokenize_sentinels(struct t5g_tokenize_stage *x, bool infill, bool ul2, const char *name,
                       uint64_t first, const char *dir, struct t5g_err *e)
{
    struct t5g_config c;
    struct t5g_sentinels *s = t5g_sentinels_open(x->tokenizer, name, first, flags_of(x), e);
    if (s == NULL)
        return -1;
    x->infill = infill ? s : NULL;
    x->ul2 = ul2 ? s : NULL;
    if (!ul2)
        return 0;
    if (t5g_config_load(&c, dir, e) < 0)
        return -1;
    x->eos = c.n_eos > 0 ? c.eos[0] : -1;
    t5g_config_clear(&c);
    return x->eos >= 0 ? 0
                       : t5g_err_set(e, T5G_EX_DATA, "%s: no id that ends a sequence (--ul2)", dir);
}
