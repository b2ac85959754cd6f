/* decode.c: documents of a stream through the decoder, several at a time. */
#include "stage/decode.h"
#include "cli/signals.h"
#include "stage/input.h"

/* A document in hand. */
struct item {
    float *wide;
    struct t5g_cross *cross;
    struct t5g_answers *answers;
    struct t5g_err err; /* code != 0: it failed */
};

/* Everything but the answers that are not asked for at once. */
static void
begin(const struct t5g_decoding *x, struct item *t, struct t5g_run *run, const struct t5g_doc *doc,
      bool *fatal)
{
    const float *rows;
    size_t n;
    if (t5g_input_encoder_out(doc, x->config->decoder.d, &rows, &n, &t->wide, &t->err) < 0)
        return;
    t->cross = t5g_cross_build(x->decoder, rows, n, x->kv);
    t->answers = t5g_answers_open(run, doc, x->config, x->how, x->dropped, x->mode);
    t5g_ask(&x->asker, t->answers, doc, t->cross, fatal, &t->err);
}

/* The sequences of all documents in hand: steps of the decoder are shared by as many as it takes.
 */
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

static void
finish(struct item *t, struct t5g_run *run, const struct t5g_doc *doc)
{
    if (doc->failed)
        t5g_run_pass_failed(run, doc);
    else if (t->err.code != 0 || t5g_answers_check(t->answers, &t->err) < 0)
        t5g_run_fail(run, doc->id, doc->id_len, &doc->open, &t->err);
    else
        t5g_answers_finish(t->answers);
}

int
t5g_decoding_run(const struct t5g_decoding *x, struct t5g_run *run, const struct t5g_batch *b,
                 struct t5g_err *e)
{
    struct item *items = t5g_alloc(b->n, sizeof *items);
    bool fatal = false;
    for (size_t i = 0; i < b->n && !fatal; i++) {
        t5g_at_work(b->docs[i].id, b->docs[i].id_len, b->n - i - 1);
        if (!b->docs[i].failed)
            begin(x, &items[i], run, &b->docs[i], &fatal);
        if (fatal)
            *e = items[i].err;
    }
    if (b->n > 0)
        t5g_at_work(b->docs[0].id, b->docs[0].id_len, b->n - 1);
    if (!fatal)
        generate(x, items, b->n);
    for (size_t i = 0; i < b->n; i++) {
        t5g_at_work(b->docs[i].id, b->docs[i].id_len, b->n - i - 1);
        if (!fatal && !run->stop)
            finish(&items[i], run, &b->docs[i]);
        if (items[i].answers != NULL)
            t5g_answers_close(items[i].answers);
        t5g_cross_free(items[i].cross);
        t5g_free(items[i].wide);
    }
    t5g_at_work(NULL, 0, 0);
    t5g_free(items);
    return fatal ? -1 : 0;
}
