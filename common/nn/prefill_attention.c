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

enum { CHUNK = 16 };

struct run {
    const struct t5g_exec *x;
    const struct t5g_merged *a;
};

/* One item at work, in the worker's scratch. */
struct chunk {
    const struct t5g_part *part;
    size_t kv, row, pos, n; /* key head; first row of the step and its position; positions */
    size_t rows;            /* n g */
    const float *q;         /* [rows, dh] */
    float *rotated;         /* the same for keys in bytes */
    float *s;               /* [rows, T5G_KEY_BLOCK] */
    float *o;               /* [rows, dh] */
    float *max, *sum;       /* [rows] */
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

static struct chunk
chunk_open(const struct run *r, size_t item, size_t worker)
{
    const struct t5g_merged *a = r->a;
    size_t dh = a->c->dh, g = a->c->h / a->c->hk;
    struct chunk t = {.part = a->parts, .kv = item % a->c->hk};
    for (item /= a->c->hk; item >= chunks(t.part->n); t.row += t.part++->n)
        item -= chunks(t.part->n);
    t.row += item * CHUNK;
    t.pos = t.part->kv->pos + item * CHUNK;
    t.n = t5g_min(CHUNK, t.part->n - item * CHUNK);
    t.rows = t.n * g;
    t.q = a->s->q + (t.kv * a->n + t.row) * g * dh;
    t.s = t5g_exec_scratch(r->x, worker);
    t.o = t.s + CHUNK * g * T5G_KEY_BLOCK;
    t.max = t.o + CHUNK * g * dh;
    t.sum = t.max + CHUNK * g;
    t.rotated = t.sum + CHUNK * g;
    memset(t.o, 0, t.rows * dh * sizeof *t.o);
    for (size_t i = 0; i < t.rows; i++) {
        t.max[i] = -INFINITY;
        t.sum[i] = 0;
    }
    return t;
}

/* Keys from..from + n of a block, of which the chunk's row i sees lo[i]..hi[i]; none before skip.
 */
static void
block(const struct run *r, const struct chunk *t, const struct t5g_kv *kv, bool own, size_t from,
      size_t n)
{
    const struct t5g_merged *a = r->a;
    const struct t5g_kernels *k = r->x->k;
    size_t dh = a->c->dh, g = a->c->h / a->c->hk, key = t->kv * kv->cap + from % kv->cap;
    size_t first = own ? t5g_first_seen(a, t->pos) : 0, skip = first > from ? first - from : 0;
    const float *q = kv->dtype == T5G_I8 ? t->rotated : t->q;
    t5g_kv_scores(k, kv, key + skip, n - skip, dh, q, t->rows, t->s + skip, T5G_KEY_BLOCK);
    for (size_t i = 0; i < t->rows; i++) {
        size_t lo = 0, hi = n, pos = t->pos + i / g;
        if (own) {
            first = t5g_first_seen(a, pos);
            lo = first > from ? t5g_min(first - from, n) : 0;
            hi = pos + 1 > from ? t5g_min(pos + 1 - from, n) : 0;
        }
        float f = t5g_attention_softmax(k, t->s + i * T5G_KEY_BLOCK, n, lo, hi, a->c->scale,
                                        a->c->attn_softcap, &t->max[i], &t->sum[i]);
        if (f != 1)
            k->scale(t->o + i * dh, dh, f);
    }
    t5g_kv_mix(k, kv, key + skip, n - skip, dh, t->s + skip, T5G_KEY_BLOCK, t->rows, t->o);
}

static void
chunk_item(void *arg, size_t item, size_t worker)
{
    const struct run *r = arg;
    const struct t5g_merged *a = r->a;
    const struct chunk t = chunk_open(r, item, worker);
    size_t dh = a->c->dh, g = a->c->h / a->c->hk, end = t.pos + t.n;
    size_t n = (a->see & T5G_SEE_CROSS) != 0 ? t.part->cross->n : 0;
    const struct t5g_kv *cross = n > 0 ? &t.part->cross->kv[a->layer] : NULL;
    bool bytes = cross != NULL && cross->dtype == T5G_I8;
    if (bytes)
        t5g_kv_queries(r->x->k, cross, t.rotated, t.q, t.rows, dh);
    for (size_t j = 0; j < n; j += T5G_KEY_BLOCK)
        block(r, &t, cross, false, j, t5g_min(T5G_KEY_BLOCK, n - j));
    for (size_t i = 0; i < t.rows && bytes; i++)
        r->x->k->rotate(t.o + i * dh, t.o + i * dh, dh);
    if ((a->see & T5G_SEE_OWN) != 0)
        for (size_t j = t5g_first_seen(a, t.pos) / T5G_KEY_BLOCK * T5G_KEY_BLOCK; j < end;
             j += T5G_KEY_BLOCK)
            block(r, &t, &t.part->kv->kv[a->layer], true, j, t5g_min(T5G_KEY_BLOCK, end - j));
    for (size_t i = 0; i < t.rows; i++) {
        float *out = a->out + (t.row + i / g) * a->ldo + (t.kv * g + i % g) * dh;
        memcpy(out, t.o + i * dh, dh * sizeof *out);
        r->x->k->scale(out, dh, t.sum[i] == 0 ? 0 : 1 / t.sum[i]); /* of no keys comes nothing */
    }
}

void
t5g_prefill_attention(const struct t5g_exec *x, const struct t5g_merged *a)
{
    struct run r = {x, a};
    size_t items = 0, cost = 0;
    for (size_t i = 0; i < a->n_parts; i++) {
        const struct t5g_part *p = &a->parts[i];
        items += chunks(p->n);
        cost += p->n * (p->kv->pos + p->n + p->cross->n) * 2 * a->c->h * a->c->dh;
    }
    t5g_exec_run(x, chunk_item, &r, items * a->c->hk, cost);
}
