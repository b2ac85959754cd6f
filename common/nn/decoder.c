/*
 * decoder.c: the decoder, n rows: one or more positions of one or more sequences.
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
#include "nn/decoder_impl.h"
#include "nn/embed.h"
#include "nn/norm.h"

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
    scratch = t5g_max(scratch, t5g_head_scratch());
    x->m = m;
    t5g_exec_open(&x->x, k, pool, t5g_max(scratch, t5g_merged_scratch(c)));
    x->head = t5g_head_open(m);
    if (m->quantised || m->screen.p != NULL)
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
    t5g_head_close(x->head);
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
    const struct t5g_layer *w;
    size_t layer, n;
};

/* Row i: queries to their places in att.q, key and value to the cache of its sequence. */
static void
heads_item(void *arg, size_t i, size_t worker)
{
    const struct heads *r = arg;
    struct t5g_decoder *x = r->x;
    const struct t5g_stack_config *c = &x->m->config.decoder;
    const struct t5g_kernels *k = x->x.k;
    const struct t5g_kv *own = &x->part_of[i]->kv->kv[r->layer];
    int kind = c->full[r->layer] ? T5G_FULL : T5G_LOCAL;
    size_t dh = c->dh, half = dh / 2, g = c->h / c->hk;
    const float *cos = x->cos[kind] + i * half, *sin = x->sin[kind] + i * half;
    (void)worker;
    for (size_t head = 0; head < c->h; head++) {
        float *q = x->att.q + ((head / g * r->n + i) * g + head % g) * dh;
        k->rms(q, x->q + (i * c->h + head) * dh, r->w->q_norm, dh, c->eps);
        k->rope(q, cos, sin, half);
    }
    for (size_t kv = 0; kv < c->hk; kv++) {
        size_t from = (i * c->hk + kv) * dh;
        float *key = (float *)own->k + (kv * own->cap + x->pos[i] % own->cap) * dh;
        float *value = (float *)own->v + (kv * own->cap + x->pos[i] % own->cap) * dh;
        k->rms(key, x->k + from, r->w->k_norm, dh, c->eps);
        k->rope(key, cos, sin, half);
        memcpy(value, x->v + from, dh * sizeof *x->v);
    }
}

static void
layer(struct t5g_decoder *x, size_t l, const struct t5g_part *parts, size_t n_parts, size_t n)
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
    struct heads heads = {x, w, l, n};
    struct t5g_merged att = {c, &x->att, parts, n_parts, l, n, x->q, dq};

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

/* Logits, or the largest of them, of the rows that are asked for. */
static void
head(struct t5g_decoder *x, struct t5g_part *parts, size_t n_parts)
{
    const struct t5g_stack_config *c = &x->m->config.decoder;
    struct t5g_head_row rows[T5G_STEP_ROWS];
    size_t row = 0, n = 0;
    for (size_t i = 0; i < n_parts; i++)
        for (size_t j = 0; j < parts[i].n; j++, row++) {
            const struct t5g_part *p = &parts[i];
            size_t k = p->all ? j : 0;
            if ((p->logits == NULL && p->best == NULL) || (!p->all && j + 1 < p->n))
                continue;
            rows[n] =
                (struct t5g_head_row){.logits = p->logits != NULL ? p->logits + k * c->v : NULL,
                                      .best = p->best != NULL ? p->best + k : NULL,
                                      .no_eos = p->no_eos};
            t5g_norm_rows(&x->x, x->y + n++ * c->d, c->d, x->h + row * c->d, c->d,
                          x->m->decoder.norm, 1, c->d, c->eps);
        }
    if (n == 0)
        return;
    t5g_head_run(x->head, &x->x, x->y, rows, n);
    n = 0;
    for (size_t i = 0; i < n_parts; i++) {
        bool asked = parts[i].logits != NULL || parts[i].best != NULL;
        parts[i].bad = false;
        for (size_t j = 0; asked && j < (parts[i].all ? parts[i].n : 1); j++)
            parts[i].bad |= rows[n++].bad;
    }
}

void
t5g_decoder_step(struct t5g_decoder *x, struct t5g_part *parts, size_t n_parts)
{
    const struct t5g_stack_config *c = &x->m->config.decoder;
    size_t n = 0, half = c->dh / 2;
    t5g_alloc_forbid(true);
    for (size_t i = 0; i < n_parts; n += parts[i++].n) {
        t5g_embed_rows(x->h + n * c->d, c->d, &x->m->decoder, x->m->config.eoi, parts[i].ids,
                       parts[i].n);
        for (size_t j = 0; j < parts[i].n; j++) {
            x->part_of[n + j] = &parts[i];
            x->pos[n + j] = parts[i].kv->pos + j;
        }
        for (int kind = 0; kind < T5G_KINDS; kind++)
            t5g_rope_table(&x->x, x->cos[kind] + n * half, x->sin[kind] + n * half, x->freq[kind],
                           half, parts[i].kv->pos, parts[i].n);
    }
    for (size_t l = 0; l < c->layers; l++)
        layer(x, l, parts, n_parts, n);
    for (size_t i = 0; i < n_parts; i++)
        parts[i].kv->pos += parts[i].n;
    head(x, parts, n_parts);
    t5g_alloc_forbid(false);
}

int
t5g_decoder_feed(struct t5g_decoder *x, const struct t5g_cross *cross, struct t5g_kvcache *kv,
                 const int32_t *ids, size_t n, bool all, float *logits, struct t5g_err *e)
{
    size_t v = x->m->config.decoder.v;
    if (n > kv->max - kv->pos)
        return t5g_err_set(e, T5G_EX_BUG, "decoder: %zu ids at position %zu, room for %zu", n,
                           kv->pos, kv->max);
    for (size_t i = 0; i < n; i += T5G_STEP_ROWS) {
        size_t m = t5g_min(T5G_STEP_ROWS, n - i), pos = kv->pos;
        float *to = all ? logits + i * v : i + m == n ? logits : NULL;
        struct t5g_part part = {
            .cross = cross, .kv = kv, .ids = ids + i, .n = m, .all = all, .logits = to};
        t5g_decoder_step(x, &part, 1);
        if (part.bad)
            return t5g_err_set(e, T5G_EX_DATA, "logits: not finite, at decoder position %zu",
                               pos + (all ? 0 : m - 1));
    }
    return 0;
}
