/*
 * encoder.c: the encoder.
 *
 *   x = embed(ids) * scale, eoi and image rows as they are           [n, d]
 *   for each layer:
 *     y = rms(x, pre_attn)
 *     k, v = y wk^T, y wv^T                                          [n, hk dh]
 *     q = y wq^T                                                     [n, h dh]
 *     x += rms(attend(q, k, v) wo^T, post_attn)      (attention.c)
 *     y = rms(x, pre_ffn)
 *     x += rms((gelu(y wgate^T) * (y wup^T)) wdown^T, post_ffn)      [n, f] inside
 *   out = rms(x, norm)
 *
 * x lives in the caller's output; short documents go through side by side, as many as fit one
 * block, so that a weight is unpacked once for all: only attention knows where one ends. A layer
 * goes over the rows in blocks twice: first keys and values of all rows, then the rest, so that
 * only x, k, v and the rotary angles are n long.
 */
#include "nn/encoder.h"
#include "nn/attention.h"
#include "nn/embed.h"
#include "nn/linear.h"
#include "nn/norm.h"
#include "nn/rope.h"

#include <math.h>

struct t5g_encoder {
    const struct t5g_model *m;
    struct t5g_exec x;
    size_t ldd, ldq, ldf;                   /* strides of the block buffers */
    float *y, *q, *f;                       /* [block, d], [block, h dh], [block, f] */
    size_t block;                           /* rows the block buffers hold */
    size_t cap;                             /* rows of what follows */
    float *keys, *values;                   /* see attention.h */
    float *cos[T5G_KINDS], *sin[T5G_KINDS]; /* [cap, dh/2] */
    float *freq[T5G_KINDS];                 /* [dh/2] */
    struct t5g_linear *jobs;                /* [hk + 1]: values by head, keys */
    float *together;                        /* [T5G_ROW_BLOCK, d] rows of short documents */
};

struct t5g_encoder *
t5g_encoder_open(const struct t5g_model *m, const struct t5g_kernels *k, struct t5g_pool *pool)
{
    const struct t5g_stack_config *c = &m->config.encoder;
    struct t5g_encoder *x = t5g_alloc(1, sizeof *x);
    size_t widest = t5g_max(t5g_max(c->d, c->f), c->h * c->dh);
    x->m = m;
    t5g_exec_open(
        &x->x, k, pool,
        t5g_max(t5g_linear_panels_scratch(widest), t5g_attention_scratch(c->h, c->hk, c->dh)));
    if (m->quantised)
        t5g_exec_quantised(&x->x, T5G_ROW_BLOCK, widest);
    x->ldd = t5g_stride(c->d);
    x->ldq = t5g_stride(c->h * c->dh); /* keys of a block pass through the same buffer */
    x->ldf = t5g_stride(c->f);
    x->jobs = t5g_alloc(c->hk + 1, sizeof *x->jobs);
    for (int i = 0; i < T5G_KINDS; i++) {
        x->freq[i] = t5g_alloc(c->dh / 2, sizeof(float));
        t5g_rope_freq(x->freq[i], i == T5G_FULL ? &c->rope_full : &c->rope_local, c->dh);
    }
    return x;
}

static void
free_buffers(struct t5g_encoder *x)
{
    t5g_free(x->y);
    t5g_free(x->q);
    t5g_free(x->f);
    t5g_free(x->keys);
    t5g_free(x->values);
    for (int i = 0; i < T5G_KINDS; i++) {
        t5g_free(x->cos[i]);
        t5g_free(x->sin[i]);
    }
}

void
t5g_encoder_close(struct t5g_encoder *x)
{
    if (x == NULL)
        return;
    free_buffers(x);
    for (int i = 0; i < T5G_KINDS; i++)
        t5g_free(x->freq[i]);
    t5g_free(x->jobs);
    t5g_free(x->together);
    t5g_exec_close(&x->x);
    t5g_free(x);
}

/* Room for n rows; kept for the next document, with the angles. */
static void
reserve(struct t5g_encoder *x, size_t n)
{
    const struct t5g_stack_config *c = &x->m->config.encoder;
    size_t half = c->dh / 2;
    if (n <= x->cap)
        return;
    free_buffers(x);
    x->cap = t5g_round_up(n, T5G_PANEL);
    x->block = t5g_min(x->cap, T5G_ROW_BLOCK);
    x->y = t5g_alloc_raw(x->block, x->ldd * sizeof(float));
    x->q = t5g_alloc_raw(x->block, x->ldq * sizeof(float));
    x->f = t5g_alloc_raw(x->block, x->ldf * sizeof(float));
    x->keys = t5g_alloc_raw(t5g_attention_keys_size(c->hk, c->dh, x->cap), sizeof(float));
    x->values = t5g_alloc_raw(t5g_attention_values_size(c->hk, c->dh, x->cap), sizeof(float));
    for (int i = 0; i < T5G_KINDS; i++) {
        x->cos[i] = t5g_alloc_raw(x->cap, half * sizeof(float));
        x->sin[i] = t5g_alloc_raw(x->cap, half * sizeof(float));
        t5g_rope_table(&x->x, x->cos[i], x->sin[i], x->freq[i], half, 0, x->cap);
    }
}

/* Documents that go through the layers together: rows [n, d], one after another. */
struct group {
    float *rows;
    size_t n;
    const struct span {
        size_t at, n, keys; /* first row; rows; where its keys begin */
    } * spans;              /* [n_spans]; several only when all rows fit one block */
    size_t n_spans;
};

/* What a document of the group attends to. */
static struct t5g_attention
of_span(const struct t5g_attention *a, const struct span *s)
{
    struct t5g_attention own = *a;
    own.n = s->n;
    own.keys += s->keys;
    own.values += s->at * T5G_PANEL;
    return own;
}

/* Keys and values of rows r0..r0+m. */
static void
keys_block(struct t5g_encoder *x, const struct t5g_layer *layer, const struct t5g_attention *a,
           const struct group *g, size_t r0, size_t m)
{
    const struct t5g_stack_config *c = &x->m->config.encoder;
    size_t value_panels = (c->dh + T5G_PANEL - 1) / T5G_PANEL;
    t5g_norm_rows(&x->x, x->y, x->ldd, g->rows + r0 * c->d, c->d, layer->pre_attn, m, c->d, c->eps);
    x->jobs[c->hk] = t5g_linear_of(layer->k, x->q, x->ldq);
    for (size_t kv = 0; kv < c->hk; kv++) {
        float *to = a->values + (kv * value_panels * a->ldv + r0) * T5G_PANEL;
        x->jobs[kv] = t5g_linear_of(t5g_mat_rows(layer->v, kv * c->dh, c->dh), to, T5G_PANEL);
        x->jobs[kv].panel = a->ldv * T5G_PANEL;
    }
    t5g_linear_panels(&x->x, x->jobs, c->hk + 1, x->y, x->ldd, m);
    for (size_t i = 0; i < g->n_spans; i++) {
        struct t5g_attention own = of_span(a, &g->spans[i]);
        bool all = g->n_spans > 1;
        t5g_attention_set_keys(&x->x, &own, x->q + g->spans[i].at * x->ldq, x->ldq, all ? 0 : r0,
                               all ? own.n : m);
    }
}

/* Attention and feed-forward of rows r0..r0+m, in place. */
static void
block(struct t5g_encoder *x, const struct t5g_layer *layer, const struct t5g_attention *a,
      const struct group *g, size_t r0, size_t m)
{
    const struct t5g_stack_config *c = &x->m->config.encoder;
    float *in = g->rows + r0 * c->d;
    struct t5g_linear q = t5g_linear_of(layer->q, x->q, x->ldq);
    struct t5g_linear o = t5g_linear_of(layer->o, x->y, x->ldd);
    struct t5g_linear f = t5g_linear_of(layer->gate, x->f, x->ldf);
    struct t5g_linear down = t5g_linear_of(layer->down, x->y, x->ldd);
    f.up = layer->up;

    t5g_norm_rows(&x->x, x->y, x->ldd, in, c->d, layer->pre_attn, m, c->d, c->eps);
    t5g_linear_panels(&x->x, &q, 1, x->y, x->ldd, m);
    for (size_t i = 0; i < g->n_spans; i++) {
        struct t5g_attention own = of_span(a, &g->spans[i]);
        bool all = g->n_spans > 1;
        t5g_attention_run(&x->x, &own, x->q + g->spans[i].at * x->ldq, x->ldq, all ? 0 : r0,
                          all ? own.n : m);
    }
    t5g_linear_panels(&x->x, &o, 1, x->q, x->ldq, m);
    t5g_norm_add_rows(&x->x, in, c->d, x->y, x->ldd, layer->post_attn, m, c->d, c->eps);

    t5g_norm_rows(&x->x, x->y, x->ldd, in, c->d, layer->pre_ffn, m, c->d, c->eps);
    t5g_linear_panels(&x->x, &f, 1, x->y, x->ldd, m);
    t5g_linear_panels(&x->x, &down, 1, x->f, x->ldf, m);
    t5g_norm_add_rows(&x->x, in, c->d, x->y, x->ldd, layer->post_ffn, m, c->d, c->eps);
}

struct meter {
    bool (*progress)(void *arg, size_t done, size_t total);
    void *arg;
    size_t done, total;
};

/* Multiplications (in thousands) of the two passes of a layer over m rows. */
static size_t
keys_cost(const struct t5g_stack_config *c, size_t m)
{
    return 2 * m * c->hk * c->dh * c->d / 1000;
}

static size_t
block_cost(const struct t5g_stack_config *c, size_t m, size_t n, bool full)
{
    size_t reach = t5g_attention_reach(full ? 0 : c->window, n);
    return m * (2 * c->h * c->dh * (c->d + reach) + 3 * c->f * c->d) / 1000;
}

static bool
tick(struct meter *t, size_t cost)
{
    t->done += cost;
    return t->progress == NULL || t->progress(t->arg, t->done, t->total);
}

/* All layers over the rows; false when told to stop. */
static bool
layers(struct t5g_encoder *x, const struct group *g, struct meter *t)
{
    size_t n = g->n;
    const struct t5g_stack_config *c = &x->m->config.encoder;
    for (size_t l = 0; l < c->layers; l++) {
        int kind = c->full[l] ? T5G_FULL : T5G_LOCAL;
        const struct t5g_layer *layer = &x->m->encoder.layers[l];
        struct t5g_attention a = {
            .h = c->h,
            .hk = c->hk,
            .dh = c->dh,
            .n = n,
            .window = c->full[l] ? 0 : c->window,
            .scale = c->scale,
            .eps = c->eps,
            .q_norm = layer->q_norm,
            .k_norm = layer->k_norm,
            .cos = x->cos[kind],
            .sin = x->sin[kind],
            .keys = x->keys,
            .values = x->values,
            .ldv = n,
        };
        for (size_t r = 0; r < n; r += T5G_ROW_BLOCK) {
            size_t m = t5g_min(T5G_ROW_BLOCK, n - r);
            keys_block(x, layer, &a, g, r, m);
            if (!tick(t, keys_cost(c, m)))
                return false;
        }
        for (size_t r = 0; r < n; r += T5G_ROW_BLOCK) {
            size_t m = t5g_min(T5G_ROW_BLOCK, n - r);
            block(x, layer, &a, g, r, m);
            if (!tick(t, block_cost(c, m, n, c->full[l])))
                return false;
        }
    }
    return true;
}

static size_t
total_cost(const struct t5g_stack_config *c, size_t n)
{
    size_t cost = 0;
    for (size_t l = 0; l < c->layers; l++) {
        for (size_t r = 0; r < n; r += T5G_ROW_BLOCK) {
            size_t m = t5g_min(T5G_ROW_BLOCK, n - r);
            cost += keys_cost(c, m) + block_cost(c, m, n, c->full[l]);
        }
    }
    return cost;
}

/* Replace the rows of image ids, in order. -1 when their number is not n_rows. */
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

/* jobs [n] together, in rows [sum of their n, d] of ours or the one's own. */
static void
encode_group(struct t5g_encoder *x, struct t5g_encode_job *jobs, size_t n,
             bool (*progress)(void *arg, size_t done, size_t total), void *arg)
{
    const struct t5g_stack_config *c = &x->m->config.encoder;
    struct span spans[T5G_ROW_BLOCK];
    size_t rows = 0, room = 0;
    for (size_t i = 0; i < n; i++) {
        spans[i] = (struct span){
            rows, jobs[i].n, room / T5G_PANEL * t5g_attention_keys_size(c->hk, c->dh, T5G_PANEL)};
        rows += jobs[i].n;
        room += t5g_round_up(jobs[i].n, T5G_PANEL);
    }
    struct group g = {jobs[0].out, rows, spans, n};
    struct meter t = {progress, arg, 0, total_cost(c, rows)};
    reserve(x, room);
    if (n > 1 && x->together == NULL)
        x->together = t5g_alloc_raw(T5G_ROW_BLOCK, c->d * sizeof(float));
    if (n > 1)
        g.rows = x->together;
    for (size_t i = 0; i < n; i++) {
        float *own = g.rows + spans[i].at * c->d;
        t5g_embed_rows(own, c->d, &x->m->encoder, x->m->config.eoi, jobs[i].ids, jobs[i].n);
        if (jobs[i].features != NULL)
            put_features(own, c->d, jobs[i].ids, jobs[i].n, x->m->config.image, jobs[i].features,
                         jobs[i].n_image_rows, &jobs[i].err);
    }
    bool whole = layers(x, &g, &t);
    t5g_norm_rows(&x->x, g.rows, c->d, g.rows, c->d, x->m->encoder.norm, rows, c->d, c->eps);
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
                bool (*progress)(void *arg, size_t done, size_t total), void *arg)
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
           size_t n_image_rows, float *out, bool (*progress)(void *arg, size_t done, size_t total),
           void *arg, struct t5g_err *e)
{
    struct t5g_encode_job job = {ids, n, features, n_image_rows, out, {0}};
    t5g_encode_many(x, &job, 1, progress, arg);
    if (job.err.code == 0)
        return 0;
    if (e != NULL)
        *e = job.err;
    return -1;
}
