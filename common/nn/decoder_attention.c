/*
 * decoder_attention.c: attention of the decoder.
 *
 *   s[i, j] = scale * q_i . k_j     j over own positions 0..i (local layers: the last `window`)
 *                                   and over all encoder rows, never windowed
 *   out[i]  = sum_j softmax_j(s[i, j]) v_j
 *
 * Keys are cut into blocks of T5G_KEY_BLOCK at fixed places, first the own positions of each
 * sequence, then the encoder rows of each document. An item is one block of one key head for all
 * rows that see it; for each row it computes the largest score, the sum of exponentials and the
 * weighted sum of values. A row's parts are then merged in the order of the blocks, without those
 * in which it sees nothing. So its result depends neither on threads nor on the rows beside it.
 *
 * Keys and values in bytes are rotated (nn/q8row.h): their scores are those of the rotated query,
 * and a block's sum is rotated back.
 */
#include "nn/decoder_attention.h"
#include "nn/attention.h"

#include <math.h>

enum { PARTS = 32 }; /* blocks between two merges: bounds the buffers */

void
t5g_merged_open(struct t5g_merged_state *s, const struct t5g_stack_config *c)
{
    size_t rows = (size_t)T5G_STEP_ROWS * c->h;
    s->q = t5g_alloc_raw((size_t)T5G_ROW_BLOCK * c->h, c->dh * sizeof(float));
    s->rotated = t5g_alloc_raw(rows, c->dh * sizeof(float));
    s->part = t5g_alloc_raw(PARTS * rows, c->dh * sizeof(float));
    s->max = t5g_alloc_raw(PARTS * rows, sizeof(float));
    s->sum = t5g_alloc_raw(PARTS * rows, sizeof(float));
    s->top = t5g_alloc_raw(rows, sizeof(float));
    s->all = t5g_alloc_raw(rows, sizeof(float));
}

void
t5g_merged_close(struct t5g_merged_state *s)
{
    t5g_free(s->q);
    t5g_free(s->rotated);
    t5g_free(s->part);
    t5g_free(s->max);
    t5g_free(s->sum);
    t5g_free(s->top);
    t5g_free(s->all);
}

size_t
t5g_merged_scratch(const struct t5g_stack_config *c)
{
    return (size_t)T5G_STEP_ROWS * (c->h / c->hk) * T5G_KEY_BLOCK;
}

struct run {
    const struct t5g_exec *x;
    const struct t5g_merged *a;
    size_t first, n;            /* blocks of this round, numbered through all spans */
    size_t blocks;              /* in all spans */
    const struct t5g_kv *bytes; /* of a span, NULL: none has bytes */
};

size_t
t5g_first_seen(const struct t5g_stack_config *c, size_t layer, size_t p)
{
    return c->full[layer] || p + 1 < c->window ? 0 : p + 1 - c->window;
}

/* Own keys part by part, then encoder keys, one span for adjacent parts over one document. */
static void
find_spans(const struct t5g_merged *a)
{
    struct t5g_merged_state *s = a->s;
    size_t row = 0;
    s->n_spans = 0;
    for (size_t i = 0; i < a->n_parts && (a->see & T5G_SEE_OWN) != 0; i++) {
        const struct t5g_part *p = &a->parts[i];
        struct t5g_span_of_keys own = {.kv = &p->kv->kv[a->layer],
                                       .row = row,
                                       .rows = t5g_queries_of(a, p),
                                       .pos = t5g_queries_from(a, p),
                                       .n = p->kv->pos + p->n,
                                       .own = true};
        row += own.rows;
        if (own.rows == 0)
            continue;
        own.first = t5g_first_seen(a->c, a->layer, own.pos) / T5G_KEY_BLOCK;
        own.blocks = (own.n - 1) / T5G_KEY_BLOCK + 1 - own.first;
        s->spans[s->n_spans++] = own;
    }
    row = 0;
    for (size_t i = 0; i < a->n_parts && (a->see & T5G_SEE_CROSS) != 0;) {
        const struct t5g_cross *cross = a->parts[i].cross;
        struct t5g_span_of_keys span = {.kv = &cross->kv[a->layer],
                                        .row = row,
                                        .n = cross->n,
                                        .blocks = (cross->n + T5G_KEY_BLOCK - 1) / T5G_KEY_BLOCK};
        for (; i < a->n_parts && a->parts[i].cross == cross; i++)
            span.rows += t5g_queries_of(a, &a->parts[i]);
        row += span.rows;
        if (span.rows == 0)
            continue;
        s->spans[s->n_spans++] = span;
    }
}

/* The span that block number *block belongs to; *block becomes its number in the span. */
static const struct t5g_span_of_keys *
span_of(const struct t5g_merged_state *s, size_t *block)
{
    const struct t5g_span_of_keys *span = s->spans;
    for (; *block >= span->blocks; span++)
        *block -= span->blocks;
    return span;
}

/* Of a span's keys from..from + n, its row i sees lo..hi. */
static void
seen(const struct t5g_merged *a, const struct t5g_span_of_keys *s, size_t i, size_t from, size_t n,
     size_t *lo, size_t *hi)
{
    *lo = 0;
    *hi = n;
    if (!s->own)
        return;
    size_t first = t5g_first_seen(a->c, a->layer, s->pos + i), end = s->pos + i + 1;
    *lo = first > from ? t5g_min(first - from, n) : 0;
    *hi = end > from ? t5g_min(end - from, n) : 0;
}

static void
block_item(void *arg, size_t item, size_t worker)
{
    const struct run *r = arg;
    const struct t5g_merged *a = r->a;
    const struct t5g_kernels *k = r->x->k;
    size_t dh = a->c->dh, hk = a->c->hk, g = a->c->h / hk, kv = item % hk;
    size_t block = r->first + item / hk;
    const struct t5g_span_of_keys *s = span_of(a->s, &block);
    size_t from = (s->first + block) * T5G_KEY_BLOCK, n = t5g_min(T5G_KEY_BLOCK, s->n - from);
    size_t rows = s->rows * g, at = item * a->n * g + s->row * g; /* [blocks, hk, all rows x g] */
    size_t key = kv * s->kv->cap + from % s->kv->cap, skip, hi;
    bool bytes = s->kv->dtype == T5G_I8;
    const float *q = (bytes ? a->s->rotated : a->s->q) + (kv * a->n + s->row) * g * dh;
    float *score = t5g_exec_scratch(r->x, worker), *o = a->s->part + at * dh;
    seen(a, s, 0, from, n, &skip, &hi); /* later rows see no earlier key */
    t5g_kv_scores(k, s->kv, key + skip, n - skip, dh, q, rows, score + skip, T5G_KEY_BLOCK);
    for (size_t i = 0; i < rows; i++) {
        size_t lo;
        seen(a, s, i / g, from, n, &lo, &hi);
        a->s->max[at + i] = -INFINITY;
        a->s->sum[at + i] = 0;
        t5g_attention_softmax(k, score + i * T5G_KEY_BLOCK, n, lo, hi, a->c->scale,
                              a->c->attn_softcap, &a->s->max[at + i], &a->s->sum[at + i]);
    }
    memset(o, 0, rows * dh * sizeof *o);
    t5g_kv_mix(k, s->kv, key + skip, n - skip, dh, score + skip, T5G_KEY_BLOCK, rows, o);
    for (size_t i = 0; i < rows && bytes; i++)
        k->rotate(o + i * dh, o + i * dh, dh);
}

/* Add one block's part of a row and head to its running result o [dh]. */
static void
merge(const struct run *r, size_t at, float *o, float *top, float *all)
{
    const struct t5g_merged_state *s = r->a->s;
    const struct t5g_kernels *k = r->x->k;
    size_t dh = r->a->c->dh;
    if (s->sum[at] == 0)
        return;
    float max = s->max[at] > *top ? s->max[at] : *top;
    float old = expf(*top - max), f = expf(s->max[at] - max);
    k->scale(o, dh, old);
    k->mix(o, dh, &f, 1, 1, s->part + at * dh, T5G_F32, dh, 1, dh);
    *all = *all * old + s->sum[at] * f;
    *top = max;
}

/* Add this round's blocks to the running result of row `item`. */
static void
merge_item(void *arg, size_t item, size_t worker)
{
    const struct run *r = arg;
    const struct t5g_merged *a = r->a;
    size_t dh = a->c->dh, hk = a->c->hk, g = a->c->h / hk;
    float *out = a->out + item * a->ldo;
    float *top = a->s->top + item * a->c->h, *all = a->s->all + item * a->c->h;
    (void)worker;
    for (size_t head = 0; head < a->c->h && r->first == 0; head++) {
        top[head] = -INFINITY;
        all[head] = 0;
    }
    if (r->first == 0)
        memset(out, 0, a->c->h * dh * sizeof *out);
    for (size_t b = 0; b < r->n; b++) {
        size_t block = r->first + b;
        const struct t5g_span_of_keys *s = span_of(a->s, &block);
        if (item < s->row || item >= s->row + s->rows)
            continue;
        for (size_t head = 0; head < a->c->h; head++)
            merge(r, ((b * hk + head / g) * a->n + item) * g + head % g, out + head * dh,
                  &top[head], &all[head]);
    }
    for (size_t head = 0; head < a->c->h && r->first + r->n == r->blocks; head++)
        r->x->k->scale(out + head * dh, dh, all[head] == 0 ? 0 : 1 / all[head]);
}

/* Queries of one key head and row of the step, for keys in bytes. */
static void
rotate_item(void *arg, size_t item, size_t worker)
{
    const struct run *r = arg;
    const struct t5g_merged *a = r->a;
    size_t dh = a->c->dh, g = a->c->h / a->c->hk;
    (void)worker;
    t5g_kv_queries(r->x->k, r->bytes, a->s->rotated + item * g * dh, a->s->q + item * g * dh, g,
                   dh);
}

void
t5g_merged_run(const struct t5g_exec *x, const struct t5g_merged *a)
{
    struct run r = {.x = x, .a = a};
    size_t keys = 0;
    find_spans(a);
    for (size_t i = 0; i < a->s->n_spans; i++) {
        const struct t5g_span_of_keys *s = &a->s->spans[i];
        r.blocks += s->blocks;
        keys += (s->n - s->first * T5G_KEY_BLOCK) * s->rows;
        r.bytes = s->kv->dtype == T5G_I8 ? s->kv : r.bytes; /* gain is the layer's */
    }
    if (r.bytes != NULL)
        t5g_exec_run(x, rotate_item, &r, a->n * a->c->hk, a->n * a->c->h * a->c->dh);
    for (size_t i = 0; i < a->n && r.blocks == 0; i++) /* of no keys comes nothing */
        memset(a->out + i * a->ldo, 0, a->c->h * a->c->dh * sizeof *a->out);
    for (; r.first < r.blocks; r.first += r.n) {
        r.n = t5g_min(PARTS, r.blocks - r.first);
        size_t cost = 2 * a->c->h * a->c->dh;
        t5g_exec_run(x, block_item, &r, r.n * a->c->hk,
                     cost * t5g_min(keys, r.n * T5G_KEY_BLOCK * a->n));
        t5g_exec_run(x, merge_item, &r, a->n, cost * r.n * a->n);
    }
}
