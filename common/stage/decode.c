/* decode.c: documents of a stream through the decoder, several at a time. */
#include "stage/decode.h"
#include "cli/signals.h"
#include "stage/input.h"

/* A document of the batch. */
struct item {
    const struct t5g_variant *own; /* that the document chooses */
    bool ready;                    /* enc is there */
    struct t5g_rows enc;
    float *wide;
    struct t5g_cross **cross; /* [variants->n], NULL: not built yet */
    struct t5g_answers *answers;
    struct t5g_scores *scores; /* instead of answers */
    struct t5g_err err;        /* code != 0: it failed */
};

/* ---- keys and values ---- */

/* Whether the variant may use the document's encoder output. -1 with e. */
static int
check_variant(const struct t5g_decoding *x, const struct t5g_run *run, const struct t5g_variant *by,
              struct t5g_err *e)
{
    return x->force || x->variants->n == 1 /* checked at the start */
               ? 0
               : t5g_variant_check(by, t5g_source_head(run->in), e);
}

/* Find what the document has: whom it asks, and its encoder output. -1 with t->err. */
static int
read_doc(const struct t5g_decoding *x, struct item *t, const struct t5g_doc *doc)
{
    const struct t5g_frame *f;
    t->own = &x->variants->v[0];
    if (t5g_doc_only(doc, "adapter", T5G_KIND_TEXT, &f, &t->err) < 0)
        return -1;
    if (f != NULL && (t->own = t5g_variants_find(x->variants, (const char *)f->data,
                                                 (size_t)f->size, &t->err)) == NULL)
        return -1;
    return t5g_input_encoder_out(doc, x->kernels, x->config->decoder.d, &t->enc.rows, &t->enc.n,
                                 &t->wide, &t->err);
}

/*
 * Which variants the prompts of the run choose, of those that are known before a document is
 * begun: want [variants->n], and *own, that some leave it to the document. -1 with e: they cannot
 * be read.
 */
static int
find_wanted(const struct t5g_decoding *x, bool *want, bool *own, struct t5g_err *e)
{
    const struct t5g_prompt *p;
    int r = 0;
    *own = t5g_prompts_none(x->asker.prompts) || x->asker.at_once || x->variants->n == 1;
    if (*own)
        return 0;
    for (size_t n = 0; (r = t5g_prompts_get(x->asker.prompts, n, &p, e)) == 1; n++) {
        if (p->by != NULL)
            want[p->by - x->variants->v] = true;
        else
            *own = true;
    }
    return r;
}

/* Keys and values of variant v for all documents that it will be asked about. */
static void
build_for(const struct t5g_decoding *x, const struct t5g_run *run, struct item *items, size_t n,
          size_t v, bool all, bool own)
{
    const struct t5g_variant *by = &x->variants->v[v];
    struct t5g_rows rows[T5G_BATCH_MAX] = {0};
    struct t5g_cross *cross[T5G_BATCH_MAX];
    struct item *of[T5G_BATCH_MAX];
    struct t5g_err e;
    size_t count = 0;
    if (check_variant(x, run, by, &e) < 0)
        return;
    for (size_t i = 0; i < n; i++)
        if (items[i].ready && (all || (own && items[i].own == by))) {
            rows[count] = items[i].enc;
            of[count++] = &items[i];
        }
    if (count > 0)
        t5g_cross_build_many(by->decoder, rows, count, x->kv, cross);
    for (size_t i = 0; i < count; i++)
        of[i]->cross[v] = cross[i];
}

/* Keys and values of all documents that have an encoder output. -1 with e if the run's prompts
 * cannot be read. */
static int
build(const struct t5g_decoding *x, const struct t5g_run *run, struct item *items,
      const struct t5g_batch *b, struct t5g_err *e)
{
    size_t ready = 0, n = x->variants->n;
    bool own = false, *want = t5g_alloc(n, sizeof *want);
    for (size_t i = 0; i < b->n; i++) {
        struct item *t = &items[i];
        t5g_at_work(b->docs[i].id, b->docs[i].id_len, b->n - i - 1);
        t->ready = !b->docs[i].failed && read_doc(x, t, &b->docs[i]) == 0;
        t->cross = t5g_alloc(n, sizeof *t->cross);
        ready += t->ready;
    }
    int r = ready > 0 ? find_wanted(x, want, &own, e) : 0;
    for (size_t v = 0; v < n && r == 0 && ready > 0; v++)
        build_for(x, run, items, b->n, v, want[v], own);
    t5g_free(want);
    return r;
}

/* Those of a variant; NULL with e if it may not use the document's encoder output. */
static const struct t5g_cross *
cross_of(const struct t5g_decoding *x, const struct t5g_run *run, struct item *t,
         const struct t5g_variant *by, struct t5g_err *e)
{
    struct t5g_cross **cross = &t->cross[by - x->variants->v];
    if (*cross == NULL && check_variant(x, run, by, e) == 0)
        t5g_cross_build_many(by->decoder, &t->enc, 1, x->kv, cross);
    return *cross;
}

/* ---- the prompts of a document ---- */

/* The current document. */
struct task {
    const struct t5g_decoding *x;
    const struct t5g_run *run;
    struct item *item;
    const int32_t *source;
    size_t n_source;
};

/* Add a prompt: it waits for the others, or is answered at once. */
static int
add(const struct task *k, const struct t5g_prompt *p, struct t5g_err *e)
{
    struct item *t = k->item;
    bool now = k->x->asker.at_once;
    const struct t5g_variant *by = p != NULL && p->by != NULL ? p->by : t->own;
    const struct t5g_cross *cross = cross_of(k->x, k->run, t, by, e);
    if (cross == NULL)
        return -1;
    if (t->scores != NULL)
        return t5g_scores_add(t->scores, by, cross, p, now, e);
    t5g_answers_add(t->answers, by, cross, k->source, k->n_source, p);
    return now ? t5g_answers_now(t->answers, e) : 0;
}

/*
 * Ask every prompt of the run, or the document's own, and, at_once, answer it. -1 with e if the
 * document failed; *fatal: the run's prompts could not be read.
 */
static int
ask(struct task t, const struct t5g_doc *doc, bool *fatal, struct t5g_err *e)
{
    const struct t5g_asker *x = &t.x->asker;
    const struct t5g_frame *own, *ids;
    const struct t5g_prompt *p;
    int r = 0;
    if (t5g_doc_only(doc, "prompt", T5G_KIND_TEXT, &own, e) < 0)
        return -1;
    if (t5g_doc_find(doc, "input.ids") != NULL) {
        if (t5g_doc_tensor(doc, "input.ids", T5G_I32, 1, &ids, e) < 0)
            return -1;
        t.source = (const int32_t *)(const void *)ids->data;
        t.n_source = (size_t)ids->size / sizeof *t.source;
    }
    if (!t5g_prompts_none(x->prompts)) {
        for (size_t n = 0; (r = t5g_prompts_get(x->prompts, n, &p, e)) == 1; n++)
            if (add(&t, p, e) < 0)
                return -1;
        *fatal = r < 0;
        return r;
    }
    if (own == NULL && x->take.template != NULL)
        return t5g_err_set(e, T5G_EX_DATA, "no prompt for the template");
    if (own == NULL)
        return add(&t, NULL, e);
    struct t5g_prompt mine = {0};
    r = t5g_prompt_fill(&mine, x->tokenizer, &x->take, (const char *)own->data, (size_t)own->size,
                        e);
    if (r == 0)
        r = add(&t, &mine, e);
    t5g_prompt_free(&mine);
    return r;
}

/* ---- documents ---- */

/* Prepare a document, and answer its prompts if at_once. */
static void
begin(const struct t5g_decoding *x, struct item *t, struct t5g_run *run, const struct t5g_doc *doc,
      bool *fatal)
{
    if (!t->ready)
        return;
    size_t group = 1;
    if (x->attending != NULL &&
        t5g_input_group(t5g_doc_find(doc, "encoder.out"), &group, &t->err) < 0)
        return;
    if (x->asker.scoring == NULL)
        t->answers = t5g_answers_open(run, doc, x->config, x->how, x->dropped, x->mode);
    else if ((t->scores = t5g_scores_open(run, doc, x->asker.scoring, x->dropped, &t->err)) == NULL)
        return;
    if (t->answers != NULL && x->attending != NULL)
        t5g_answers_attend(t->answers, *x->attending, group);
    ask((struct task){.x = x, .run = run, .item = t}, doc, fatal, &t->err);
}

/* Generate the sequences of a variant for all documents: as many as fit share the decoder's steps.
 */
static void
generate(const struct t5g_variant *by, struct item *items, size_t n)
{
    size_t count = 0;
    for (size_t i = 0; i < n; i++)
        if (items[i].answers != NULL && items[i].err.code == 0)
            count += t5g_answers_jobs(items[i].answers, by, NULL);
    struct t5g_job **jobs = t5g_alloc(count, sizeof *jobs);
    count = 0;
    for (size_t i = 0; i < n; i++)
        if (items[i].answers != NULL && items[i].err.code == 0)
            count += t5g_answers_jobs(items[i].answers, by, jobs + count);
    t5g_generate(by->generator, jobs, count);
    t5g_free(jobs);
}

/* Score what is given for all documents. */
static void
score(const struct t5g_variant *by, struct item *items, size_t n)
{
    size_t count = 0;
    for (size_t i = 0; i < n; i++)
        if (items[i].scores != NULL && items[i].err.code == 0)
            count += t5g_scores_jobs(items[i].scores, by, NULL);
    struct t5g_score_job **jobs = t5g_alloc(count, sizeof *jobs);
    count = 0;
    for (size_t i = 0; i < n; i++)
        if (items[i].scores != NULL && items[i].err.code == 0)
            count += t5g_scores_jobs(items[i].scores, by, jobs + count);
    t5g_score(by->scorer, jobs, count);
    t5g_free(jobs);
}

static int
check(struct item *t)
{
    return t->scores != NULL ? t5g_scores_check(t->scores, &t->err)
                             : t5g_answers_check(t->answers, &t->err);
}

static void
finish(struct item *t, struct t5g_run *run, const struct t5g_doc *doc)
{
    if (doc->failed)
        t5g_run_pass_failed(run, doc);
    else if (t->err.code != 0 || check(t) < 0)
        t5g_run_fail(run, doc->id, doc->id_len, &doc->open, &t->err);
    else if (t->scores != NULL)
        t5g_scores_finish(t->scores);
    else
        t5g_answers_finish(t->answers);
}

static void
close_item(const struct t5g_decoding *x, struct item *t)
{
    if (t->answers != NULL)
        t5g_answers_close(t->answers);
    t5g_scores_close(t->scores);
    for (size_t v = 0; v < x->variants->n; v++)
        t5g_cross_free(t->cross[v]);
    t5g_free(t->cross);
    t5g_free(t->wide);
}

int
t5g_decode_batch(void *arg, struct t5g_run *run, const struct t5g_batch *b, struct t5g_err *e)
{
    const struct t5g_decoding *x = arg;
    struct item *items = t5g_alloc(b->n, sizeof *items);
    bool fatal = build(x, run, items, b, e) < 0;
    for (size_t i = 0; i < b->n && !fatal; i++) {
        t5g_at_work(b->docs[i].id, b->docs[i].id_len, b->n - i - 1);
        begin(x, &items[i], run, &b->docs[i], &fatal);
        if (fatal)
            *e = items[i].err;
    }
    if (b->n > 0)
        t5g_at_work(b->docs[0].id, b->docs[0].id_len, b->n - 1);
    for (size_t v = 0; v < x->variants->n && !fatal; v++) {
        if (x->asker.scoring != NULL)
            score(&x->variants->v[v], items, b->n);
        else
            generate(&x->variants->v[v], items, b->n);
    }
    for (size_t i = 0; i < b->n; i++) {
        t5g_at_work(b->docs[i].id, b->docs[i].id_len, b->n - i - 1);
        if (!fatal && !run->stop)
            finish(&items[i], run, &b->docs[i]);
        close_item(x, &items[i]);
    }
    t5g_at_work(NULL, 0, 0);
    t5g_free(items);
    return fatal ? -1 : 0;
}
