/*
 * decoder.c: the decoder, n rows at positions pos..pos+n of one sequence.
 *
 *   x = embed(ids) * scale, the eoi row as it is                     [n, d]
 *   for each layer:
 *     y = rms(x, pre_attn)
 *     q, k, v = y wq^T, y wk^T, y wv^T                               [n, h dh], [n, hk dh] x 2
 *     q, k = rotate(rms(q, q_norm)), rotate(rms(k, k_norm))          per head; k, v to the cache
 *     x += rms(attend(q, own and cross k, v) wo^T, post_attn)        (merged.c)
 *     y = rms(x, pre_ffn)
 *     x += rms((gelu(y wgate^T) * (y wup^T)) wdown^T, post_ffn)
 *   logits = cap * tanh(rms(x, norm) head^T / cap)                   [1 or n, v]; cap 0: no cap
 *
 * Row kernels throughout, whatever n is: a row's bits do not depend on the rows beside it.
 */
#include "nn/stack.h"
#include "nn/embed.h"
#include "nn/norm.h"

#include <math.h>
#include <stdatomic.h>

const struct t5g_stack_config *
t5g_decoder_config(const struct t5g_decoder *x)
{
    return &x->m->config.decoder;
}

struct t5g_decoder *
t5g_decoder_open(const struct t5g_model *m, const struct t5g_kernels *k, struct t5g_pool *pool)
{
    const struct t5g_stack_config *c = &m->config.decoder;
    struct t5g_decoder *x = t5g_alloc(1, sizeof *x);
    size_t rows = T5G_STEP_ROWS, half = c->dh / 2;
    size_t scratch = t5g_max(t5g_linear_panels_scratch(c->d), t5g_linear_rows_scratch());
    x->m = m;
    t5g_exec_open(&x->x, k, pool, t5g_max(scratch, t5g_merged_scratch(c)));
    if (m->quantised)
        t5g_exec_quantised(&x->x, T5G_ROW_BLOCK, t5g_max(t5g_max(c->d, c->f), c->h * c->dh));
    t5g_merged_open(&x->att, c);
    for (int i = 0; i < T5G_KINDS; i++) {
        x->freq[i] = t5g_alloc(half, sizeof(float));
        x->cos[i] = t5g_alloc(rows, half * sizeof(float));
        x->sin[i] = t5g_alloc(rows, half * sizeof(float));
        t5g_rope_freq(x->freq[i], i == T5G_FULL ? &c->rope_full : &c->rope_local, c->dh);
    }
    x->h = t5g_alloc(rows, c->d * sizeof(float));
    x->y = t5g_alloc(rows, c->d * sizeof(float));
    x->q = t5g_alloc(rows, c->h * c->dh * sizeof(float));
    x->k = t5g_alloc(rows, c->hk * c->dh * sizeof(float));
    x->v = t5g_alloc(rows, c->hk * c->dh * sizeof(float));
    x->f = t5g_alloc(rows, c->f * sizeof(float));
    x->jobs = t5g_alloc(2 * c->hk, sizeof *x->jobs);
    return x;
}

void
t5g_decoder_close(struct t5g_decoder *x)
{
    if (x == NULL)
        return;
    for (int i = 0; i < T5G_KINDS; i++) {
        t5g_free(x->freq[i]);
        t5g_free(x->cos[i]);
        t5g_free(x->sin[i]);
    }
    t5g_merged_close(&x->att);
    t5g_exec_close(&x->x);
    t5g_free(x->h);
    t5g_free(x->y);
    t5g_free(x->q);
    t5g_free(x->k);
    t5g_free(x->v);
    t5g_free(x->f);
    t5g_free(x->jobs);
    t5g_free(x);
}

struct heads {
    struct t5g_decoder *x;
    const struct t5g_layer *layer;
    const struct t5g_kv *own;
    int kind;
    size_t pos, n;
};

/* Row i: queries to their places in att.q, key and value to the cache. */
static void
heads_item(void *arg, size_t i, size_t worker)
{
    const struct heads *r = arg;
    struct t5g_decoder *x = r->x;
    const struct t5g_stack_config *c = &x->m->config.decoder;
    const struct t5g_kernels *k = x->x.k;
    size_t dh = c->dh, half = dh / 2, g = c->h / c->hk;
    const float *cos = x->cos[r->kind] + i * half, *sin = x->sin[r->kind] + i * half;
    (void)worker;
    for (size_t head = 0; head < c->h; head++) {
        float *q = x->att.q + ((head / g * r->n + i) * g + head % g) * dh;
        k->rms(q, x->q + (i * c->h + head) * dh, r->layer->q_norm, dh, c->eps);
        k->rope(q, cos, sin, half);
    }
    for (size_t kv = 0; kv < c->hk; kv++) {
        size_t from = (i * c->hk + kv) * dh;
        size_t to = (kv * r->own->cap + (r->pos + i) % r->own->cap) * dh;
        k->rms(r->own->k + to, x->k + from, r->layer->k_norm, dh, c->eps);
        k->rope(r->own->k + to, cos, sin, half);
        memcpy(r->own->v + to, x->v + from, dh * sizeof *x->v);
    }
}

static void
layer(struct t5g_decoder *x, size_t l, const struct t5g_kv *cross, const struct t5g_kvcache *kv,
      size_t n)
{
    const struct t5g_stack_config *c = &x->m->config.decoder;
    const struct t5g_layer *w = &x->m->decoder.layers[l];
    size_t dq = c->h * c->dh, dk = c->hk * c->dh;
    struct t5g_linear qkv[3] = {t5g_linear_of(w->q, x->q, dq), t5g_linear_of(w->k, x->k, dk),
                                t5g_linear_of(w->v, x->v, dk)};
    struct t5g_linear o = t5g_linear_of(w->o, x->y, c->d);
    struct t5g_linear f = t5g_linear_of(w->gate, x->f, c->f);
    struct t5g_linear down = t5g_linear_of(w->down, x->y, c->d);
    f.up = w->up;
    struct heads heads = {x, w, &kv->kv[l], c->full[l] ? T5G_FULL : T5G_LOCAL, kv->pos, n};
    struct t5g_merged att = {c, &x->att, &kv->kv[l], cross, c->full[l], kv->pos, n, x->q, dq};

    t5g_norm_rows(&x->x, x->y, c->d, x->h, c->d, w->pre_attn, n, c->d, c->eps);
    t5g_linear_rows(&x->x, qkv, 3, x->y, c->d, n);
    t5g_exec_run(&x->x, heads_item, &heads, n, 8 * n * (dq + dk));
    t5g_merged_run(&x->x, &att);
    t5g_linear_rows(&x->x, &o, 1, x->q, dq, n);
    t5g_norm_add_rows(&x->x, x->h, c->d, x->y, c->d, w->post_attn, n, c->d, c->eps);

    t5g_norm_rows(&x->x, x->y, c->d, x->h, c->d, w->pre_ffn, n, c->d, c->eps);
    t5g_linear_rows(&x->x, &f, 1, x->y, c->d, n);
    t5g_linear_rows(&x->x, &down, 1, x->f, c->f, n);
    t5g_norm_add_rows(&x->x, x->h, c->d, x->y, c->d, w->post_ffn, n, c->d, c->eps);
}

enum { HEAD_CHUNK = 256 }; /* vocabulary rows of an item */

struct head {
    const struct t5g_decoder *x;
    const float *in; /* [n, d] */
    float *logits;   /* [n, v] */
    size_t n;
    atomic_bool bad; /* some logit is not finite */
};

static void
head_item(void *arg, size_t item, size_t worker)
{
    struct head *r = arg;
    const struct t5g_stack_config *c = &r->x->m->config.decoder;
    const struct t5g_kernels *k = r->x->x.k;
    size_t r0 = item * HEAD_CHUNK, rows = t5g_min(HEAD_CHUNK, c->v - r0);
    struct t5g_mat w = t5g_mat_rows(r->x->m->head, r0, rows);
    bool bad = false;
    (void)worker;
    if (t5g_is_quantised(w.dtype))
        t5g_linear_quantised(&r->x->x, r->logits + r0, c->v, r->n, &w, 0,
                             (rows + T5G_PANEL - 1) / T5G_PANEL);
    else
        k->dot(r->logits + r0, c->v, r->in, c->d, r->n, w.p, w.dtype, rows, c->d);
    for (size_t i = 0; i < r->n; i++) {
        float *y = r->logits + i * c->v + r0;
        for (size_t j = 0; j < rows; j++)
            bad |= !isfinite(y[j]);
        if (c->logit_softcap != 0)
            k->softcap(y, rows, c->logit_softcap);
    }
    if (bad)
        atomic_store(&r->bad, true);
}

/* Logits of the last `rows` of n rows. */
static int
head(struct t5g_decoder *x, size_t n, size_t rows, size_t pos, float *logits, struct t5g_err *e)
{
    const struct t5g_stack_config *c = &x->m->config.decoder;
    struct head r = {.x = x, .in = x->y, .logits = logits, .n = rows};
    const float *in = x->h + (n - rows) * c->d;
    t5g_norm_rows(&x->x, x->y, c->d, in, c->d, x->m->decoder.norm, rows, c->d, c->eps);
    if (t5g_is_quantised(x->m->head.dtype))
        t5g_linear_quantise(&x->x, x->y, c->d, rows, c->d, x->m->head.group);
    t5g_exec_run(&x->x, head_item, &r, (c->v + HEAD_CHUNK - 1) / HEAD_CHUNK, rows * c->v * c->d);
    if (atomic_load(&r.bad))
        return t5g_err_set(e, T5G_EX_DATA, "logits: not finite, at decoder position %zu",
                           pos + n - rows);
    return 0;
}

/* At most T5G_STEP_ROWS ids; logits of the last `rows` of them. */
static int
few(struct t5g_decoder *x, const struct t5g_cross *cross, struct t5g_kvcache *kv,
    const int32_t *ids, size_t n, size_t rows, float *logits, struct t5g_err *e)
{
    const struct t5g_stack_config *c = &x->m->config.decoder;
    t5g_embed_rows(x->h, c->d, &x->m->decoder, x->m->config.eoi, ids, n);
    for (int i = 0; i < T5G_KINDS; i++)
        t5g_rope_table(&x->x, x->cos[i], x->sin[i], x->freq[i], c->dh / 2, kv->pos, n);
    for (size_t l = 0; l < c->layers; l++)
        layer(x, l, &cross->kv[l], kv, n);
    size_t pos = kv->pos;
    kv->pos += n;
    return rows == 0 ? 0 : head(x, n, rows, pos, logits, e);
}

int
t5g_decoder_step(struct t5g_decoder *x, const struct t5g_cross *cross, struct t5g_kvcache *kv,
                 const int32_t *ids, size_t n, bool all, float *logits, struct t5g_err *e)
{
    size_t v = x->m->config.decoder.v;
    int r = 0;
    if (n > kv->max - kv->pos)
        return t5g_err_set(e, T5G_EX_BUG, "decoder: %zu ids at position %zu, room for %zu", n,
                           kv->pos, kv->max);
    t5g_alloc_forbid(true);
    for (size_t i = 0; r == 0 && i < n; i += T5G_STEP_ROWS) {
        size_t m = t5g_min(T5G_STEP_ROWS, n - i);
        size_t rows = all ? m : i + m == n ? 1 : 0;
        r = few(x, cross, kv, ids + i, m, rows, logits + (all ? i * v : 0), e);
    }
    t5g_alloc_forbid(false);
    return r;
}
