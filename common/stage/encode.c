/* encode.c: documents of a stream through cache and encoder. */
#include "stage/encode.h"
#include "base/stop.h"
#include "base/units.h"
#include "cli/progress.h"
#include "cli/signals.h"
#include "nn/q8row.h"
#include "stage/input.h"

#include <stdio.h>
#include <string.h>

/* A document of the batch. */
struct item {
    const struct t5g_doc *doc;
    const int32_t *ids;
    float *features, *rows;
    size_t n, n_features;
    bool cached;
    struct t5g_cache_key key;
    struct t5g_cache_entry entry;
    struct t5g_encode_job *job; /* NULL: nothing to compute */
    struct t5g_err err;         /* code != 0: it failed */
};

/* The tensors written for it. */
struct result {
    struct t5g_cache_tensor tensors[T5G_CACHE_TENSORS]; /* [n] */
    size_t n;
    void *bytes, *scales; /* behind them, t5g_free; NULL */
};

static const char *
name_of(const struct t5g_encoding *x)
{
    return x->pooling != 0 ? "embedding" : "encoder.out";
}

static void
make_key(const struct t5g_encoding *x, struct item *t)
{
    char options[64];
    size_t d = x->config->encoder.d;
    snprintf(options, sizeof options, "pooling %d, %s", x->pooling,
             x->dtype == T5G_I8 ? "q8" : t5g_dtype_name(x->dtype));
    t5g_cache_key_open(&t->key, (const char *[]){name_of(x), x->model, x->profile, options, NULL});
    t5g_cache_key_add(&t->key, T5G_I32, 1, (uint64_t[]){t->n}, t->ids, t->n * sizeof *t->ids);
    if (t->features != NULL)
        t5g_cache_key_add(&t->key, T5G_F32, 2, (uint64_t[]){t->n_features, d}, t->features,
                          t->n_features * d * sizeof *t->features);
    t5g_cache_key_close(&t->key);
}

/* Get a document's inputs, and its result from the cache, else a job. Returns the jobs added. */
static size_t
prepare(const struct t5g_encoding *x, struct item *t, const struct t5g_doc *doc,
        struct t5g_encode_job *job)
{
    *t = (struct item){.doc = doc};
    if (doc->failed || t5g_input_ids(doc, x->config, &t->ids, &t->n, &t->err) < 0 ||
        t5g_input_features(doc, x->config, t->ids, t->n, &t->features, &t->n_features, &t->err) < 0)
        return 0;
    if (x->cache != NULL) {
        make_key(x, t);
        const char *scales = x->dtype == T5G_I8 ? "encoder.out.scale" : NULL;
        t->cached = t5g_cache_get(x->cache, &t->key, (const char *[]){name_of(x), scales, NULL},
                                  t->ids, t->n, &t->entry);
        if (t->cached)
            return 0;
    }
    t->rows = t5g_alloc_raw(t->n * x->config->encoder.d, sizeof(float));
    *job = (struct t5g_encode_job){t->ids, t->n, t->features, t->n_features, t->rows, {0}};
    t->job = job;
    return 1;
}

/* The rows in the requested form: pooled, or all as f32, bf16 (narrowed in place) or bytes. */
static struct result
shape(const struct t5g_encoding *x, float *rows, size_t n)
{
    size_t d = x->config->encoder.d, runs = t5g_q8_runs(d);
    if (x->pooling != 0) {
        t5g_pool_rows(rows, n, d, (enum t5g_pooling)x->pooling);
        return (struct result){.tensors = {{name_of(x), NULL, T5G_F32, 1, {d}, rows}}, .n = 1};
    }
    if (x->dtype == T5G_I8) {
        int8_t *bytes = t5g_alloc_raw(n, d);
        float *scale = t5g_alloc_raw(n, runs * sizeof *scale);
        t5g_q8_rows(x->kernels, bytes, scale, rows, n, d);
        return (struct result){
            .tensors = {{name_of(x), "\"rotate\":128", T5G_I8, 2, {n, d}, bytes},
                        {"encoder.out.scale", NULL, T5G_F32, 2, {n, runs}, scale}},
            .n = 2,
            .bytes = bytes,
            .scales = scale};
    }
    unsigned char *narrow = (unsigned char *)rows;
    for (size_t i = 0; i < n * d && x->dtype == T5G_BF16; i++) {
        uint16_t v = t5g_f32_to_bf16(rows[i]);
        memcpy(narrow + 2 * i, &v, 2); /* never past the element just read */
    }
    return (struct result){.tensors = {{name_of(x), NULL, x->dtype, 2, {n, d}, rows}}, .n = 1};
}

/* Write what was computed, and keep it in the cache. */
static void
write_result(const struct t5g_encoding *x, struct t5g_run *run, struct item *t, double seconds)
{
    struct t5g_err e;
    struct result r = shape(x, t->rows, t->n);
    if (x->cache != NULL)
        t5g_cache_put(x->cache, &t->key, r.tensors, r.n, t->ids, t->n, seconds);
    for (size_t i = 0; i < r.n; i++) {
        const struct t5g_cache_tensor *f = &r.tensors[i];
        if (t5g_writer_tensor(run->w, f->name, f->dtype, f->ndim, f->dims, f->data, f->extra, &e) <
            0)
            t5g_die_err(&e);
    }
    t5g_free(r.bytes);
    t5g_free(r.scales);
}

static void
write_item(const struct t5g_encoding *x, struct t5g_run *run, struct item *t, double seconds)
{
    struct t5g_err e;
    if (t->doc->failed) {
        t5g_run_pass_failed(run, t->doc);
        return;
    }
    if (t->err.code == 0 && t->job != NULL)
        t->err = t->job->err;
    if (t->err.code != 0) {
        t5g_run_fail(run, t->doc->id, t->doc->id_len, &t->doc->open, &t->err);
        return;
    }
    t5g_stop_hold();
    if (t5g_doc_write_open(run->w, t->doc, x->dropped, NULL, &e) < 0)
        t5g_die_err(&e);
    for (size_t i = 0; t->cached && i < t->entry.n; i++) /* their hashes were checked on reading */
        if (t5g_writer_frame(run->w, &t->entry.tensors[i], &e) < 0)
            t5g_die_err(&e);
    if (!t->cached)
        write_result(x, run, t, seconds);
    if (t5g_writer_frame(run->w, &t->doc->close, &e) < 0)
        t5g_die_err(&e);
    t5g_run_done(run, t->n);
    t5g_stop_release();
}

static bool
report(void *arg, size_t done, size_t total)
{
    (void)arg;
    t5g_progress_part(done, total);
    return true;
}

/* Write, and free, items from *at on that need no job, or one before `done`. */
static void
write_ready(const struct t5g_encoding *x, struct t5g_run *run, struct item *items, size_t n,
            size_t *at, const struct t5g_encode_job *done, double each)
{
    for (; *at < n && (items[*at].job == NULL || items[*at].job < done); ++*at) {
        struct item *t = &items[*at];
        t5g_at_work(t->doc->id, t->doc->id_len, n - *at - 1);
        if (!run->stop)
            write_item(x, run, t, each * (double)t->n);
        if (t->cached)
            t5g_cache_entry_close(&t->entry);
        t5g_free(t->features);
        t5g_free(t->rows);
    }
    if (*at < n)
        t5g_at_work(items[*at].doc->id, items[*at].doc->id_len, n - *at - 1);
}

int
t5g_encode_batch(void *arg, struct t5g_run *run, const struct t5g_batch *b, struct t5g_err *e)
{
    const struct t5g_encoding *x = arg;
    struct item *items = t5g_alloc(T5G_BATCH_MAX, sizeof *items);
    struct t5g_encode_job *jobs = t5g_alloc(T5G_BATCH_MAX, sizeof *jobs);
    size_t n_jobs = 0, at = 0;
    if (b->n > 0)
        t5g_at_work(b->docs[0].id, b->docs[0].id_len, b->n - 1);
    for (size_t i = 0; i < b->n; i++)
        n_jobs += prepare(x, &items[i], &b->docs[i], &jobs[n_jobs]);
    write_ready(x, run, items, b->n, &at, jobs, 0);
    for (size_t i = 0, m; i < n_jobs; i += m) {
        double before = t5g_seconds();
        size_t rows = 0;
        m = t5g_encode_together(jobs + i, n_jobs - i);
        t5g_encode_many(x->encoder, jobs + i, m, report, NULL);
        for (size_t k = i; k < i + m; k++)
            rows += jobs[k].n;
        double each = rows > 0 ? (t5g_seconds() - before) / (double)rows : 0;
        write_ready(x, run, items, b->n, &at, jobs + i + m, each);
    }
    t5g_at_work(NULL, 0, 0);
    t5g_free(items);
    t5g_free(jobs);
    (void)e; /* only documents can fail here */
    return 0;
}
