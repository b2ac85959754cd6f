/*
 * label.c: documents through a classifier.
 *
 *   keys and values of encoder.out (nn/cross.c); input.ids through the decoder and the head
 *   (generate/classify.c); label.logits in place of encoder.out
 */
#include "stage/label.h"
#include "base/jsonstr.h"
#include "base/stop.h"
#include "cli/signals.h"
#include "generate/classify.h"
#include "model/labels.h"
#include "stage/input.h"

#include <string.h>

/* A document of the batch. */
struct item {
    struct t5g_rows enc;
    float *wide;
    struct t5g_classify_job job; /* cross NULL: nothing to do */
    struct t5g_cross *cross;
    struct t5g_err err; /* code != 0: it failed */
};

static int
check(const struct t5g_labelling *x, struct item *t, const struct t5g_doc *doc)
{
    const struct t5g_frame *own;
    const struct t5g_config *c = &x->model->config;
    int found = t5g_doc_only(doc, "prompt", T5G_KIND_TEXT, &own, &t->err);
    if (found == 1)
        return t5g_err_set(&t->err, T5G_EX_DATA, "prompt: a classifier reads no prompt");
    if (found == 0 && (found = t5g_doc_only(doc, "adapter", T5G_KIND_TEXT, &own, &t->err)) == 1)
        return t5g_err_set(&t->err, T5G_EX_DATA, "adapter: a classifier has none to choose");
    if (found < 0 || t5g_input_ids(doc, c, &t->job.ids, &t->job.n, &t->err) < 0)
        return -1;
    return t5g_input_encoder_out(doc, x->kernels, c->decoder.d, &t->enc.rows, &t->enc.n, &t->wide,
                                 &t->err);
}

/* Keys and values of all documents that have what is needed, and their logits. */
static void
compute(const struct t5g_labelling *x, struct item *items, const struct t5g_batch *b)
{
    struct t5g_rows rows[T5G_BATCH_MAX] = {0};
    struct t5g_cross *cross[T5G_BATCH_MAX];
    struct t5g_classify_job *jobs[T5G_BATCH_MAX];
    struct item *of[T5G_BATCH_MAX];
    size_t n = 0;
    for (size_t i = 0; i < b->n; i++) {
        t5g_at_work(b->docs[i].id, b->docs[i].id_len, b->n - i - 1);
        if (b->docs[i].failed || check(x, &items[i], &b->docs[i]) < 0)
            continue;
        rows[n] = items[i].enc;
        of[n++] = &items[i];
    }
    t5g_cross_build_many(x->decoder, rows, n, x->kv, cross);
    for (size_t i = 0; i < n; i++) {
        of[i]->job.cross = of[i]->cross = cross[i];
        jobs[i] = &of[i]->job;
    }
    t5g_classify(x->decoder, x->model, x->pool, jobs, n);
    for (size_t i = 0; i < n; i++)
        if (of[i]->job.err.code != 0)
            of[i]->err = of[i]->job.err;
}

static void
written(int result, const struct t5g_err *e)
{
    if (result < 0)
        t5g_die_err(e);
}

static void
write_doc(const struct t5g_labelling *x, const struct item *t, struct t5g_run *run,
          const struct t5g_doc *doc, const char *meta)
{
    const struct t5g_labels *l = &x->model->config.labels;
    bool tokens = l->kind == T5G_HEAD_TOKENS;
    uint64_t dims[] = {t->job.n, l->n};
    struct t5g_err e;
    t5g_stop_hold();
    written(t5g_doc_write_open(run->w, doc, x->dropped, NULL, &e), &e);
    written(t5g_writer_tensor(run->w, "label.logits", T5G_F32, tokens ? 2 : 1,
                              tokens ? dims : dims + 1, t->job.logits, meta, &e),
            &e);
    written(t5g_writer_frame(run->w, &doc->close, &e), &e);
    t5g_run_done(run, t->job.n);
    t5g_stop_release();
}

/* "labels" and "problem", for the frame. */
static void
put_labels(struct t5g_buf *b, const struct t5g_labels *l)
{
    t5g_buf_adds(b, "\"labels\":[");
    for (size_t i = 0; i < l->n; i++) {
        if (i > 0)
            t5g_buf_addc(b, ',');
        t5g_jsonstr_write(b, l->names[i], strlen(l->names[i]));
    }
    t5g_buf_printf(b, "],\"problem\":\"%s\"", t5g_problem_name(l->problem));
}

int
t5g_label_batch(void *arg, struct t5g_run *run, const struct t5g_batch *b, struct t5g_err *e)
{
    const struct t5g_labelling *x = arg;
    struct item *items = t5g_alloc(b->n, sizeof *items);
    struct t5g_buf meta = {0};
    (void)e;
    put_labels(&meta, &x->model->config.labels);
    compute(x, items, b);
    for (size_t i = 0; i < b->n; i++) {
        const struct t5g_doc *doc = &b->docs[i];
        t5g_at_work(doc->id, doc->id_len, b->n - i - 1);
        if (!run->stop && doc->failed)
            t5g_run_pass_failed(run, doc);
        else if (!run->stop && items[i].err.code != 0)
            t5g_run_fail(run, doc->id, doc->id_len, &doc->open, &items[i].err);
        else if (!run->stop)
            write_doc(x, &items[i], run, doc, meta.p);
        t5g_cross_free(items[i].cross);
        t5g_free(items[i].job.logits);
        t5g_free(items[i].wide);
    }
    t5g_at_work(NULL, 0, 0);
    t5g_buf_free(&meta);
    t5g_free(items);
    return 0;
}
