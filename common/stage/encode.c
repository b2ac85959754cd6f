/* encode.c: documents of a stream through cache and encoder. */
#include "stage/encode.h"
#include "base/stop.h"
#include "base/units.h"
#include "cli/progress.h"
#include "cli/signals.h"
#include "stage/input.h"

#include <string.h>

/* A document of the batch. */
struct item {
    const struct t5g_doc *doc;
    const int32_t *ids;
    float *features, *rows;
    float **hidden; /* [n_layers]; NULL */
    size_t n, n_features;
    size_t n_rows; /* of rows: n, except where the document had them */
    bool cached;
    bool kept;    /* what the document has already is what is asked for */
    bool had;     /* rows are the document's own */
    bool grouped; /* and are averages already */
    struct t5g_cache_key key;
    struct t5g_cache_entry entry;
    struct t5g_encode_job *job; /* NULL: nothing to compute */
    struct t5g_err err;         /* code != 0: it failed */
};

/* ---- what is there already ---- */

/* Whether the stream's rows are, by what it says, of this encoder and profile. */
static bool
of_this_model(const struct t5g_encoding *x, const struct t5g_run *run)
{
    const struct t5g_head *h = t5g_source_head(run->in);
    return !x->force && t5g_head_check(h, x->parts, T5G_BY_ENCODER | T5G_BY_VISION, NULL) == 0 &&
           (h->num[0] == '\0' || strcmp(h->num, x->num) == 0);
}

/*
 * Whether a document's encoder.out can stand for a run of the encoder: exact rows, or rows of the
 * type that is asked for; for an embedding rows of any type, but one for each id.
 */
static bool
serves(const struct t5g_encoding *x, const struct item *t, const struct t5g_frame *f)
{
    const struct t5g_shape *s = &x->shape;
    size_t group;
    if (f == NULL || s->n_layers > 0 || f->kind != T5G_KIND_TENSOR || f->ndim != 2 ||
        f->dims[0] == 0 || f->dims[1] != s->d || t5g_input_group(f, &group, NULL) < 0)
        return false;
    const struct t5g_frame *ids = t5g_doc_find(t->doc, "input.ids");
    if (ids != NULL && (ids->kind != T5G_KIND_TENSOR || ids->dtype != T5G_I32 || ids->ndim != 1))
        return false; /* its document fails */
    if (ids != NULL && f->dims[0] != (ids->dims[0] + group - 1) / group)
        return false;
    if (s->pooling != T5G_POOL_NONE)
        return group == 1;
    return (f->dtype == T5G_F32 || f->dtype == s->dtype) && (group == 1 || group == s->group);
}

/* Take the rows of the document: 1, 0 if there are none that serve, -1 with t->err. */
static int
take_rows(const struct t5g_encoding *x, struct item *t)
{
    const struct t5g_shape *s = &x->shape;
    const struct t5g_frame *f = t5g_doc_find(t->doc, "encoder.out");
    const float *rows;
    float *wide;
    size_t group;
    if (!serves(x, t, f) || t5g_input_group(f, &group, &t->err) < 0)
        return t->err.code == 0 ? 0 : -1;
    if (t5g_input_encoder_out(t->doc, s->kernels, s->d, &rows, &t->n_rows, &wide, &t->err) < 0)
        return -1;
    t->kept = s->pooling == T5G_POOL_NONE && f->dtype == s->dtype && group == s->group;
    t->had = true;
    t->rows = wide;
    if (wide == NULL && !t->kept) {
        t->rows = t5g_alloc_raw(t->n_rows * s->d, sizeof *rows);
        memcpy(t->rows, rows, t->n_rows * s->d * sizeof *rows);
    }
    t->grouped = group > 1;
    return 1;
}

/* A document that was encoded, whose pictures are not in the stream any more. */
static int
check_pictures(const struct t5g_encoding *x, const struct item *t, struct t5g_err *e)
{
    size_t slots = 0;
    for (size_t i = 0; i < t->n; i++)
        slots += t->ids[i] == x->config->image;
    if (slots == 0 || t->features != NULL || t5g_doc_find(t->doc, "encoder.out") == NULL)
        return 0;
    return t5g_err_set(e, T5G_EX_DATA,
                       "was encoded with pictures, and cannot be encoded again in another form "
                       "without image.feat: give the first t5g-encode --keep");
}

/* ---- the cache ---- */

static void
make_key(const struct t5g_encoding *x, const struct t5g_shape *s, struct item *t,
         struct t5g_cache_key *key)
{
    struct t5g_shape_names names;
    struct t5g_buf options = {0};
    size_t d = x->config->encoder.d;
    t5g_shape_names(s, &names);
    t5g_shape_key(s, &options);
    t5g_cache_key_open(key, (const char *[]){names.v[0], x->parts->id[T5G_ID_ENCODER], x->profile,
                                             options.p, NULL});
    t5g_cache_key_add(key, T5G_I32, 1, (uint64_t[]){t->n}, t->ids, t->n * sizeof *t->ids);
    if (t->features != NULL)
        t5g_cache_key_add(key, T5G_F32, 2, (uint64_t[]){t->n_features, d}, t->features,
                          t->n_features * d * sizeof *t->features);
    t5g_cache_key_close(key);
    t5g_buf_free(&options);
}

/* The result, or else exact rows to make it from. */
static bool
find_cached(const struct t5g_encoding *x, struct item *t)
{
    const struct t5g_shape *s = &x->shape;
    struct t5g_shape plain = {.d = s->d, .dtype = T5G_F32, .group = 1};
    struct t5g_shape_names names;
    struct t5g_cache_key key;
    struct t5g_cache_entry entry;
    make_key(x, s, t, &t->key);
    t5g_shape_names(s, &names);
    t->cached = t5g_cache_get(x->cache, &t->key, names.v, t->ids, t->n, &t->entry);
    if (t->cached)
        return true;
    if (t5g_shape_plain(s) || s->n_layers > 0)
        return false;
    make_key(x, &plain, t, &key);
    t5g_shape_names(&plain, &names);
    if (!t5g_cache_get(x->cache, &key, names.v, t->ids, t->n, &entry))
        return false;
    const struct t5g_frame *f = &entry.tensors[0];
    bool whole = f->dtype == T5G_F32 && f->size == t->n * s->d * sizeof(float);
    if (whole) {
        t->rows = t5g_alloc_raw(t->n * s->d, sizeof(float));
        memcpy(t->rows, f->data, f->size);
    }
    t5g_cache_entry_close(&entry);
    return whole;
}

/* ---- one document ---- */

static void
add_hidden(const struct t5g_encoding *x, struct item *t)
{
    const struct t5g_shape *s = &x->shape;
    if (s->n_layers == 0)
        return;
    t->hidden = t5g_alloc(s->n_layers, sizeof *t->hidden);
    for (size_t i = 0; i < s->n_layers; i++)
        t->hidden[i] = t5g_alloc_raw(t->n * s->d, sizeof(float));
}

static void
free_item(const struct t5g_encoding *x, struct item *t)
{
    if (t->cached)
        t5g_cache_entry_close(&t->entry);
    for (size_t i = 0; t->hidden != NULL && i < x->shape.n_layers; i++)
        t5g_free(t->hidden[i]);
    t5g_free(t->hidden);
    t5g_free(t->features);
    t5g_free(t->rows);
}

/* Get a document's inputs, and its result from what is there, else a job. Returns the jobs
 * added. */
static size_t
prepare(const struct t5g_encoding *x, const struct t5g_run *run, struct item *t,
        const struct t5g_doc *doc, struct t5g_encode_job *job)
{
    *t = (struct item){.doc = doc};
    if (doc->failed || (of_this_model(x, run) && take_rows(x, t) != 0))
        return 0;
    if (t5g_input_ids(doc, x->config, &t->ids, &t->n, &t->err) < 0 ||
        t5g_input_features(doc, x->config, t->ids, t->n, &t->features, &t->n_features, &t->err) <
            0 ||
        check_pictures(x, t, &t->err) < 0)
        return 0;
    t->n_rows = t->n;
    if (x->cache != NULL && find_cached(x, t))
        return 0;
    t->rows = t5g_alloc_raw(t->n * x->config->encoder.d, sizeof(float));
    add_hidden(x, t);
    *job =
        (struct t5g_encode_job){t->ids, t->n, t->features, t->n_features, t->rows, {0}, t->hidden};
    t->job = job;
    return 1;
}

/* Write what was made, and keep it in the cache. */
static void
write_result(const struct t5g_encoding *x, struct t5g_run *run, struct item *t,
             const struct t5g_shaped *r, double seconds)
{
    struct t5g_err e;
    if (x->cache != NULL && !t->had)
        t5g_cache_put(x->cache, &t->key, r->tensors, r->n, t->ids, t->n, seconds);
    for (size_t i = 0; i < r->n; i++) {
        const struct t5g_cache_tensor *f = &r->tensors[i];
        if (t5g_writer_tensor(run->w, f->name, f->dtype, f->ndim, f->dims, f->data, f->extra, &e) <
            0)
            t5g_die_err(&e);
    }
}

struct passing {
    const struct t5g_encoding *x;
    const struct item *t;
};

static bool
skip(const char *name, void *arg)
{
    const struct passing *p = arg;
    if (p->t->kept && (strcmp(name, "encoder.out") == 0 || strcmp(name, "encoder.out.scale") == 0))
        return false;
    return p->x->dropped(name, NULL);
}

static void
write_item(const struct t5g_encoding *x, struct t5g_run *run, struct item *t, double seconds)
{
    struct t5g_err e;
    struct t5g_shaped r = {0};
    if (t->doc->failed) {
        t5g_run_pass_failed(run, t->doc);
        return;
    }
    if (t->err.code == 0 && t->job != NULL)
        t->err = t->job->err;
    if (t->err.code == 0 && !t->cached && !t->kept)
        (void)t5g_shape_make(&x->shape, t->rows, t->n_rows, t->grouped, t->hidden, &r, &t->err);
    if (t->err.code != 0) {
        t5g_shaped_free(&r);
        t5g_run_fail(run, t->doc->id, t->doc->id_len, &t->doc->open, &t->err);
        return;
    }
    t5g_stop_hold();
    if (t5g_doc_write_open(run->w, t->doc, skip, &(struct passing){x, t}, &e) < 0)
        t5g_die_err(&e);
    for (size_t i = 0; t->cached && i < t->entry.n; i++) /* their hashes were checked on reading */
        if (t5g_writer_frame(run->w, &t->entry.tensors[i], &e) < 0)
            t5g_die_err(&e);
    if (!t->cached && !t->kept)
        write_result(x, run, t, &r, seconds);
    if (t5g_writer_frame(run->w, &t->doc->close, &e) < 0)
        t5g_die_err(&e);
    t5g_run_done(run, t->n_rows);
    t5g_stop_release();
    t5g_shaped_free(&r);
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
        free_item(x, t);
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
        n_jobs += prepare(x, run, &items[i], &b->docs[i], &jobs[n_jobs]);
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
