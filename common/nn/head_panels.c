/*
 * head_panels.c: the head in the panel role.
 *
 *   y = x w^T                              [n, T5G_PANEL_WIDE] of the [n, v] logits at a time
 *   y = cap * tanh(y / cap)                cap 0: no change
 *   max, sum of exp(y - max)               of each row, piece by piece of an item's rows of w
 *   ln p(id) = y[id] - (max + ln sum)      max and sum of all items, merged in their order
 *
 * Logits of many rows would fill memory: 512 rows of 262,144 take 512 MB. So each piece is reduced
 * at once, in the cache. Items and pieces lie at fixed places of the vocabulary: a result depends
 * neither on threads nor on the other rows.
 */
#include "nn/head_panels.h"
#include "nn/linear.h"
#include "nn/logits.h"

#include <math.h>
#include <stdatomic.h>
#include <string.h>

enum { ITEM = 8 * T5G_PANEL_WIDE }; /* vocabulary rows of an item */

struct part {
    float max, sum;
};

struct t5g_head_panels {
    const struct t5g_model *m;
    size_t items;
    struct part *parts; /* [items, T5G_ROW_BLOCK] */
};

struct t5g_head_panels *
t5g_head_panels_open(const struct t5g_model *m)
{
    struct t5g_head_panels *h = t5g_alloc(1, sizeof *h);
    h->m = m;
    h->items = (m->config.decoder.v + ITEM - 1) / ITEM;
    /* Not zeroed: pages are touched by the first run, if there is one. */
    h->parts = t5g_alloc_raw(h->items * T5G_ROW_BLOCK, sizeof *h->parts);
    return h;
}

void
t5g_head_panels_close(struct t5g_head_panels *h)
{
    if (h == NULL)
        return;
    t5g_free(h->parts);
    t5g_free(h);
}

struct run {
    struct t5g_head_panels *h;
    const struct t5g_exec *x;
    const float *y;
    size_t n;
    struct t5g_wanted *wanted; /* ascending by id; logprob is the logit until merged */
    size_t n_wanted;
    atomic_bool bad[T5G_ROW_BLOCK];
    double all[T5G_ROW_BLOCK]; /* ln of the sum of exp(logits) */
};

/* Number of the first wanted id from `id` on. */
static size_t
first_wanted(const struct run *r, size_t id)
{
    size_t lo = 0, hi = r->n_wanted;
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        if ((size_t)r->wanted[mid].id < id)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo;
}

/* Logits [n, rows] of ids r0..r0+rows whose rows adapters replace. */
static void
adapt(const struct run *r, float *out, size_t r0, size_t rows)
{
    const struct t5g_token_rows *t = &r->h->m->head_tokens;
    size_t d = r->h->m->head.cols;
    for (size_t i = t5g_token_rows_from(t, (int32_t)r0); i < t->n && (size_t)t->ids[i] < r0 + rows;
         i++)
        r->x->k->dot(out + (size_t)t->ids[i] - r0, T5G_PANEL_WIDE, r->y, d, r->n, t->rows + i * d,
                     T5G_F32, 1, d);
}

static void
item_of(void *arg, size_t item, size_t worker)
{
    struct run *r = arg;
    const struct t5g_stack_config *c = &r->h->m->config.decoder;
    const struct t5g_kernels *k = r->x->k;
    const struct t5g_mat *w = &r->h->m->head;
    struct part *parts = r->h->parts + item * T5G_ROW_BLOCK;
    float *panels = t5g_exec_scratch(r->x, worker), *out = panels + w->cols * T5G_PANEL_WIDE;
    size_t end = t5g_min((item + 1) * ITEM, c->v), at = first_wanted(r, item * ITEM);
    for (size_t i = 0; i < r->n; i++)
        parts[i] = (struct part){-INFINITY, 0};
    for (size_t r0 = item * ITEM; r0 < end; r0 += T5G_PANEL_WIDE) {
        size_t rows = t5g_min(T5G_PANEL_WIDE, end - r0);
        t5g_linear_panel_some(r->x, r->y, w->cols, r->n, w, r0, rows, out, T5G_PANEL_WIDE, panels);
        adapt(r, out, r0, rows);
        for (size_t i = 0; i < r->n; i++) {
            if (!t5g_all_finite(out + i * T5G_PANEL_WIDE, rows))
                atomic_store(&r->bad[i], true);
            if (c->logit_softcap != 0)
                k->softcap(out + i * T5G_PANEL_WIDE, rows, c->logit_softcap);
        }
        for (; at < r->n_wanted && (size_t)r->wanted[at].id < r0 + rows; at++)
            r->wanted[at].logprob =
                out[r->wanted[at].row * T5G_PANEL_WIDE + (size_t)r->wanted[at].id - r0];
        for (size_t i = 0; i < r->n; i++)
            k->softmax(out + i * T5G_PANEL_WIDE, rows, 0, rows, 1, &parts[i].max, &parts[i].sum);
    }
}

/* Merge the items of a row. */
static void
merge_item(void *arg, size_t i, size_t worker)
{
    struct run *r = arg;
    double max = -INFINITY, sum = 0;
    (void)worker;
    for (size_t k = 0; k < r->h->items; k++)
        max = fmax(max, (double)r->h->parts[k * T5G_ROW_BLOCK + i].max);
    for (size_t k = 0; k < r->h->items; k++) {
        const struct part *p = &r->h->parts[k * T5G_ROW_BLOCK + i];
        sum += (double)p->sum * exp((double)p->max - max);
    }
    r->all[i] = max + log(sum);
}

void
t5g_head_panels_run(struct t5g_head_panels *h, const struct t5g_exec *x, const float *y, size_t n,
                    struct t5g_wanted *wanted, size_t n_wanted, bool *bad)
{
    const struct t5g_mat *w = &h->m->head;
    struct run r = {.h = h, .x = x, .y = y, .n = n, .wanted = wanted, .n_wanted = n_wanted};
    t5g_linear_panel_start(x, y, w->cols, n, w);
    t5g_exec_run(x, item_of, &r, h->items, n * w->rows * w->cols);
    t5g_exec_run(x, merge_item, &r, n, n * h->items * 64);
    for (size_t i = 0; i < n; i++)
        bad[i] = atomic_load(&r.bad[i]);
    for (size_t i = 0; i < n_wanted; i++)
        wanted[i].logprob = (float)((double)wanted[i].logprob - r.all[wanted[i].row]);
}
