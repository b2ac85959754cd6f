/*
 * encoder.c: the encoder.
 *
 *   x = embed(ids) * scale, eoi and image rows unscaled           [n, d]
 *   all layers (layers.c, block.c)
 *   out = norm(x)
 *
 * x is in the caller's output; short documents are computed together, as many as fit one block of
 * rows.
 */
#include "nn/encoder.h"
#include "nn/embed.h"
#include "nn/layers.h"

#include <math.h>

/* Where rows are copied to between layers. */
struct taps {
    const size_t *layers; /* [n] */
    size_t n;
    struct t5g_encode_job *jobs; /* of the group at work; those with hidden == NULL want none */
    const struct t5g_row_group *g;
};

struct t5g_encoder {
    const struct t5g_model *m;
    struct t5g_layers l;
    struct taps taps;
    float *together; /* [T5G_ROW_BLOCK, d] rows of short documents */
};

struct t5g_encoder *
t5g_encoder_open(const struct t5g_model *m, const struct t5g_kernels *k, struct t5g_pool *pool)
{
    struct t5g_encoder *x = t5g_alloc(1, sizeof *x);
    x->m = m;
    t5g_layers_open(&x->l, &m->encoder, k, pool, 0, m->quantised);
    return x;
}

void
t5g_encoder_close(struct t5g_encoder *x)
{
    if (x == NULL)
        return;
    t5g_layers_close(&x->l);
    t5g_free(x->together);
    t5g_free(x);
}

void
t5g_encoder_tap(struct t5g_encoder *x, const size_t *layers, size_t n)
{
    x->taps = (struct taps){.layers = layers, .n = n};
}

/* Keep the rows as they are after `layer` layers, where someone wants them. */
static void
tap(struct t5g_encoder *x, size_t layer)
{
    const struct taps *t = &x->taps;
    size_t d = x->m->config.encoder.d;
    for (size_t k = 0; k < t->n; k++)
        for (size_t i = 0; i < t->g->n_spans && t->layers[k] == layer; i++) {
            const struct t5g_row_span *s = &t->g->spans[i];
            memcpy(t->jobs[i].hidden[k], t->g->rows + s->at * d, s->n * d * sizeof(float));
        }
}

static void
after_layer(void *arg, size_t done)
{
    struct t5g_encoder *x = arg;
    if (done < x->m->config.encoder.layers) /* the last one's rows are taken after the norm */
        tap(x, done);
}

/* Replace the rows of image ids, in order. -1 with e (65) if their number is not n_rows. */
static int
put_features(float *x, size_t d, const int32_t *ids, size_t n, int32_t image, const float *rows,
             size_t n_rows, struct t5g_err *e)
{
    size_t k = 0;
    for (size_t i = 0; i < n; i++)
        if (ids[i] == image && k++ < n_rows)
            memcpy(x + i * d, rows + (k - 1) * d, d * sizeof *x);
    if (k != n_rows)
        return t5g_err_set(e, T5G_EX_DATA, "input.ids: %zu image tokens, expected %zu", k, n_rows);
    return 0;
}

static int
check_finite(const float *x, size_t n, size_t d, struct t5g_err *e)
{
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < d; j++)
            if (!isfinite(x[i * d + j]))
                return t5g_err_set(e, T5G_EX_DATA, "encoder output: row %zu is not finite", i);
    return 0;
}

/* All jobs [n] together, in x->together [sum of their n, d], or in the output of a single job. */
static void
encode_group(struct t5g_encoder *x, struct t5g_encode_job *jobs, size_t n,
             t5g_progress_fn *progress, void *arg)
{
    const struct t5g_stack_config *c = &x->m->config.encoder;
    struct t5g_row_span spans[T5G_ROW_BLOCK];
    size_t rows = 0, room = 0;
    for (size_t i = 0; i < n; i++) {
        spans[i] = (struct t5g_row_span){rows, jobs[i].n, room};
        rows += jobs[i].n;
        room += t5g_round_up(jobs[i].n, T5G_PANEL);
    }
    struct t5g_row_group g = {jobs[0].out, rows, spans, n};
    t5g_layers_reserve(&x->l, room);
    if (n > 1 && x->together == NULL)
        x->together = t5g_alloc_raw(T5G_ROW_BLOCK, c->d * sizeof(float));
    if (n > 1)
        g.rows = x->together;
    for (size_t i = 0; i < n; i++) {
        float *own = g.rows + spans[i].at * c->d;
        t5g_embed_rows(&x->l.x, own, c->d, &x->m->encoder, x->m->config.eoi, jobs[i].ids,
                       jobs[i].n);
        if (jobs[i].features != NULL)
            put_features(own, c->d, jobs[i].ids, jobs[i].n, x->m->config.image, jobs[i].features,
                         jobs[i].n_image_rows, &jobs[i].err);
    }
    x->taps.jobs = jobs;
    x->taps.g = &g;
    x->l.after = x->taps.n > 0 ? after_layer : NULL;
    x->l.after_arg = x;
    tap(x, 0);
    bool whole = t5g_layers_run(&x->l, &g, progress, arg);
    t5g_block_norm(&x->l.b, g.rows, c->d, g.rows, c->d, &x->m->encoder.norm, rows);
    tap(x, c->layers);
    for (size_t i = 0; i < n; i++) {
        if (n > 1)
            memcpy(jobs[i].out, g.rows + spans[i].at * c->d, jobs[i].n * c->d * sizeof(float));
        if (jobs[i].err.code == 0 && !whole)
            t5g_err_set(&jobs[i].err, T5G_EX_AGAIN, "encoder: stopped");
        if (jobs[i].err.code == 0)
            check_finite(jobs[i].out, jobs[i].n, c->d, &jobs[i].err);
    }
}

size_t
t5g_encode_together(const struct t5g_encode_job *jobs, size_t n)
{
    size_t m = 0;
    for (size_t rows = 0; m < n && (m == 0 || rows + jobs[m].n <= T5G_ROW_BLOCK); m++)
        rows += jobs[m].n;
    return m;
}

void
t5g_encode_many(struct t5g_encoder *x, struct t5g_encode_job *jobs, size_t n,
                t5g_progress_fn *progress, void *arg)
{
    for (size_t i = 0, m; i < n; i += m) {
        m = t5g_encode_together(jobs + i, n - i);
        for (size_t k = i; k < i + m; k++)
            jobs[k].err.code = 0;
        encode_group(x, jobs + i, m, progress, arg);
    }
}

int
t5g_encode(struct t5g_encoder *x, const int32_t *ids, size_t n, const float *features,
           size_t n_image_rows, float *out, t5g_progress_fn *progress, void *arg, struct t5g_err *e)
{
    struct t5g_encode_job job = {ids, n, features, n_image_rows, out, {0}, NULL};
    t5g_encode_many(x, &job, 1, progress, arg);
    if (job.err.code == 0)
        return 0;
    if (e != NULL)
        *e = job.err;
    return -1;
}
