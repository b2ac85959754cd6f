/*
 * prefill_attention.c: attention of the decoder for many rows of given ids.
 *
 *   the same softmax as in decoder_attention.c, over encoder keys, then own keys
 *
 * An item is CHUNK positions of one sequence and one key head, as a matrix q [rows, dh], where the
 * heads that share the key head are rows too. For each block of T5G_KEY_BLOCK keys, at fixed
 * places: s = q k^T, one step of an online softmax, o += s v. A key that a row does not see has
 * weight 0 in it, so that its bits do not depend on where chunks begin. Keys and values in bytes
 * are rotated (nn/q8row.h): so are the queries, and o is rotated back behind them.
 */
#include "nn/prefill_attention.h"
#include "nn/attention.h"

#include <math.h>

enum { CHUNK = T5G_CHUNK };

struct run {
    const struct t5g_exec *x;
    const struct t5g_merged *a;
};

size_t
t5g_prefill_scratch(const struct t5g_stack_config *c)
{
    return CHUNK * (c->h / c->hk) * (T5G_KEY_BLOCK + 2 * c->dh + 2);
}

static size_t
chunks(size_t n)
{
    return (n + CHUNK - 1) / CHUNK;
}

void
t5g_chunk_open(struct t5g_chunk *t, const struct t5g_exec *x, const struct t5g_merged *a,
               size_t worker)
{
    size_t dh = a->c->dh, g = a->c->h / a->c->hk;
    t->rows = t->n * g;
    t->q = a->s->q + (t->kv * a->n + t->row) * g * dh;
    t->s = t5g_exec_scratch(x, worker);
    t->o = t->s + CHUNK * g * T5G_KEY_BLOCK;
    t->max = t->o + CHUNK * g * dh;
    t->sum = t->max + CHUNK * g;
    t->rotated = t->sum + CHUNK * g;
    memset(t->o, 0, t->rows * dh * sizeof *t->o);
    for (size_t i = 0; i < t->rows; i++) {
        t->max[i] = -INFINITY;
        t->sum[i] = 0;
    }
}

static struct t5g_chunk
chunk_of(const struct run *r, size_t item, size_t worker)
{
    const struct t5g_merged *a = r->a;
    struct t5g_chunk t = {.part = a->parts, .kv = item % a->c->hk};
    size_t n = t5g_queries_of(a, t.part);
    for (item /= a->c->hk; item >= chunks(n); n = t5g_queries_of(a, ++t.part)) {
        item -= chunks(n);
        t.row += n;
    }
    t.row += item * CHUNK;
    t.pos = t5g_queries_from(a, t.part) + item * CHUNK;
    t.n = t5g_min(CHUNK, n - item * CHUNK);
    t5g_chunk_open(&t, r->x, a, worker);
    return t;
}

void
t5g_chunk_weigh(const struct t5g_chunk *t, const struct t5g_exec *x, const struct t5g_merged *a,
                size_t row, size_t n, size_t lo, size_t hi)
{
    float f = t5g_attention_softmax(x->k, t->s + row * T5G_KEY_BLOCK, n, lo, hi, a->c->scale,
                                    a->c->attn_softcap, &t->max[row], &t->sum[row]);
    if (f != 1)
        x->k->scale(t->o + row * a->c->dh, a->c->dh, f);
}

/* Own keys from..from + n of a block. */
static void
own_block(const struct run *r, const struct t5g_chunk *t, size_t from, size_t n)
{
    const struct t5g_merged *a = r->a;
    const struct t5g_kernels *k = r->x->k;
    const struct t5g_kv *kv = &t->part->kv->kv[a->layer];
    size_t dh = a->c->dh, g = a->c->h / a->c->hk, key = t->kv * kv->cap + from % kv->cap;
    size_t first = t5g_first_seen(a->c, a->layer, t->pos), skip = first > from ? first - from : 0;
    t5g_kv_scores(k, kv, key + skip, n - skip, dh, t->q, t->rows, t->s + skip, T5G_KEY_BLOCK);
    for (size_t i = 0; i < t->rows; i++) {
        size_t pos = t->pos + i / g;
        first = t5g_first_seen(a->c, a->layer, pos);
        t5g_chunk_weigh(t, r->x, a, i, n, first > from ? t5g_min(first - from, n) : 0,
                        pos + 1 > from ? t5g_min(pos + 1 - from, n) : 0);
    }
    t5g_kv_mix(k, kv, key + skip, n - skip, dh, t->s + skip, T5G_KEY_BLOCK, t->rows, t->o);
}

void
t5g_chunk_cross(const struct t5g_chunk *t, const struct t5g_exec *x, const struct t5g_merged *a)
{
    const struct t5g_cross *cross = t->part->cross;
    const struct t5g_kv *kv = &cross->kv[a->layer];
    size_t dh = a->c->dh;
    bool bytes = cross->n > 0 && kv->dtype == T5G_I8;
    const float *q = bytes ? t->rotated : t->q;
    if (bytes)
        t5g_kv_queries(x->k, kv, t->rotated, t->q, t->rows, dh);
    for (size_t j = 0; j < cross->n; j += T5G_KEY_BLOCK) {
        size_t n = t5g_min(T5G_KEY_BLOCK, cross->n - j), key = t->kv * kv->cap + j;
        t5g_kv_scores(x->k, kv, key, n, dh, q, t->rows, t->s, T5G_KEY_BLOCK);
        for (size_t i = 0; i < t->rows; i++)
            t5g_chunk_weigh(t, x, a, i, n, 0, n);
        t5g_kv_mix(x->k, kv, key, n, dh, t->s, T5G_KEY_BLOCK, t->rows, t->o);
    }
    for (size_t i = 0; i < t->rows && bytes; i++)
        x->k->rotate(t->o + i * dh, t->o + i * dh, dh);
}

void
t5g_chunk_close(const struct t5g_chunk *t, const struct t5g_exec *x, const struct t5g_merged *a)
{
    size_t dh = a->c->dh, g = a->c->h / a->c->hk;
    for (size_t i = 0; i < t->rows; i++) {
        float *out = a->out + (t->row + i / g) * a->ldo + (t->kv * g + i % g) * dh;
        memcpy(out, t->o + i * dh, dh * sizeof *out);
        x->k->scale(out, dh, t->sum[i] == 0 ? 0 : 1 / t->sum[i]); /* of no keys comes nothing */
    }
}

/* The weights that the chunk's rows give to the document, now that their largest scores and sums
 * are known. */
static void
keep_weights(const struct run *r, const struct t5g_chunk *t)
{
    const struct t5g_merged *a = r->a;
    const struct t5g_cross *cross = t->part->cross;
    const struct t5g_kv *kv = &cross->kv[a->layer];
    size_t dh = a->c->dh, g = a->c->h / a->c->hk;
    const float *q = cross->n > 0 && kv->dtype == T5G_I8 ? t->rotated : t->q;
    for (size_t j = 0; j < cross->n; j += T5G_KEY_BLOCK) {
        size_t n = t5g_min(T5G_KEY_BLOCK, cross->n - j);
        t5g_kv_scores(r->x->k, kv, t->kv * kv->cap + j, n, dh, q, t->rows, t->s, T5G_KEY_BLOCK);
        for (size_t i = 0; i < t->rows; i++) {
            float max = t->max[i], sum = 0, *s = t->s + i * T5G_KEY_BLOCK;
            float *to = a->keep + ((t->row + i / g) * a->c->h + t->kv * g + i % g) * cross->n + j;
            t5g_attention_softmax(r->x->k, s, n, 0, n, a->c->scale, a->c->attn_softcap, &max, &sum);
            memcpy(to, s, n * sizeof *to);
            r->x->k->scale(to, n, t->sum[i] == 0 ? 0 : 1 / t->sum[i]);
        }
    }
}

static void
chunk_item(void *arg, size_t item, size_t worker)
{
    const struct run *r = arg;
    const struct t5g_merged *a = r->a;
    const struct t5g_chunk t = chunk_of(r, item, worker);
    size_t end = t.pos + t.n;
    if ((a->see & T5G_SEE_CROSS) != 0)
        t5g_chunk_cross(&t, r->x, a);
    if ((a->see & T5G_SEE_OWN) != 0)
        for (size_t j = t5g_first_seen(a->c, a->layer, t.pos) / T5G_KEY_BLOCK * T5G_KEY_BLOCK;
             j < end; j += T5G_KEY_BLOCK)
            own_block(r, &t, j, t5g_min(T5G_KEY_BLOCK, end - j));
    if (a->keep != NULL)
        keep_weights(r, &t);
    t5g_chunk_close(&t, r->x, a);
}

void
t5g_prefill_attention(const struct t5g_exec *x, const struct t5g_merged *a)
{
    struct run r = {x, a};
    size_t items = 0, cost = 0;
    for (size_t i = 0; i < a->n_parts; i++) {
        const struct t5g_part *p = &a->parts[i];
        size_t n = t5g_queries_of(a, p);
        items += chunks(n);
        cost += n * (p->kv->pos + p->n + p->cross->n) * 2 * a->c->h * a->c->dh;
    }
    t5g_exec_run(x, chunk_item, &r, items * a->c->hk, cost);
}
