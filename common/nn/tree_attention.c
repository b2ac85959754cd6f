/*
 * tree_attention.c: attention of the decoder for given ids that branch.
 *
 *   the same softmax as in prefill_attention.c, over encoder keys, then the trunk's keys, then
 * those of the row's ancestors and its own
 *
 * An item is up to T5G_CHUNK rows over one trunk, and one key head. The encoder and the trunk are
 * the same for all of them. The keys of the tree are not: for each part the rows of its cache are
 * found in pieces that lie side by side, and their scores are put where the positions are. So a row
 * sees its keys in the blocks and in the order of a sequence without branches.
 */
#include "nn/tree_attention.h"
#include "nn/prefill_attention.h"

struct run {
    const struct t5g_exec *x;
    const struct t5g_merged *a;
};

/* Rows of a part's cache side by side: those of n ids behind the trunk, from number `depth` on. */
struct piece {
    size_t depth, row, n;
};

/* Where a part's ancestors and the first n of its own rows lie, in order; returns their number. */
static size_t
find_pieces(const struct t5g_part *p, size_t n, struct piece pieces[T5G_ROW_BLOCK + 1])
{
    const struct t5g_part *q = p;
    size_t count = 1;
    for (; q->limb->up != NULL; q = q->limb->up)
        count++;
    pieces[0] = (struct piece){.n = q->limb->depth};
    q = p;
    for (size_t i = count; i > 0; i--, q = q->limb->up) {
        pieces[i] = (struct piece){q->limb->depth, q->limb->row, n};
        n = q->limb->up_n;
    }
    return count + 1;
}

/* Rows of a chunk that belong to one part, and a block of positions from..from + n. */
struct block {
    const struct t5g_chunk *t;
    const struct t5g_part *part;
    size_t first, rows; /* rows of q */
    size_t last;        /* how many rows of the part the last one sees */
    size_t from, n;
};

/* Scores (or else weighted values) of the keys of the tree in the block. */
static void
tree_keys(const struct run *r, const struct block *b, bool scores)
{
    const struct t5g_merged *a = r->a;
    const struct t5g_kv *kv = &b->part->kv->kv[a->layer];
    struct piece pieces[T5G_ROW_BLOCK + 1];
    size_t dh = a->c->dh, trunk = b->part->limb->trunk->pos;
    size_t n = find_pieces(b->part, b->last, pieces);
    for (size_t i = 0; i < n; i++) {
        size_t at = trunk + pieces[i].depth, lo = t5g_max(at, b->from);
        size_t hi = t5g_min(at + pieces[i].n, b->from + b->n);
        if (lo >= hi)
            continue;
        size_t key = b->t->kv * kv->cap + pieces[i].row + (lo - at);
        float *s = b->t->s + b->first * T5G_KEY_BLOCK + (lo - b->from);
        if (scores)
            t5g_kv_scores(r->x->k, kv, key, hi - lo, dh, b->t->q + b->first * dh, b->rows, s,
                          T5G_KEY_BLOCK);
        else
            t5g_kv_mix(r->x->k, kv, key, hi - lo, dh, s, T5G_KEY_BLOCK, b->rows,
                       b->t->o + b->first * dh);
    }
}

/* The part that row i of the step belongs to, from part p with first row `at` on. */
static const struct t5g_part *
part_of(const struct t5g_part *p, size_t *at, size_t i)
{
    for (; i >= *at + p->n; p++)
        *at += p->n;
    return p;
}

/* The tree's keys of a block for all rows of the chunk, part by part. */
static void
all_tree_keys(const struct run *r, const struct t5g_chunk *t, size_t from, size_t n, bool scores)
{
    size_t g = r->a->c->h / r->a->c->hk, at = t->row - t->pos; /* of the first part */
    const struct t5g_part *p = t->part;
    for (size_t i = t->row; i < t->row + t->n;) {
        p = part_of(p, &at, i);
        size_t end = t5g_min(at + p->n, t->row + t->n);
        struct block b = {.t = t,
                          .part = p,
                          .first = (i - t->row) * g,
                          .rows = (end - i) * g,
                          .last = end - at,
                          .from = from,
                          .n = n};
        tree_keys(r, &b, scores);
        i = end;
    }
}

/* Position of row i of the chunk. */
static size_t
position(const struct t5g_chunk *t, size_t i)
{
    size_t at = t->row - t->pos;
    const struct t5g_part *p = part_of(t->part, &at, t->row + i);
    return p->limb->trunk->pos + p->limb->depth + t->row + i - at;
}

/* Own keys from..from + n of a block: the trunk's, and behind them the tree's. */
static void
own_block(const struct run *r, const struct t5g_chunk *t, const size_t *pos, size_t first,
          size_t from, size_t n)
{
    const struct t5g_merged *a = r->a;
    const struct t5g_kernels *k = r->x->k;
    const struct t5g_kvcache *trunk = t->part->limb->trunk;
    const struct t5g_kv *kv = &trunk->kv[a->layer];
    size_t dh = a->c->dh, g = a->c->h / a->c->hk, key = t->kv * kv->cap + from % kv->cap;
    size_t skip = first > from ? first - from : 0;
    size_t old = trunk->pos > from ? t5g_min(trunk->pos - from, n) : 0;
    if (old > skip)
        t5g_kv_scores(k, kv, key + skip, old - skip, dh, t->q, t->rows, t->s + skip, T5G_KEY_BLOCK);
    if (old < n)
        all_tree_keys(r, t, from, n, true);
    for (size_t i = 0; i < t->rows; i++) {
        size_t p = pos[i / g], lo = t5g_first_seen(a->c, a->layer, p);
        t5g_chunk_weigh(t, r->x, a, i, n, lo > from ? t5g_min(lo - from, n) : 0,
                        p + 1 > from ? t5g_min(p + 1 - from, n) : 0);
    }
    if (old > skip)
        t5g_kv_mix(k, kv, key + skip, old - skip, dh, t->s + skip, T5G_KEY_BLOCK, t->rows, t->o);
    if (old < n)
        all_tree_keys(r, t, from, n, false);
}

/* Rows of the parts over the trunk of p, which are side by side. */
static size_t
rows_over(const struct t5g_merged *a, const struct t5g_part *p)
{
    const struct t5g_part *q = p;
    size_t n = 0;
    for (; q < a->parts + a->n_parts && q->limb->trunk == p->limb->trunk; q++)
        n += q->n;
    return n;
}

static size_t
chunks(size_t n)
{
    return (n + T5G_CHUNK - 1) / T5G_CHUNK;
}

/* The part behind those over the trunk of p. */
static const struct t5g_part *
next_trunk(const struct t5g_merged *a, const struct t5g_part *p)
{
    const struct t5g_kvcache *trunk = p->limb->trunk;
    while (p < a->parts + a->n_parts && p->limb->trunk == trunk)
        p++;
    return p;
}

static void
chunk_item(void *arg, size_t item, size_t worker)
{
    const struct run *r = arg;
    const struct t5g_merged *a = r->a;
    struct t5g_chunk t = {.part = a->parts, .kv = item % a->c->hk};
    size_t n = rows_over(a, t.part), pos[T5G_CHUNK], first = SIZE_MAX, end = 0, at;
    for (item /= a->c->hk; item >= chunks(n); n = rows_over(a, t.part)) {
        item -= chunks(n);
        t.row += n;
        t.part = next_trunk(a, t.part);
    }
    t.n = t5g_min(T5G_CHUNK, n - item * T5G_CHUNK);
    at = t.row;
    t.row += item * T5G_CHUNK;
    t.part = part_of(t.part, &at, t.row);
    t.pos = t.row - at; /* here: its first row's number in its part */
    t5g_chunk_open(&t, r->x, a, worker);
    for (size_t i = 0; i < t.n; i++) {
        pos[i] = position(&t, i);
        first = t5g_min(first, t5g_first_seen(a->c, a->layer, pos[i]));
        end = t5g_max(end, pos[i] + 1);
    }
    if ((a->see & T5G_SEE_CROSS) != 0)
        t5g_chunk_cross(&t, r->x, a);
    if ((a->see & T5G_SEE_OWN) != 0)
        for (size_t j = first / T5G_KEY_BLOCK * T5G_KEY_BLOCK; j < end; j += T5G_KEY_BLOCK)
            own_block(r, &t, pos, first, j, t5g_min(T5G_KEY_BLOCK, end - j));
    t5g_chunk_close(&t, r->x, a);
}

void
t5g_tree_attention(const struct t5g_exec *x, const struct t5g_merged *a)
{
    struct run r = {x, a};
    size_t items = 0, cost = 0;
    for (const struct t5g_part *p = a->parts; p < a->parts + a->n_parts; p = next_trunk(a, p)) {
        size_t n = rows_over(a, p);
        items += chunks(n);
        cost +=
            n * (p->limb->trunk->pos + p->limb->depth + n + p->cross->n) * 2 * a->c->h * a->c->dh;
    }
    t5g_exec_run(x, chunk_item, &r, items * a->c->hk, cost);
}
