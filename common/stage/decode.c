/* decode.c: documents of a stream through the decoder, several at a time. */
#include "stage/decode.h"
#include "cli/signals.h"
#include "stage/input.h"

/* ---- the prompts of a document ---- */

/* The current document. */
struct task {
    const struct t5g_asker *x;
    struct t5g_answers *answers;
    struct t5g_scores *scores; /* instead of answers */
    const struct t5g_cross *cross;
    const int32_t *source;
    size_t n_source;
};

/* Add a prompt: it waits for the others, or is answered at once. */
static int
add(const struct task *t, const struct t5g_prompt *p, struct t5g_err *e)
{
    if (t->scores != NULL)
        return t5g_scores_add(t->scores, t->cross, p, t->x->at_once, e);
    t5g_answers_add(t->answers, t->cross, t->source, t->n_source, p);
    return t->x->at_once ? t5g_answers_now(t->answers, t->x->generator, e) : 0;
}

/*
 * Ask every prompt of the run, or the document's own, and, at_once, answer it. -1 with e if the
 * document failed; *fatal: the run's prompts could not be read.
 */
static int
ask(const struct t5g_asker *x, struct task t, const struct t5g_doc *doc, bool *fatal,
    struct t5g_err *e)
{
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

/* A document of the batch. */
struct item {
    struct t5g_rows enc;
    float *wide;
    struct t5g_cross *cross;
    struct t5g_answers *answers;
    struct t5g_scores *scores; /* instead of answers */
    struct t5g_err err;        /* code != 0: it failed */
};

/* Keys and values of all documents that have an encoder output. */
static void
build(const struct t5g_decoding *x, struct item *items, const struct t5g_batch *b)
{
    struct t5g_rows rows[T5G_BATCH_MAX] = {0};
    struct t5g_cross *cross[T5G_BATCH_MAX];
    struct item *of[T5G_BATCH_MAX];
    size_t n = 0;
    for (size_t i = 0; i < b->n; i++) {
        struct item *t = &items[i];
        t5g_at_work(b->docs[i].id, b->docs[i].id_len, b->n - i - 1);
        if (b->docs[i].failed ||
            t5g_input_encoder_out(&b->docs[i], x->kernels, x->config->decoder.d, &t->enc.rows,
                                  &t->enc.n, &t->wide, &t->err) < 0)
            continue;
        rows[n] = t->enc;
        of[n++] = t;
    }
    t5g_cross_build_many(x->decoder, rows, n, x->kv, cross);
    for (size_t i = 0; i < n; i++)
        of[i]->cross = cross[i];
}

/* Prepare a document, and answer its prompts if at_once. */
static void
begin(const struct t5g_decoding *x, struct item *t, struct t5g_run *run, const struct t5g_doc *doc,
      bool *fatal)
{
    if (t->cross == NULL)
        return;
    size_t group = 1;
    if (x->attending != NULL &&
        t5g_input_group(t5g_doc_find(doc, "encoder.out"), &group, &t->err) < 0)
        return;
    if (x->asker.scoring == NULL)
        t->answers = t5g_answers_open(run, doc, x->config, x->how, x->dropped, x->mode);
    else if ((t->scores = t5g_scores_open(run, doc, x->asker.scoring, x->dropped, &t->err)) == NULL)
        return;
    if (t->answers != NULL)
        t5g_answers_attend(t->answers, x->attending, group);
    struct task task = {
        .x = &x->asker, .answers = t->answers, .scores = t->scores, .cross = t->cross};
    ask(&x->asker, task, doc, fatal, &t->err);
}

/* Generate the sequences of all documents: as many as fit share the decoder's steps. */
static void
generate(const struct t5g_decoding *x, struct item *items, size_t n)
{
    size_t count = 0;
    for (size_t i = 0; i < n; i++)
        if (items[i].answers != NULL && items[i].err.code == 0)
            count += t5g_answers_jobs(items[i].answers, NULL);
    struct t5g_job **jobs = t5g_alloc(count, sizeof *jobs);
    count = 0;
    for (size_t i = 0; i < n; i++)
        if (items[i].answers != NULL && items[i].err.code == 0)
            count += t5g_answers_jobs(items[i].answers, jobs + count);
    t5g_generate(x->asker.generator, jobs, count);
    t5g_free(jobs);
}

/* Score what is given for all documents. */
static void
score(const struct t5g_decoding *x, struct item *items, size_t n)
{
    size_t count = 0;
    for (size_t i = 0; i < n; i++)
        if (items[i].scores != NULL && items[i].err.code == 0)
            count += t5g_scores_jobs(items[i].scores, NULL);
    struct t5g_score_job **jobs = t5g_alloc(count, sizeof *jobs);
    count = 0;
    for (size_t i = 0; i < n; i++)
        if (items[i].scores != NULL && items[i].err.code == 0)
            count += t5g_scores_jobs(items[i].scores, jobs + count);
    t5g_score(x->asker.scoring->scorer, jobs, count);
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

int
t5g_decode_batch(void *arg, struct t5g_run *run, const struct t5g_batch *b, struct t5g_err *e)
{
    const struct t5g_decoding *x = arg;
    struct item *items = t5g_alloc(b->n, sizeof *items);
    bool fatal = false;
    build(x, items, b);
    for (size_t i = 0; i < b->n && !fatal; i++) {
        t5g_at_work(b->docs[i].id, b->docs[i].id_len, b->n - i - 1);
        begin(x, &items[i], run, &b->docs[i], &fatal);
        if (fatal)
            *e = items[i].err;
    }
    if (b->n > 0)
        t5g_at_work(b->docs[0].id, b->docs[0].id_len, b->n - 1);
    if (!fatal && x->asker.scoring != NULL)
        score(x, items, b->n);
    else if (!fatal)
        generate(x, items, b->n);
    for (size_t i = 0; i < b->n; i++) {
        t5g_at_work(b->docs[i].id, b->docs[i].id_len, b->n - i - 1);
        if (!fatal && !run->stop)
            finish(&items[i], run, &b->docs[i]);
        if (items[i].answers != NULL)
            t5g_answers_close(items[i].answers);
        t5g_scores_close(items[i].scores);
        t5g_cross_free(items[i].cross);
        t5g_free(items[i].wide);
    }
    t5g_at_work(NULL, 0, 0);
    t5g_free(items);
    return fatal ? -1 : 0;
}
