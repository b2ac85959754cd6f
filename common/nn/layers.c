/*
 * layers.c: blocks over rows that see each other. For each layer:
 *
 *   k, v = pre(x) wk^T, pre(x) wv^T          of all rows            [n, hk dh]
 *   x through the block (block.c), where q = y wq^T                 [n, h dh]
 *
 * A layer makes two passes over the rows in blocks of T5G_ROW_BLOCK, first for keys and values,
 * then for the rest, so that only x, k, v and the rotary angles have n rows. If one block holds all
 * rows, q, k and v are one product. Short documents are computed together, as many as fit one
 * block, so that a weight is unpacked once for all of them; only attention tells them apart.
 */
#include "nn/layers.h"
#include "nn/attention.h"

void
t5g_layers_open(struct t5g_layers *l, const struct t5g_stack *s, const struct t5g_kernels *k,
                struct t5g_pool *pool, size_t wide, bool quantised)
{
    const struct t5g_stack_config *c = s->c;
    size_t widest = t5g_max(t5g_max(t5g_max(c->d, c->f), c->h * c->dh), t5g_max(wide, s->ranks));
    *l = (struct t5g_layers){.s = s};
    t5g_exec_open(
        &l->x, k, pool,
        t5g_max(t5g_linear_panels_scratch(widest), t5g_attention_scratch(c->h, c->hk, c->dh)));
    if (quantised)
        t5g_exec_quantised(&l->x, T5G_ROW_BLOCK, widest);
    t5g_exec_bf16(&l->x, T5G_ROW_BLOCK, widest);
    t5g_exec_low(&l->x, T5G_ROW_BLOCK, s->ranks);
    t5g_block_open(&l->b, &l->x, c, t5g_linear_panels, t5g_max(wide, c->hk * c->dh));
    l->jobs = t5g_alloc(c->hk + 2, sizeof *l->jobs);
    for (int i = 0; i < T5G_KINDS && c->block.rope; i++) {
        l->freq[i] = t5g_alloc(c->dh / 2, sizeof(float));
        t5g_rope_freq(l->freq[i], i == T5G_FULL ? &c->rope_full : &c->rope_local, c->dh);
    }
}

static void
free_buffers(struct t5g_layers *l)
{
    t5g_block_free(&l->b);
    t5g_free(l->keys);
    t5g_free(l->values);
    t5g_free(l->values16);
    t5g_qkv_free(&l->q8);
    for (int i = 0; i < T5G_KINDS; i++) {
        t5g_free(l->cos[i]);
        t5g_free(l->sin[i]);
    }
}

void
t5g_layers_close(struct t5g_layers *l)
{
    free_buffers(l);
    for (int i = 0; i < T5G_KINDS; i++)
        t5g_free(l->freq[i]);
    t5g_free(l->jobs);
    t5g_exec_close(&l->x);
}

void
t5g_layers_reserve(struct t5g_layers *l, size_t n)
{
    const struct t5g_stack_config *c = l->s->c;
    size_t half = c->dh / 2;
    if (n <= l->cap)
        return;
    free_buffers(l);
    l->cap = t5g_round_up(n, T5G_PANEL);
    l->block = t5g_min(l->cap, T5G_ROW_BLOCK);
    t5g_block_alloc(&l->b, l->block);
    bool bf16 = l->x.k->bf16_gemm != NULL, q8 = l->x.q != NULL && !bf16;
    if (q8)
        l->q8 = t5g_qkv_alloc(c->hk, c->dh, l->cap);
    else
        l->keys = t5g_alloc_raw(t5g_attention_keys_size(c->hk, c->dh, l->cap), sizeof(float));
    l->values = t5g_alloc_raw(t5g_attention_values_size(c->hk, c->dh, l->cap), sizeof(float));
    if (bf16)
        l->values16 =
            t5g_alloc_raw(t5g_attention_values_size(c->hk, c->dh, l->cap), sizeof *l->values16);
    for (int i = 0; i < T5G_KINDS && c->block.rope; i++) {
        l->cos[i] = t5g_alloc_raw(l->cap, half * sizeof(float));
        l->sin[i] = t5g_alloc_raw(l->cap, half * sizeof(float));
        t5g_rope_table(&l->x, l->cos[i], l->sin[i], l->freq[i], half, 0, l->cap);
    }
}

/* One layer at work. */
struct layer {
    struct t5g_layers *l;
    const struct t5g_layer *w;
    const struct t5g_row_group *g;
    struct t5g_attention a; /* of all rows */
    size_t r0;              /* first row of the current block */
    bool once;              /* it is the only one */
};

/* The attention of document i of the group; *r0, *m: its rows in the current block. */
static struct t5g_attention
of_span(const struct layer *x, size_t i, size_t *r0, size_t *m)
{
    const struct t5g_row_span *s = &x->g->spans[i];
    struct t5g_attention own = x->a;
    own.n = s->n;
    if (own.q8.k != NULL)
        own.q8 = t5g_qkv_at(&own.q8, own.hk, own.dh, s->room);
    else
        own.keys += s->room / T5G_PANEL * t5g_attention_keys_size(own.hk, own.dh, T5G_PANEL);
    own.values += s->at * T5G_PANEL;
    if (own.values16 != NULL)
        own.values16 += s->room / T5G_PANEL * t5g_attention_values_size(own.hk, own.dh, T5G_PANEL);
    if (x->g->n_spans > 1) { /* the whole document is in the one block */
        *r0 = 0;
        *m = own.n;
    } else {
        *r0 = x->r0;
    }
    return own;
}

/* The products for values, by head, and raw keys, to `keys`, stride ld: hk + 1 jobs. */
static void
key_jobs(const struct layer *x, float *keys, size_t ld)
{
    struct t5g_linear *jobs = x->l->jobs;
    const struct t5g_attention *a = &x->a;
    size_t value_panels = (a->dh + T5G_PANEL - 1) / T5G_PANEL;
    for (size_t kv = 0; kv < a->hk; kv++) {
        float *to = a->values + (kv * value_panels * a->ldv + x->r0) * T5G_PANEL;
        struct t5g_affine v = t5g_affine_rows(&x->w->self.v, kv * a->dh, a->dh);
        jobs[kv] = t5g_linear_of(&v, to, T5G_PANEL);
        jobs[kv].panel = a->ldv * T5G_PANEL;
    }
    jobs[a->hk] = t5g_linear_of(&x->w->self.k, keys, ld);
}

/* Behind those: raw keys and values to where attention wants them. */
static void
set_keys(const struct layer *x, float *keys, size_t ld, size_t m)
{
    for (size_t i = 0; i < x->g->n_spans; i++) {
        size_t r0, rows = m;
        struct t5g_attention own = of_span(x, i, &r0, &rows);
        t5g_attention_set_keys(&x->l->x, &own, keys + x->g->spans[i].at * ld, ld, r0, rows);
    }
}

/* Keys and values of m rows from r0; the raw keys are in the buffer of queries meanwhile. */
static void
keys_block(const struct layer *x, size_t m)
{
    struct t5g_layers *l = x->l;
    const struct t5g_block *b = &l->b;
    size_t d = b->c->d;
    t5g_block_norm(b, b->y, b->ldy, x->g->rows + x->r0 * d, d, &x->w->self.pre, m);
    key_jobs(x, b->q, b->ldq);
    t5g_linear_panels(&l->x, l->jobs, x->a.hk + 1, b->y, b->ldy, m);
    set_keys(x, b->q, b->ldq, m);
}

/* Attention of m rows from r0. Keys and values are set, or they are computed with the queries. */
static size_t
attend(void *arg, size_t m)
{
    struct layer *x = arg;
    struct t5g_layers *l = x->l;
    const struct t5g_block *b = &l->b;
    struct t5g_linear q = t5g_linear_of(&x->w->self.q, b->q, b->ldq);
    if (x->once) {
        key_jobs(x, b->f, b->ldf);
        l->jobs[x->a.hk + 1] = q;
        t5g_linear_panels(b->x, l->jobs, x->a.hk + 2, b->y, b->ldy, m);
        set_keys(x, b->f, b->ldf, m);
    } else {
        t5g_linear_panels(b->x, &q, 1, b->y, b->ldy, m);
    }
    for (size_t i = 0; i < x->g->n_spans; i++) {
        size_t r0, rows = m;
        struct t5g_attention own = of_span(x, i, &r0, &rows);
        t5g_attention_run(b->x, &own, b->q + x->g->spans[i].at * b->ldq, b->ldq, r0, rows);
    }
    return m;
}

static struct layer
layer_of(struct t5g_layers *l, const struct t5g_row_group *g, size_t i)
{
    const struct t5g_stack_config *c = l->s->c;
    int kind = c->full[i] ? T5G_FULL : T5G_LOCAL;
    const struct t5g_layer *w = &l->s->layers[i];
    struct t5g_attention a = {
        .h = c->h,
        .hk = c->hk,
        .dh = c->dh,
        .n = g->n,
        .window = c->full[i] ? 0 : c->window,
        .scale = c->scale,
        .softcap = c->attn_softcap,
        .eps = c->eps,
        .q_norm = w->self.q_norm,
        .k_norm = w->self.k_norm,
        .cos = l->cos[kind],
        .sin = l->sin[kind],
        .keys = l->keys,
        .values = l->values,
        .ldv = g->n,
        .values16 = l->values16,
        .q8 = l->q8,
    };
    return (struct layer){.l = l, .w = w, .g = g, .a = a, .once = g->n <= T5G_ROW_BLOCK};
}

/* ---- costs ---- */

struct meter {
    t5g_progress_fn *progress;
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
block_cost(const struct t5g_stack *s, size_t m, size_t n, size_t layer)
{
    const struct t5g_stack_config *c = s->c;
    size_t reach = t5g_attention_reach(c->full[layer] ? 0 : c->window, n);
    size_t ffn = s->layers[layer].ffn.up.w.p != NULL ? 3 : 2;
    return m * (2 * c->h * c->dh * (c->d + reach) + ffn * c->f * c->d) / 1000;
}

static size_t
total_cost(const struct t5g_stack *s, size_t n)
{
    const struct t5g_stack_config *c = s->c;
    size_t cost = 0;
    for (size_t i = 0; i < c->layers; i++)
        for (size_t r = 0; r < n; r += T5G_ROW_BLOCK) {
            size_t m = t5g_min(T5G_ROW_BLOCK, n - r);
            cost += keys_cost(c, m) + block_cost(s, m, n, i);
        }
    return cost;
}

static bool
tick(struct meter *t, size_t cost)
{
    t->done += cost;
    return t->progress == NULL || t->progress(t->arg, t->done, t->total);
}

bool
t5g_layers_run(struct t5g_layers *l, const struct t5g_row_group *g, t5g_progress_fn *progress,
               void *arg)
{
    const struct t5g_stack_config *c = l->s->c;
    struct meter t = {progress, arg, 0, total_cost(l->s, g->n)};
    for (size_t i = 0; i < c->layers; i++) {
        struct layer x = layer_of(l, g, i);
        for (x.r0 = 0; x.r0 < g->n; x.r0 += T5G_ROW_BLOCK) {
            size_t m = t5g_min(T5G_ROW_BLOCK, g->n - x.r0);
            if (!x.once)
                keys_block(&x, m);
            if (!tick(&t, keys_cost(c, m)))
                return false;
        }
        for (x.r0 = 0; x.r0 < g->n; x.r0 += T5G_ROW_BLOCK) {
            size_t m = t5g_min(T5G_ROW_BLOCK, g->n - x.r0);
            t5g_block_run(&l->b, x.w, g->rows + x.r0 * c->d, m, attend, NULL, &x);
            if (!tick(&t, block_cost(l->s, m, g->n, i)))
                return false;
        }
        if (l->after != NULL)
            l->after(l->after_arg, i + 1);
    }
    return true;
}
