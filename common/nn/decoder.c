/*
 * decoder.c: the decoder, n rows: one or more positions of one or more sequences.
 *
 *   x = embed(ids) * scale, the eoi row unscaled                     [n, d]
 *   for each layer, x through the block (block.c), where
 *     q, k, v = y wq^T, y wk^T, y wv^T                               [n, h dh], [n, hk dh] x 2
 *     q, k = rotate(rms(q, q_norm)), rotate(rms(k, k_norm))          per head; k, v to the cache
 *     attend(q, own and cross k, v)                                  (decoder_attention.c)
 *   logits = cap * tanh(rms(x, norm) head^T / cap)                   [1 or n, v]; cap 0: no cap
 *
 * Of the last layer all rows' keys and values go to the cache, but what comes after attention is
 * computed only for the rows that something is asked of: of most prompts that is the last one.
 *
 * A step is in one role, whatever n: t5g_decoder_step() uses row kernels, t5g_decoder_prefill()
 * panel kernels. A row's bits depend on the role, but not on the rows beside it.
 */
#include "nn/decoder_impl.h"
#include "nn/embed.h"
#include "nn/lowrank.h"

struct t5g_decoder *
t5g_decoder_open(const struct t5g_model *m, const struct t5g_kernels *k, struct t5g_pool *pool)
{
    const struct t5g_stack_config *c = &m->config.decoder;
    struct t5g_decoder *x = t5g_alloc(1, sizeof *x);
    size_t rows = T5G_ROW_BLOCK, half = c->dh / 2;
    size_t widest = t5g_max(t5g_max(c->d, c->f), t5g_max(c->h * c->dh, m->decoder.ranks));
    size_t low = T5G_LOW_WIDE * m->decoder.ranks;
    size_t scratch = t5g_max(t5g_linear_panels_scratch(widest), t5g_linear_rows_scratch() + low);
    scratch = t5g_max(scratch, t5g_max(t5g_head_scratch() + low, t5g_prefill_scratch(c)));
    x->m = m;
    t5g_exec_open(&x->x, k, pool, t5g_max(scratch, t5g_merged_scratch(c)));
    x->head = t5g_head_open(m);
    x->panels = t5g_head_panels_open(m);
    if (m->quantised || m->screen.p != NULL)
        t5g_exec_quantised(&x->x, rows, widest);
    t5g_exec_bf16(&x->x, rows, widest);
    t5g_exec_low(&x->x, rows, m->decoder.ranks);
    t5g_merged_open(&x->att, c);
    for (int i = 0; i < T5G_KINDS; i++) {
        x->freq[i] = t5g_alloc(half, sizeof(float));
        x->cos[i] = t5g_alloc_raw(rows, half * sizeof(float));
        x->sin[i] = t5g_alloc_raw(rows, half * sizeof(float));
        t5g_rope_freq(x->freq[i], i == T5G_FULL ? &c->rope_full : &c->rope_local, c->dh);
    }
    x->h = t5g_alloc_raw(rows, c->d * sizeof(float));
    t5g_block_open(&x->b, &x->x, c, t5g_linear_rows, 0);
    t5g_block_alloc(&x->b, rows);
    x->k = t5g_alloc_raw(rows, c->hk * c->dh * sizeof(float));
    x->v = t5g_alloc_raw(rows, c->hk * c->dh * sizeof(float));
    x->last = t5g_alloc_raw(T5G_PREFILL_ROWS, c->d * sizeof(float));
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
    t5g_head_panels_close(x->panels);
    t5g_merged_close(&x->att);
    t5g_exec_close(&x->x);
    t5g_free(x->h);
    t5g_block_free(&x->b);
    t5g_free(x->k);
    t5g_free(x->v);
    t5g_free(x->last);
    t5g_free(x->jobs);
    t5g_free(x);
}

/* One layer at work, over n rows of the step. */
struct layer {
    struct t5g_decoder *x;
    const struct t5g_layer *w;
    size_t l, n; /* n: rows that have queries */
    bool last;
    const struct t5g_part *parts;
    size_t n_parts;
};

/* A head of a query or key: its norm, if any; rotated if cos is not NULL. */
static void
finish_head(const struct t5g_decoder *x, float *to, const float *from, const float *norm,
            const float *cos, const float *sin)
{
    const struct t5g_stack_config *c = t5g_decoder_config(x);
    if (norm != NULL)
        x->x.k->rms(to, from, norm, c->dh, c->eps);
    else
        memcpy(to, from, c->dh * sizeof *to);
    if (cos != NULL)
        x->x.k->rope(to, cos, sin, c->dh / 2);
}

/* Queries of row i of those that have some to their places in att.q. */
static void
put_queries(const struct layer *r, size_t i, const float *norm, const float *cos, const float *sin)
{
    struct t5g_decoder *x = r->x;
    const struct t5g_stack_config *c = t5g_decoder_config(x);
    size_t g = c->h / c->hk;
    for (size_t head = 0; head < c->h; head++)
        finish_head(x, x->att.q + ((head / g * r->n + i) * g + head % g) * c->dh,
                    x->b.q + i * x->b.ldq + head * c->dh, norm, cos, sin);
}

/* Row i: queries, if it has some, to their places, key and value to its sequence's cache. */
static void
self_item(void *arg, size_t i, size_t worker)
{
    const struct layer *r = arg;
    struct t5g_decoder *x = r->x;
    const struct t5g_stack_config *c = t5g_decoder_config(x);
    const struct t5g_kv *own = &x->part_of[i]->kv->kv[r->l];
    int kind = c->full[r->l] ? T5G_FULL : T5G_LOCAL;
    size_t dh = c->dh, half = dh / 2;
    const float *cos = c->block.rope ? x->cos[kind] + i * half : NULL;
    const float *sin = c->block.rope ? x->sin[kind] + i * half : NULL;
    (void)worker;
    if (x->place[i] < r->n)
        put_queries(r, x->place[i], r->w->self.q_norm, cos, sin);
    for (size_t kv = 0; kv < c->hk; kv++) {
        size_t from = (i * c->hk + kv) * dh;
        size_t to = (kv * own->cap + x->slot[i] % own->cap) * dh;
        finish_head(x, (float *)own->k + to, x->k + from, r->w->self.k_norm, cos, sin);
        memcpy((float *)own->v + to, x->v + from, dh * sizeof *x->v);
    }
}

/* Row i, separate cross-attention: encoder rows have no positions, so nothing is rotated. */
static void
cross_item(void *arg, size_t i, size_t worker)
{
    const struct layer *r = arg;
    (void)worker;
    put_queries(r, i, r->w->cross.q_norm, NULL, NULL);
}

static void
attend(const struct layer *r, int see)
{
    struct t5g_decoder *x = r->x;
    struct t5g_merged att = {.see = see,
                             .c = t5g_decoder_config(x),
                             .s = &x->att,
                             .parts = r->parts,
                             .n_parts = r->n_parts,
                             .layer = r->l,
                             .last = r->last,
                             .n = r->n,
                             .out = x->b.q,
                             .ldo = x->b.ldq,
                             .keep = (see & T5G_SEE_CROSS) != 0 ? x->keep : NULL};
    if (r->parts[0].limb != NULL)
        t5g_tree_attention(&x->x, &att);
    else if (x->b.linear == t5g_linear_panels)
        t5g_prefill_attention(&x->x, &att);
    else
        t5g_merged_run(&x->x, &att);
    if (att.keep != NULL)
        x->attended(x->attended_arg, r->l, att.keep);
}

/*
 * Of n rows of the step those that something is asked of, in h and in the block's y, to the front;
 * returns their number. place: of each row, among them; n: it is not.
 */
static size_t
keep_asked(const struct layer *r, size_t n)
{
    struct t5g_decoder *x = r->x;
    size_t d = t5g_decoder_config(x)->d, row = 0, to = 0;
    for (size_t i = 0; i < r->n_parts; i++)
        for (size_t j = 0; j < r->parts[i].n; j++, row++) {
            bool asked = j >= r->parts[i].n - t5g_part_asked(&r->parts[i]);
            x->place[row] = asked ? to : n;
            if (asked && to != row) {
                memcpy(x->h + to * d, x->h + row * d, d * sizeof *x->h);
                memcpy(x->b.y + to * x->b.ldy, x->b.y + row * x->b.ldy, d * sizeof *x->h);
            }
            to += asked;
        }
    return to;
}

static size_t
attend_self(void *arg, size_t n)
{
    struct layer *r = arg;
    struct t5g_decoder *x = r->x;
    const struct t5g_stack_config *c = t5g_decoder_config(x);
    size_t dk = c->hk * c->dh;
    struct t5g_linear qkv[3] = {t5g_linear_of(&r->w->self.q, x->b.q, x->b.ldq),
                                t5g_linear_of(&r->w->self.k, x->k, dk),
                                t5g_linear_of(&r->w->self.v, x->v, dk)};
    if (r->last) {
        x->b.linear(&x->x, qkv + 1, 2, x->b.y, x->b.ldy, n);
        r->n = keep_asked(r, n);
        if (r->n > 0)
            x->b.linear(&x->x, qkv, 1, x->b.y, x->b.ldy, r->n);
    } else {
        x->b.linear(&x->x, qkv, 3, x->b.y, x->b.ldy, n);
    }
    t5g_exec_run(&x->x, self_item, r, n, 8 * n * (x->b.ldq + dk));
    if (r->n > 0)
        attend(r, c->block.cross == T5G_CROSS_MERGED ? T5G_SEE_OWN | T5G_SEE_CROSS : T5G_SEE_OWN);
    return r->n;
}

static size_t
attend_cross(void *arg, size_t n)
{
    struct layer *r = arg;
    struct t5g_decoder *x = r->x;
    struct t5g_linear q = t5g_linear_of(&r->w->cross.q, x->b.q, x->b.ldq);
    x->b.linear(&x->x, &q, 1, x->b.y, x->b.ldy, n);
    t5g_exec_run(&x->x, cross_item, r, n, 8 * n * x->b.ldq);
    attend(r, T5G_SEE_CROSS);
    return n;
}

static void
layer(struct t5g_decoder *x, size_t l, const struct t5g_part *parts, size_t n_parts, size_t n)
{
    const struct t5g_stack_config *c = t5g_decoder_config(x);
    bool separate = c->block.cross == T5G_CROSS_SEPARATE;
    size_t asked = 0;
    for (size_t i = 0; i < n_parts; i++)
        asked += t5g_part_asked(&parts[i]);
    bool last = l + 1 == c->layers && asked < n;
    struct layer r = {x, &x->m->decoder.layers[l], l, n, last, parts, n_parts};
    t5g_block_run(&x->b, r.w, x->h, n, attend_self, separate ? attend_cross : NULL, &r);
}

/* Logits, or the id of the largest, for the requested rows. */
static void
head(struct t5g_decoder *x, struct t5g_part *parts, size_t n_parts)
{
    const struct t5g_stack_config *c = &x->m->config.decoder;
    struct t5g_head_row rows[T5G_STEP_ROWS];
    size_t row = 0, n = 0;
    for (size_t i = 0; i < n_parts; i++)
        for (size_t k = 0; k < t5g_part_asked(&parts[i]); k++, row++) {
            const struct t5g_part *p = &parts[i];
            if (p->logits == NULL && p->best == NULL)
                continue;
            rows[n] =
                (struct t5g_head_row){.logits = p->logits != NULL ? p->logits + k * c->v : NULL,
                                      .best = p->best != NULL ? p->best + k : NULL,
                                      .no_eos = p->no_eos,
                                      .allowed = p->allowed != NULL ? p->allowed[k] : NULL};
            t5g_block_norm(&x->b, x->last + n++ * c->d, c->d, x->h + row * c->d, c->d,
                           &x->m->decoder.norm, 1);
        }
    if (n == 0)
        return;
    t5g_head_run(x->head, &x->x, x->last, rows, n);
    n = 0;
    for (size_t i = 0; i < n_parts; i++) {
        bool asked = parts[i].logits != NULL || parts[i].best != NULL;
        parts[i].bad = false;
        for (size_t j = 0; asked && j < (parts[i].all ? parts[i].n : 1); j++)
            parts[i].bad |= rows[n++].bad;
    }
}

/* What logits are made of, for the requested rows. */
static void
put_rows(struct t5g_decoder *x, const struct t5g_part *parts, size_t n_parts)
{
    size_t d = t5g_decoder_config(x)->d, row = 0;
    for (size_t i = 0; i < n_parts; row += t5g_part_asked(&parts[i++]))
        if (parts[i].rows != NULL)
            t5g_block_norm(&x->b, parts[i].rows, d, x->h + row * d, d, &x->m->decoder.norm,
                           t5g_part_asked(&parts[i]));
}

/* Ids, positions and angles of a part's rows, the first of which is number `at` of the step. */
static void
put_part(struct t5g_decoder *x, const struct t5g_part *p, size_t at)
{
    const struct t5g_stack_config *c = t5g_decoder_config(x);
    size_t half = c->dh / 2;
    size_t pos = p->limb != NULL ? p->limb->trunk->pos + p->limb->depth : p->kv->pos;
    t5g_embed_rows(&x->x, x->h + at * c->d, c->d, &x->m->decoder, x->m->config.eoi, p->ids, p->n);
    for (size_t j = 0; j < p->n; j++) {
        x->part_of[at + j] = p;
        x->pos[at + j] = pos + j;
        x->place[at + j] = at + j;
        x->slot[at + j] = (p->limb != NULL ? p->limb->row : pos) + j;
    }
    for (int kind = 0; kind < T5G_KINDS && c->block.rope; kind++)
        t5g_rope_table(&x->x, x->cos[kind] + at * half, x->sin[kind] + at * half, x->freq[kind],
                       half, pos, p->n);
}

static void
run(struct t5g_decoder *x, t5g_linear_role *role, struct t5g_part *parts, size_t n_parts)
{
    const struct t5g_stack_config *c = &x->m->config.decoder;
    size_t n = 0;
    t5g_alloc_forbid(true);
    x->b.linear = role;
    for (size_t i = 0; i < n_parts; n += parts[i++].n)
        put_part(x, &parts[i], n);
    for (size_t l = 0; l < c->layers; l++)
        layer(x, l, parts, n_parts, n);
    for (size_t i = 0; i < n_parts; i++)
        if (parts[i].limb == NULL)
            parts[i].kv->pos += parts[i].n;
    put_rows(x, parts, n_parts);
    head(x, parts, n_parts);
    t5g_alloc_forbid(false);
}

void
t5g_decoder_step(struct t5g_decoder *x, struct t5g_part *parts, size_t n_parts)
{
    run(x, t5g_linear_rows, parts, n_parts);
}

void
t5g_decoder_prefill(struct t5g_decoder *x, struct t5g_part *parts, size_t n_parts)
{
    run(x, t5g_linear_panels, parts, n_parts);
}

void
t5g_decoder_branch(struct t5g_decoder *x, struct t5g_part *parts, size_t n_parts)
{
    run(x, t5g_linear_panels, parts, n_parts);
}

void
t5g_decoder_logprobs(struct t5g_decoder *x, const float *rows, size_t n, struct t5g_wanted *wanted,
                     size_t n_wanted, bool *bad)
{
    t5g_head_panels_run(x->panels, &x->x, rows, n, wanted, n_wanted, bad);
}

size_t
t5g_decoder_width(const struct t5g_decoder *x)
{
    return t5g_decoder_config(x)->d;
}

size_t
t5g_decoder_given_rows(size_t whole)
{
    return whole < T5G_PREFILL_FROM ? T5G_STEP_ROWS : T5G_PREFILL_ROWS;
}

void
t5g_decoder_given(struct t5g_decoder *x, const struct t5g_cross *cross, struct t5g_kvcache *kv,
                  const int32_t *ids, size_t n, size_t whole, float *rows)
{
    struct t5g_part part = {
        .cross = cross, .kv = kv, .ids = ids, .n = n, .all = true, .rows = rows};
    run(x, whole < T5G_PREFILL_FROM ? t5g_linear_rows : t5g_linear_panels, &part, 1);
}

void
t5g_decoder_attend(struct t5g_decoder *x, const struct t5g_cross *cross, struct t5g_kvcache *kv,
                   const int32_t *ids, size_t n, float *keep, t5g_attended_fn *attended, void *arg)
{
    struct t5g_part part = {.cross = cross, .kv = kv, .ids = ids, .n = n, .all = true};
    x->keep = keep;
    x->attended = attended;
    x->attended_arg = arg;
    run(x, t5g_linear_panels, &part, 1);
    x->keep = NULL;
}

bool
t5g_decoder_logits(struct t5g_decoder *x, const float *rows, size_t n, float *logits)
{
    struct t5g_head_row to[T5G_STEP_ROWS];
    bool finite = true;
    for (size_t i = 0; i < n; i++)
        to[i] = (struct t5g_head_row){.logits = logits + i * t5g_decoder_config(x)->v};
    t5g_head_run(x->head, &x->x, rows, to, n);
    for (size_t i = 0; i < n; i++)
        finite = finite && !to[i].bad;
    return finite;
}

int
t5g_decoder_feed(struct t5g_decoder *x, const struct t5g_cross *cross, struct t5g_kvcache *kv,
                 const int32_t *ids, size_t n, bool all, float *logits, struct t5g_err *e)
{
    const struct t5g_stack_config *c = t5g_decoder_config(x);
    size_t most = t5g_decoder_given_rows(n);
    if (n > kv->max - kv->pos)
        return t5g_err_set(e, T5G_EX_BUG, "decoder: %zu ids at position %zu, room for %zu", n,
                           kv->pos, kv->max);
    for (size_t i = 0; i < n; i += most) {
        size_t m = t5g_min(most, n - i), pos = kv->pos;
        t5g_decoder_given(x, cross, kv, ids + i, m, n, x->last);
        for (size_t j = all ? 0 : m - 1; j < m && (all || i + m == n); j += T5G_STEP_ROWS) {
            float *to = logits + (all ? i + j : 0) * c->v;
            if (!t5g_decoder_logits(x, x->last + j * c->d, t5g_min(T5G_STEP_ROWS, m - j), to))
                return t5g_err_set(e, T5G_EX_DATA, "logits: not finite, at decoder position %zu",
                                   pos + j);
        }
    }
    return 0;
}
