/*
 * forced.c: a layer of the decoder, rows through the block (block.c), where
 *
 *   q, k, v = y wq^T, y wk^T, y wv^T           rms of each head and rotation for q and k
 *   k, v of the document's rows                enc wk^T, enc wv^T, rms of each head of k
 *   q = softmax(scale q k^T) v                 own keys up to the row itself, and the document's
 *
 * or, with separate cross-attention, first the own ones alone, then the document's with matrices of
 * their own. Keys and values lie together: own ones first.
 */
#include "nn/forced.h"
#include "nn/attention.h"
#include "nn/decoder_attention.h"
#include "nn/norm.h"

#include <math.h>
#include <string.h>

enum { CAP = 2 * T5G_ROW_BLOCK, ROWS = 32 }; /* ROWS: of an item of attention */

void
t5g_forced_open(struct t5g_forced *f, const struct t5g_stack_config *c, const struct t5g_kernels *k,
                struct t5g_pool *pool)
{
    size_t widest = t5g_max(t5g_max(c->d, c->f), c->h * c->dh), half = c->dh / 2;
    *f = (struct t5g_forced){.c = c};
    t5g_exec_open(&f->x, k, pool,
                  t5g_max(t5g_linear_panels_scratch(widest), ROWS * (size_t)(CAP + c->dh)));
    t5g_exec_quantised(&f->x, T5G_ROW_BLOCK, widest);
    t5g_block_open(&f->b, &f->x, c, t5g_linear_panels, 0);
    t5g_block_alloc(&f->b, T5G_ROW_BLOCK);
    f->keys = t5g_alloc_raw(c->hk * CAP, c->dh * sizeof(float));
    f->values = t5g_alloc_raw(c->hk * CAP, c->dh * sizeof(float));
    f->jobs = t5g_alloc(2 * c->hk, sizeof *f->jobs);
    for (int i = 0; i < T5G_KINDS && c->block.rope; i++) {
        float *freq = t5g_alloc(half, sizeof *freq);
        f->cos[i] = t5g_alloc_raw(T5G_ROW_BLOCK, half * sizeof(float));
        f->sin[i] = t5g_alloc_raw(T5G_ROW_BLOCK, half * sizeof(float));
        t5g_rope_freq(freq, i == T5G_FULL ? &c->rope_full : &c->rope_local, c->dh);
        t5g_rope_table(&f->x, f->cos[i], f->sin[i], freq, half, 0, T5G_ROW_BLOCK);
        t5g_free(freq);
    }
}

void
t5g_forced_close(struct t5g_forced *f)
{
    t5g_block_free(&f->b);
    t5g_free(f->keys);
    t5g_free(f->values);
    t5g_free(f->jobs);
    for (int i = 0; i < T5G_KINDS; i++) {
        t5g_free(f->cos[i]);
        t5g_free(f->sin[i]);
    }
    t5g_exec_close(&f->x);
}

/* One layer at work: keys 0..own are the rows' own, own..own + seen the document's. */
struct layer {
    struct t5g_forced *f;
    const struct t5g_layer *w;
    const struct t5g_attention_weights *now;
    size_t l, n, own, seen;
    const float *enc;
    size_t n_enc;
};

/* Keys and values of rows [m, d] to key number `at` and on. */
static void
put_keys(const struct layer *r, const float *rows, size_t ld, size_t m, size_t at)
{
    struct t5g_forced *f = r->f;
    size_t dh = f->c->dh;
    for (size_t h = 0; h < f->c->hk; h++) {
        size_t to = (h * CAP + at) * dh;
        struct t5g_affine k = t5g_affine_rows(&r->now->k, h * dh, dh);
        struct t5g_affine v = t5g_affine_rows(&r->now->v, h * dh, dh);
        f->jobs[2 * h] = t5g_linear_of(&k, f->keys + to, dh);
        f->jobs[2 * h + 1] = t5g_linear_of(&v, f->values + to, dh);
    }
    t5g_linear_panels(&f->x, f->jobs, 2 * f->c->hk, rows, ld, m);
    for (size_t h = 0; h < f->c->hk && r->now->k_norm != NULL; h++) {
        float *keys = f->keys + (h * CAP + at) * dh;
        t5g_norm_rows(&f->x, keys, dh, keys, dh, r->now->k_norm, m, dh, f->c->eps);
    }
}

/* Query heads of row i, normalised, and its own keys; both rotated. */
static void
row_item(void *arg, size_t i, size_t worker)
{
    const struct layer *r = arg;
    const struct t5g_stack_config *c = r->f->c;
    const struct t5g_kernels *k = r->f->x.k;
    int kind = c->full[r->l] ? T5G_FULL : T5G_LOCAL;
    size_t half = c->dh / 2;
    bool rotate = c->block.rope && r->own > 0;
    (void)worker;
    for (size_t h = 0; h < c->h; h++) {
        float *q = r->f->b.q + i * r->f->b.ldq + h * c->dh;
        if (r->now->q_norm != NULL)
            k->rms(q, q, r->now->q_norm, c->dh, c->eps);
        if (rotate)
            k->rope(q, r->f->cos[kind] + i * half, r->f->sin[kind] + i * half, half);
    }
    for (size_t h = 0; h < c->hk && rotate; h++)
        k->rope(r->f->keys + (h * CAP + i) * c->dh, r->f->cos[kind] + i * half,
                r->f->sin[kind] + i * half, half);
}

/* Scores s of row i become its weights: own keys from `from` on, and behind a gap the document's.
 */
static void
weigh(const struct layer *r, float *s, size_t i, size_t from, size_t own, size_t gap)
{
    const struct t5g_stack_config *c = r->f->c;
    const struct t5g_kernels *k = r->f->x.k;
    float max = -INFINITY, sum = 0;
    if (own > 0)
        t5g_attention_softmax(k, s, own, t5g_first_seen(c, r->l, i) - from, i + 1 - from, c->scale,
                              c->attn_softcap, &max, &sum);
    if (r->seen > 0)
        k->scale(s, own,
                 t5g_attention_softmax(k, s + gap, r->seen, 0, r->seen, c->scale, c->attn_softcap,
                                       &max, &sum));
    k->scale(s, own, sum > 0 ? 1 / sum : 0);
    k->scale(s + gap, r->seen, sum > 0 ? 1 / sum : 0);
}

/* Some rows of one head: its queries in b.q become its output. */
static void
head_item(void *arg, size_t item, size_t worker)
{
    const struct layer *r = arg;
    const struct t5g_stack_config *c = r->f->c;
    const struct t5g_kernels *k = r->f->x.k;
    size_t head = item % c->h, i0 = item / c->h * ROWS, m = t5g_min(ROWS, r->n - i0);
    size_t from = r->own > 0 ? t5g_first_seen(c, r->l, i0) : 0,
           own = r->own > 0 ? i0 + m - from : 0;
    size_t gap = t5g_round_up(own, T5G_SOFT_PAD), ldq = r->f->b.ldq, dh = c->dh;
    size_t at = head / (c->h / c->hk) * CAP * dh;
    const float *keys = r->f->keys + at, *values = r->f->values + at;
    float *s = t5g_exec_scratch(&r->f->x, worker), *o = s + ROWS * CAP;
    float *q = r->f->b.q + i0 * ldq + head * dh;
    if (own > 0)
        k->dot(s, CAP, q, ldq, m, keys + from * dh, T5G_F32, own, dh);
    if (r->seen > 0)
        k->dot(s + gap, CAP, q, ldq, m, keys + r->own * dh, T5G_F32, r->seen, dh);
    for (size_t i = 0; i < m; i++)
        weigh(r, s + i * CAP, i0 + i, from, own, gap);
    memset(o, 0, ROWS * dh * sizeof *o);
    k->mix(o, dh, s, CAP, m, values + from * dh, T5G_F32, dh, own, dh);
    k->mix(o, dh, s + gap, CAP, m, values + r->own * dh, T5G_F32, dh, r->seen, dh);
    for (size_t i = 0; i < m; i++)
        memcpy(q + i * ldq, o + i * dh, dh * sizeof *q);
}

static void
run(struct layer *r)
{
    struct t5g_forced *f = r->f;
    struct t5g_linear q = t5g_linear_of(&r->now->q, f->b.q, f->b.ldq);
    t5g_linear_panels(&f->x, &q, 1, f->b.y, f->b.ldy, r->n);
    if (r->own > 0)
        put_keys(r, f->b.y, f->b.ldy, r->n, 0);
    if (r->seen > 0)
        put_keys(r, r->enc, f->c->d, r->seen, r->own);
    t5g_pool_run(f->x.pool, row_item, r, r->n);
    t5g_pool_run(f->x.pool, head_item, r, (r->n + ROWS - 1) / ROWS * f->c->h);
}

static size_t
attend_self(void *arg, size_t m)
{
    struct layer *r = arg;
    r->now = &r->w->self;
    r->own = m;
    r->seen = r->f->c->block.cross == T5G_CROSS_MERGED ? r->n_enc : 0;
    run(r);
    return m;
}

static size_t
attend_cross(void *arg, size_t m)
{
    struct layer *r = arg;
    r->now = &r->w->cross;
    r->own = 0;
    r->seen = r->n_enc;
    run(r);
    return m;
}

void
t5g_forced_layer(struct t5g_forced *f, const struct t5g_layer *w, size_t l, float *rows, size_t n,
                 const float *enc, size_t n_enc)
{
    bool separate = f->c->block.cross == T5G_CROSS_SEPARATE;
    struct layer r = {.f = f, .w = w, .l = l, .n = n, .enc = enc, .n_enc = n_enc};
    t5g_block_run(&f->b, w, rows, n, attend_self, separate ? attend_cross : NULL, &r);
}
