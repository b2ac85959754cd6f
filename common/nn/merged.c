/*
 * merged.c: attention of the decoder.
 *
 *   s[i, j] = scale * q_i . k_j     j over own positions 0..i (local layers: the last `window` of
 *                                   them) and over all encoder rows, never windowed
 *   out[i]  = sum_j softmax_j(s[i, j]) v_j
 *
 * Keys are cut into blocks of T5G_KEY_BLOCK at fixed places, first the own positions, then the
 * encoder rows. An item is one block of one key head for all rows at once: it gives, for every row,
 * the largest score, the sum of exponentials and the weighted sum of values. These parts are then
 * merged in the order of the blocks; a block of which a row sees nothing is left out. So a row's
 * result depends neither on threads nor on the rows beside it.
 */
#include "nn/merged.h"

#include <math.h>

enum { PARTS = 32 }; /* blocks between two merges: bounds the buffers */

void
t5g_merged_open(struct t5g_merged_state *s, const struct t5g_stack_config *c)
{
    size_t rows = (size_t)T5G_STEP_ROWS * c->h;
    s->q = t5g_alloc(rows, c->dh * sizeof(float));
    s->part = t5g_alloc(PARTS * rows, c->dh * sizeof(float));
    s->max = t5g_alloc(PARTS * rows, sizeof(float));
    s->sum = t5g_alloc(PARTS * rows, sizeof(float));
    s->top = t5g_alloc(rows, sizeof(float));
    s->all = t5g_alloc(rows, sizeof(float));
}

void
t5g_merged_close(struct t5g_merged_state *s)
{
    t5g_free(s->q);
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
    size_t own_first, own_blocks; /* first block that any row sees; number of own blocks */
    size_t first, n;              /* blocks at hand: first.. of the whole order */
};

/* First own position that row i (of the step) sees. */
static size_t
first_seen(const struct t5g_merged *a, size_t i)
{
    size_t last = a->pos + i;
    return a->full || last + 1 < a->c->window ? 0 : last + 1 - a->c->window;
}

/* A block of keys, and which of them row i sees. */
struct keys {
    const float *k, *v; /* [n, dh] */
    size_t from, n;     /* first position or encoder row; number */
    bool own;
};

static struct keys
keys_of(const struct run *r, size_t block, size_t kv)
{
    const struct t5g_merged *a = r->a;
    struct keys s = {.own = block < r->own_blocks};
    const struct t5g_kv *from = s.own ? a->own : a->cross;
    size_t end = s.own ? a->pos + a->n : a->cross->cap;
    s.from = (s.own ? r->own_first + block : block - r->own_blocks) * T5G_KEY_BLOCK;
    s.n = t5g_min(T5G_KEY_BLOCK, end - s.from);
    size_t at = (kv * from->cap + s.from % from->cap) * a->c->dh;
    s.k = from->k + at;
    s.v = from->v + at;
    return s;
}

static void
seen(const struct t5g_merged *a, const struct keys *s, size_t i, size_t *lo, size_t *hi)
{
    *lo = 0;
    *hi = s->n;
    if (!s->own)
        return;
    size_t first = first_seen(a, i), end = a->pos + i + 1;
    *lo = first > s->from ? t5g_min(first - s->from, s->n) : 0;
    *hi = end > s->from ? t5g_min(end - s->from, s->n) : 0;
}

static void
block_item(void *arg, size_t item, size_t worker)
{
    const struct run *r = arg;
    const struct t5g_merged *a = r->a;
    const struct t5g_kernels *k = r->x->k;
    size_t dh = a->c->dh, g = a->c->h / a->c->hk, rows = a->n * g, kv = item % a->c->hk;
    size_t at = item * rows; /* items are [blocks, hk] */
    struct keys b = keys_of(r, r->first + item / a->c->hk, kv);
    float *s = t5g_exec_scratch(r->x, worker), *o = a->s->part + at * dh;
    size_t skip, hi;
    seen(a, &b, 0, &skip, &hi); /* later rows see nothing before it */
    k->dot(s + skip, T5G_KEY_BLOCK, a->s->q + kv * rows * dh, dh, rows, b.k + skip * dh, T5G_F32,
           b.n - skip, dh);
    for (size_t i = 0; i < rows; i++) {
        size_t lo;
        seen(a, &b, i / g, &lo, &hi);
        a->s->max[at + i] = -INFINITY;
        a->s->sum[at + i] = 0;
        k->softmax(s + i * T5G_KEY_BLOCK, b.n, lo, hi, a->c->scale, &a->s->max[at + i],
                   &a->s->sum[at + i]);
    }
    memset(o, 0, rows * dh * sizeof *o);
    k->mix(o, dh, s + skip, T5G_KEY_BLOCK, rows, b.v + skip * dh, T5G_F32, dh, b.n - skip, dh);
}

/* Add the blocks at hand to the running result of row `item`. */
static void
merge_item(void *arg, size_t item, size_t worker)
{
    const struct run *r = arg;
    const struct t5g_merged *a = r->a;
    const struct t5g_kernels *k = r->x->k;
    size_t dh = a->c->dh, hk = a->c->hk, g = a->c->h / hk;
    (void)worker;
    for (size_t head = 0; head < a->c->h; head++) {
        float *o = a->out + item * a->ldo + head * dh;
        float *top = a->s->top + item * a->c->h + head, *all = a->s->all + item * a->c->h + head;
        if (r->first == 0) {
            *top = -INFINITY;
            *all = 0;
            memset(o, 0, dh * sizeof *o);
        }
        for (size_t b = 0; b < r->n; b++) {
            size_t at = ((b * hk + head / g) * a->n + item) * g + head % g;
            if (a->s->sum[at] == 0)
                continue;
            float max = a->s->max[at] > *top ? a->s->max[at] : *top;
            float old = expf(*top - max), f = expf(a->s->max[at] - max);
            k->scale(o, dh, old);
            k->mix(o, dh, &f, 1, 1, a->s->part + at * dh, T5G_F32, dh, 1, dh);
            *all = *all * old + a->s->sum[at] * f;
            *top = max;
        }
        if (r->first + r->n == r->own_blocks + (a->cross->cap + T5G_KEY_BLOCK - 1) / T5G_KEY_BLOCK)
            k->scale(o, dh, 1 / *all);
    }
}

void
t5g_merged_run(const struct t5g_exec *x, const struct t5g_merged *a)
{
    struct run r = {.x = x, .a = a};
    r.own_first = first_seen(a, 0) / T5G_KEY_BLOCK;
    r.own_blocks = (a->pos + a->n - 1) / T5G_KEY_BLOCK + 1 - r.own_first;
    size_t blocks = r.own_blocks + (a->cross->cap + T5G_KEY_BLOCK - 1) / T5G_KEY_BLOCK;
    for (; r.first < blocks; r.first += r.n) {
        r.n = t5g_min(PARTS, blocks - r.first);
        size_t keys = a->pos + a->n - r.own_first * T5G_KEY_BLOCK + a->cross->cap;
        size_t cost = 2 * a->n * a->c->h * a->c->dh;
        t5g_exec_run(x, block_item, &r, r.n * a->c->hk, cost * t5g_min(keys, r.n * T5G_KEY_BLOCK));
        t5g_exec_run(x, merge_item, &r, a->n, cost * r.n);
    }
}
