/*
 * lowrank.c: what adapters add to a product.
 *
 *   t = scale (x A^T)            [m, ranks], once for all matrices with the same activations
 *   y = gain (x w^T) + t B^T     piece by piece, where the product is
 *
 * t is computed by the kernels of the role: those of exact weights, even where the others are
 * quantised, and from x as it is. The rest is by one kernel in both roles. An element is one sum,
 * whatever stands beside it.
 */
#include "nn/lowrank.h"
#include "base/bug.h"

#include <sched.h>

enum {
    PANELS = T5G_LOW_WIDE / T5G_PANEL, /* at a time */
    PART_LEAST = 64,                   /* rows of a in an item of the panel role */
    RANKS = 8,                         /* in an item of the row role */
    SPINS = 2000,                      /* before other processes get their turn */
};

static size_t
ceil_div(size_t a, size_t b)
{
    return (a + b - 1) / b;
}

static void
add(struct t5g_low_run *l, const struct t5g_mat *w)
{
    size_t end = 0;
    if (w->p == NULL || w->low == NULL)
        return;
    for (size_t i = 0; i < l->n; i++) {
        if (l->of[i] == w->low)
            return;
        end = t5g_round_up(l->at[i] + l->of[i]->rank, T5G_PANEL);
    }
    if (l->n == T5G_LOW_MOST || l->x->low == NULL)
        t5g_bug("a run has more adapted matrices than there is room for");
    l->of[l->n] = w->low;
    l->at[l->n++] = end;
}

void
t5g_low_begin(struct t5g_low_run *l, const struct t5g_exec *x, const struct t5g_linear *jobs,
              size_t n_jobs, const float *a, size_t lda, size_t m, bool panels)
{
    l->x = x;
    l->n = l->items = 0;
    l->a = a;
    l->lda = lda;
    l->m = m;
    l->panels = panels;
    l->bf16 = false;
    atomic_init(&l->taken, 0);
    atomic_init(&l->done, 0);
    for (size_t i = 0; i < n_jobs; i++) {
        add(l, &jobs[i].w);
        add(l, &jobs[i].up);
        l->bf16 = l->bf16 || !t5g_is_quantised(jobs[i].w.dtype);
    }
    l->bf16 = l->bf16 && panels && x->k->bf16_gemm != NULL;
    if (panels && l->n > 0)
        l->items = t5g_max(t5g_min(2 * t5g_pool_threads(x->pool), m / PART_LEAST), 1);
    for (size_t i = 0; i < l->n && !panels; i++)
        l->items += ceil_div(l->of[i]->rank, RANKS);
}

/* ---- t ---- */

/* Rows i0..i0+m times the scales. */
static void
scale(const struct t5g_low_run *l, size_t i, size_t r0, size_t ranks, size_t i0, size_t m)
{
    float factor = l->of[i]->scale;
    for (size_t r = i0; r < i0 + m && factor != 1; r++) {
        float *t = l->x->low + r * l->x->low_ld + l->at[i] + r0;
        for (size_t j = 0; j < ranks; j++)
            t[j] *= factor;
    }
}

/* Panel p of all matrices A side by side, each filled up with 0. */
static void
make_panel(const struct t5g_low_run *l, size_t p, float *panel, uint16_t *panel16)
{
    size_t own = 0, cols = l->of[0]->cols;
    while (own + 1 < l->n && l->at[own + 1] <= p * T5G_PANEL)
        own++;
    const struct t5g_lowrank *low = l->of[own];
    size_t r = p * T5G_PANEL - l->at[own], rows = t5g_min(T5G_PANEL, low->rank - r);
    const char *w = (const char *)low->a + r * cols * t5g_dtype_size(low->a_dtype);
    if (l->bf16)
        l->x->k->bf16_panel(panel16, w, cols, low->a_dtype, rows, cols);
    else
        l->x->k->to_panel(panel, w, cols, low->a_dtype, rows, cols);
}

/* Panel role: rows i0..i0+m of t. */
static void
panel_item(const struct t5g_low_run *l, size_t i0, size_t m, float *scratch)
{
    const struct t5g_exec *x = l->x;
    size_t cols = l->of[0]->cols, ld = x->low_ld, ld16 = t5g_bf16_stride(cols);
    size_t next = cols * T5G_PANEL, next16 = t5g_round_up(cols, T5G_BF16_STEP) * T5G_PANEL;
    size_t panels = ceil_div(l->at[l->n - 1] + l->of[l->n - 1]->rank, T5G_PANEL);
    for (size_t p = 0; p < panels; p += PANELS) {
        size_t n = t5g_min(PANELS, panels - p);
        float *out = x->low + i0 * ld + p * T5G_PANEL;
        uint16_t *scratch16 = (uint16_t *)(void *)scratch;
        for (size_t i = 0; i < n; i++)
            make_panel(l, p + i, scratch + i * next, scratch16 + i * next16);
        if (l->bf16)
            x->k->bf16_gemm(out, ld, x->bf16 + i0 * ld16, ld16, scratch16, next16, m, cols,
                            n * T5G_PANEL, false);
        else
            x->k->gemm(out, ld, l->a + i0 * l->lda, l->lda, scratch, next, m, cols, n * T5G_PANEL,
                       false);
    }
    for (size_t i = 0; i < l->n; i++)
        scale(l, i, 0, l->of[i]->rank, i0, m);
}

/* Row role: some ranks of all rows. */
static void
row_item(const struct t5g_low_run *l, size_t item)
{
    size_t i = 0;
    for (; item >= ceil_div(l->of[i]->rank, RANKS); i++)
        item -= ceil_div(l->of[i]->rank, RANKS);
    const struct t5g_lowrank *low = l->of[i];
    size_t r0 = item * RANKS, n = t5g_min(RANKS, low->rank - r0);
    const char *w = (const char *)low->a + r0 * low->cols * t5g_dtype_size(low->a_dtype);
    l->x->k->dot(l->x->low + l->at[i] + r0, l->x->low_ld, l->a, l->lda, l->m, w, low->a_dtype, n,
                 low->cols);
    scale(l, i, r0, n, 0, l->m);
}

void
t5g_low_item(struct t5g_low_run *l, float *scratch)
{
    size_t item = atomic_fetch_add_explicit(&l->taken, 1, memory_order_relaxed);
    if (item >= l->items)
        return;
    size_t i0 = l->m * item / l->items;
    if (l->panels)
        panel_item(l, i0, l->m * (item + 1) / l->items - i0, scratch);
    else
        row_item(l, item);
    atomic_fetch_add_explicit(&l->done, 1, memory_order_release);
}

static void
item_of(void *arg, size_t item, size_t worker)
{
    struct t5g_low_run *l = arg;
    (void)item;
    t5g_low_item(l, t5g_exec_scratch(l->x, worker));
}

void
t5g_low_all(struct t5g_low_run *l)
{
    size_t ranks = 0;
    for (size_t i = 0; i < l->n; i++)
        ranks += l->of[i]->rank;
    if (l->items > 0)
        t5g_exec_run(l->x, item_of, l, l->items, l->m * ranks * l->of[0]->cols);
}

/* ---- y ---- */

/* Until t is there: the items that are left, then those at work elsewhere. */
static void
wait_for(struct t5g_low_run *l, float *scratch)
{
    while (atomic_load_explicit(&l->taken, memory_order_relaxed) < l->items)
        t5g_low_item(l, scratch);
    for (size_t spins = 0; atomic_load_explicit(&l->done, memory_order_acquire) < l->items; spins++)
        if (spins >= SPINS)
            sched_yield();
}

static size_t
place_of(const struct t5g_low_run *l, const struct t5g_lowrank *low)
{
    size_t i = 0;
    while (l->of[i] != low)
        i++; /* it is there: w is one of the run's */
    return l->at[i];
}

void
t5g_low_apply(struct t5g_low_run *l, const struct t5g_mat *w, size_t r0, size_t n, float *out,
              size_t ld, size_t i0, size_t m, float *scratch)
{
    const struct t5g_lowrank *low = w->low;
    const struct t5g_exec *x = l->x;
    if (low == NULL)
        return;
    wait_for(l, scratch);
    size_t next = low->rank * T5G_PANEL, row = low->rank * t5g_dtype_size(low->b_dtype);
    size_t first = w->low_row + r0;
    for (size_t i = 0; i < m && low->gain != NULL; i++)
        for (size_t j = 0; j < n; j++)
            out[i * ld + j] *= low->gain[first + j];
    const char *b = (const char *)low->b + first * row;
    const float *t = x->low + i0 * x->low_ld + place_of(l, low);
    for (size_t j = 0; j < n; j += T5G_LOW_WIDE, b += T5G_LOW_WIDE * row) {
        size_t some = t5g_min(T5G_LOW_WIDE, n - j);
        for (size_t i = 0; i < some; i += T5G_PANEL)
            x->k->to_panel(scratch + i * low->rank, b + i * row, low->rank, low->b_dtype,
                           t5g_min(T5G_PANEL, some - i), low->rank);
        x->k->gemm(out + j, ld, t, x->low_ld, scratch, next, m, low->rank, some, true);
    }
}
