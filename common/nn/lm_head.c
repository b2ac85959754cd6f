/*
 * lm_head.c: logits = cap * tanh(y w^T / cap) over the vocabulary; cap 0: no cap.
 *
 * Where only the id of the largest is wanted, each item keeps its own, and logits are not kept.
 * With a screen (a copy w' of w in bytes, rotated as y is) all rows of w' are looked at first: with
 * y' for y in bytes,
 *
 *   |w y - w' y'| <= |w - w'| |y| + |w'| |y - y'| + rounding
 *
 * so a row whose upper bound is below the best lower bound cannot be the largest. Only the few
 * others are computed, by the same kernel as without a screen: the id is the same. Rows of ids that
 * may not be chosen are below everything; where only a few may, these rows alone are computed.
 * Where adapters change logits, all are computed.
 */
#include "nn/lm_head.h"
#include "kernels/rotate.h"
#include "nn/linear.h"
#include "nn/logits.h"
#include "nn/lowrank.h"

#include <math.h>
#include <stdatomic.h>
#include <string.h>

enum {
    CHUNK = 256, /* vocabulary rows of an item */
    LOOK = 64,   /* of which so many are passed over at once if none is larger */
};

struct found {
    float value; /* largest of an item; -INFINITY: none */
    int32_t id;
    float bound, top; /* screening: best lower bound of an item, and its largest upper bound */
};

struct t5g_head {
    const struct t5g_model *m;
    bool adapted;        /* by adapters: logits are not those of the matrix alone */
    struct found *found; /* [T5G_STEP_ROWS, items] */
    float *upper;        /* [T5G_STEP_ROWS, v] upper bounds, with a screen */
    size_t items;
};

struct t5g_head *
t5g_head_open(const struct t5g_model *m)
{
    struct t5g_head *h = t5g_alloc(1, sizeof *h);
    h->m = m;
    h->adapted = m->head.low != NULL || m->head_tokens.n > 0;
    h->items = (m->config.decoder.v + CHUNK - 1) / CHUNK;
    h->found = t5g_alloc_raw(T5G_STEP_ROWS * h->items, sizeof *h->found);
    if (m->screen.p != NULL && !h->adapted)
        h->upper = t5g_alloc_raw(T5G_STEP_ROWS * m->config.decoder.v, sizeof *h->upper);
    return h;
}

void
t5g_head_close(struct t5g_head *h)
{
    if (h == NULL)
        return;
    t5g_free(h->found);
    t5g_free(h->upper);
    t5g_free(h);
}

size_t
t5g_head_scratch(void)
{
    return ((size_t)T5G_STEP_ROWS + 2) * CHUNK;
}

struct run {
    struct t5g_head *h;
    const struct t5g_exec *x;
    const float *y;
    struct t5g_head_row *rows;
    size_t n;
    struct t5g_low_run *low; /* of adapters, done */
    atomic_bool bad[T5G_STEP_ROWS];
    /* screening: for each row the factors of |w - w'| and |w'|, and the best lower bound */
    float length[T5G_STEP_ROWS], away[T5G_STEP_ROWS];
    float bound[T5G_STEP_ROWS];
};

static void
products(const struct run *r, const struct t5g_mat *w, float *out, const float *y, size_t n)
{
    if (t5g_is_quantised(w->dtype))
        t5g_linear_quantised(r->x, out, CHUNK, n, w, 0, (w->rows + T5G_PANEL - 1) / T5G_PANEL);
    else
        r->x->k->dot(out, CHUNK, y, w->cols, n, w->p, w->dtype, w->rows, w->cols);
}

static bool
counts(const struct run *r, size_t row, size_t id)
{
    const struct t5g_head_row *x = &r->rows[row];
    return (x->allowed == NULL || t5g_allowed_has(x->allowed, (int32_t)id)) &&
           (!x->no_eos || !t5g_config_is_eos(&r->h->m->config, (int32_t)id));
}

/* Whether a row needs some logit from r0 on. */
static bool
needs(const struct t5g_head_row *x, size_t r0, size_t rows)
{
    const struct t5g_allowed *a = x->allowed;
    bool any = a == NULL;
    if (any)
        return true;
    for (size_t i = 0; a->ids == NULL && i < rows; i += 64)
        any = any || a->bits[(r0 + i) / 64] != 0;
    for (size_t i = 0; a->ids != NULL && i < a->n && !any; i++)
        any = (size_t)a->ids[i] - r0 < rows;
    return any;
}

/* What adapters make of logits r0..r0+rows, out [n, CHUNK]. */
static void
adapt(const struct run *r, const struct t5g_mat *w, float *out, size_t r0, float *scratch)
{
    const struct t5g_token_rows *t = &r->h->m->head_tokens;
    t5g_low_apply(r->low, w, 0, w->rows, out, CHUNK, 0, r->n, scratch);
    for (size_t i = t5g_token_rows_from(t, (int32_t)r0);
         i < t->n && (size_t)t->ids[i] < r0 + w->rows; i++)
        r->x->k->dot(out + (size_t)t->ids[i] - r0, CHUNK, r->y, w->cols, r->n,
                     t->rows + i * w->cols, T5G_F32, 1, w->cols);
}

/* All logits of an item: stored, or only the largest found. */
static void
full_item(void *arg, size_t item, size_t worker)
{
    struct run *r = arg;
    const struct t5g_stack_config *c = &r->h->m->config.decoder;
    size_t r0 = item * CHUNK, rows = t5g_min(CHUNK, c->v - r0);
    struct t5g_mat w = t5g_mat_rows(r->h->m->head, r0, rows);
    float *out = t5g_exec_scratch(r->x, worker);
    bool any = false;
    for (size_t i = 0; i < r->n; i++) {
        r->h->found[i * r->h->items + item] = (struct found){.value = -INFINITY, .id = -1};
        any = any || needs(&r->rows[i], r0, rows);
    }
    if (!any)
        return;
    products(r, &w, out, r->y, r->n);
    if (r->h->adapted)
        adapt(r, &w, out, r0, out + t5g_head_scratch());
    for (size_t i = 0; i < r->n; i++) {
        float *y = out + i * CHUNK;
        struct found f = {.value = -INFINITY, .id = -1};
        if (!t5g_all_finite(y, rows))
            atomic_store(&r->bad[i], true);
        if (c->logit_softcap != 0)
            r->x->k->softcap(y, rows, c->logit_softcap);
        if (r->rows[i].logits != NULL) {
            memcpy(r->rows[i].logits + r0, y, rows * sizeof *y);
            continue;
        }
        for (size_t j = 0, n; j < rows; j += n) {
            n = t5g_min(LOOK, rows - j);
            if (!t5g_any_larger(y + j, n, f.value))
                continue;
            for (size_t k = j; k < j + n; k++)
                if (y[k] > f.value && counts(r, i, r0 + k))
                    f = (struct found){.value = y[k], .id = (int32_t)(r0 + k)};
        }
        r->h->found[i * r->h->items + item] = f;
    }
}

/* The lowest id of the largest logit of all items. */
static void
settle(struct run *r)
{
    for (size_t i = 0; i < r->n; i++) {
        const struct found *f = r->h->found + i * r->h->items;
        size_t best = 0;
        r->rows[i].bad |= atomic_load(&r->bad[i]);
        for (size_t k = 1; k < r->h->items; k++)
            if (f[k].value > f[best].value)
                best = k;
        if (r->rows[i].best != NULL)
            *r->rows[i].best = f[best].id < 0 && r->rows[i].allowed == NULL ? 0 : f[best].id;
    }
}

/* ---- few ids ---- */

/* Whether all rows have a short list of ids. */
static bool
all_few(const struct run *r)
{
    const struct t5g_model *m = r->h->m;
    bool few =
        !t5g_is_quantised(m->head.dtype) && m->config.decoder.logit_softcap == 0 && !r->h->adapted;
    for (size_t i = 0; i < r->n; i++)
        few = few && r->rows[i].best != NULL && r->rows[i].allowed != NULL &&
              r->rows[i].allowed->ids != NULL;
    return few;
}

/* An item is a part of every row's list. */
static void
few_item(void *arg, size_t item, size_t worker)
{
    struct run *r = arg;
    const struct t5g_mat *head = &r->h->m->head;
    (void)worker;
    for (size_t i = 0; i < r->n; i++) {
        const struct t5g_allowed *a = r->rows[i].allowed;
        size_t items = r->h->items, from = a->n * item / items, to = a->n * (item + 1) / items;
        struct found f = {.value = -INFINITY, .id = -1};
        for (size_t j = from; j < to; j++) {
            float y;
            struct t5g_mat w = t5g_mat_rows(*head, (size_t)a->ids[j], 1);
            if (!counts(r, i, (size_t)a->ids[j]))
                continue;
            r->x->k->dot(&y, 1, r->y + i * w.cols, w.cols, 1, w.p, w.dtype, 1, w.cols);
            if (!isfinite(y))
                atomic_store(&r->bad[i], true);
            if (y > f.value)
                f = (struct found){.value = y, .id = a->ids[j]};
        }
        r->h->found[i * items + item] = f;
    }
}

/* ---- screening ---- */

/* The bounds y [rows] of ids from r0 on that may not be chosen, below everything. */
static void
mask(float *y, const struct t5g_allowed *a, size_t r0, size_t rows)
{
    for (size_t j = 0; a->ids == NULL && j < rows; j += 64)
        for (uint64_t out = ~a->bits[(r0 + j) / 64]; out != 0; out &= out - 1) {
            size_t k = j + (size_t)__builtin_ctzll(out);
            if (k < rows)
                y[k] = -INFINITY;
        }
    for (size_t j = 0; a->ids != NULL && j < rows; j++)
        if (!t5g_allowed_has(a, (int32_t)(r0 + j)))
            y[j] = -INFINITY;
}

/* Bounds of all rows of an item. */
static void
screen_item(void *arg, size_t item, size_t worker)
{
    struct run *r = arg;
    const struct t5g_model *m = r->h->m;
    size_t v = m->config.decoder.v, r0 = item * CHUNK, rows = t5g_min(CHUNK, v - r0);
    struct t5g_mat w = t5g_mat_rows(m->screen, r0, rows);
    float *out = t5g_exec_scratch(r->x, worker);
    products(r, &w, out, NULL, r->n);
    float *away = out + r->n * CHUNK, *left = away + CHUNK;
    for (size_t j = 0; j < rows; j++) {
        away[j] = m->screen_norms[2 * (r0 + j)];
        left[j] = m->screen_norms[2 * (r0 + j) + 1];
    }
    for (size_t i = 0; i < r->n; i++) {
        float *upper = r->h->upper + i * v + r0, *y = out + i * CHUNK;
        struct found *f = &r->h->found[i * r->h->items + item];
        for (size_t k = 0; k < m->config.n_eos && r->rows[i].no_eos; k++)
            if ((size_t)m->config.eos[k] - r0 < rows) /* excluded: below everything */
                y[(size_t)m->config.eos[k] - r0] = -INFINITY;
        if (r->rows[i].allowed != NULL)
            mask(y, r->rows[i].allowed, r0, rows);
        f->bound = r->x->k->bounds(upper, &f->top, y, away, left, r->length[i], r->away[i], rows);
    }
}

/* The exact logits of an item's rows that may be the largest. */
static void
rest_item(void *arg, size_t item, size_t worker)
{
    struct run *r = arg;
    const struct t5g_mat *head = &r->h->m->head;
    size_t v = r->h->m->config.decoder.v, r0 = item * CHUNK, rows = t5g_min(CHUNK, v - r0);
    (void)worker;
    for (size_t i = 0; i < r->n; i++) {
        const float *upper = r->h->upper + i * v + r0;
        struct found f = {.value = -INFINITY, .id = -1};
        bool any = r->h->found[i * r->h->items + item].top >= r->bound[i];
        for (size_t j = 0; j < rows && any; j++) {
            float y;
            if (!(upper[j] >= r->bound[i]) || !counts(r, i, r0 + j))
                continue;
            struct t5g_mat w = t5g_mat_rows(*head, r0 + j, 1);
            r->x->k->dot(&y, 1, r->y + i * w.cols, w.cols, 1, w.p, w.dtype, 1, w.cols);
            if (y > f.value)
                f = (struct found){.value = y, .id = (int32_t)(r0 + j)};
        }
        r->h->found[i * r->h->items + item] = f;
    }
}

/*
 * Lengths of a row and of its quantisation error, and with them the factors of bounds. Sums of d
 * products in f32, here and in the exact product, and rotated rows err by less than a fraction
 * `rounding` of the lengths; it covers the rounding of the bounds too.
 */
static void
measure(struct run *r, size_t i)
{
    size_t d = r->h->m->screen.cols, group = r->h->m->screen.group,
           groups = (d + group - 1) / group;
    const int8_t *q = r->x->q + i * t5g_round_up(d, 64);
    double length = 0, away = 0;
    float run[T5G_ROTATE];
    for (size_t k = 0; k < d; k++) {
        if (k % T5G_ROTATE == 0)
            r->x->k->rotate(run, r->y + i * d + k, t5g_min(T5G_ROTATE, d - k));
        double y = (double)run[k % T5G_ROTATE];
        double miss = y - (double)q[k] * (double)r->x->q_scale[i * groups + k / group];
        length += y * y;
        away += miss * miss;
    }
    length = sqrt(length);
    away = sqrt(away);
    double rounding = (2.0 * (double)d + 128) * 0x1p-24 * (length + away);
    r->length[i] = (float)((length + rounding) * (1 + 1e-6));
    r->away[i] = (float)((away + rounding) * (1 + 1e-6));
}

/* False: some row needs all its logits. */
static bool
screen(struct run *r)
{
    const struct t5g_mat *w = &r->h->m->screen;
    size_t v = w->rows, d = w->cols;
    bool sound = true;
    t5g_linear_quantise(r->x, r->y, d, r->n, w);
    for (size_t i = 0; i < r->n; i++)
        measure(r, i);
    t5g_exec_run(r->x, screen_item, r, r->h->items, r->n * v * d);
    for (size_t i = 0; i < r->n; i++) {
        r->bound[i] = -INFINITY;
        for (size_t k = 0; k < r->h->items; k++)
            r->bound[i] = fmaxf(r->bound[i], r->h->found[i * r->h->items + k].bound);
        sound = sound && isfinite(r->length[i]) && isfinite(r->away[i]) && isfinite(r->bound[i]);
    }
    if (sound)
        t5g_exec_run(r->x, rest_item, r, r->h->items, r->n * v);
    return sound;
}

void
t5g_head_run(struct t5g_head *h, const struct t5g_exec *x, const float *y,
             struct t5g_head_row *rows, size_t n)
{
    const struct t5g_model *m = h->m;
    const struct t5g_stack_config *c = &m->config.decoder;
    struct t5g_linear job = {.w = m->head};
    struct t5g_low_run low;
    struct run r = {.h = h, .x = x, .y = y, .rows = rows, .n = n, .low = &low};
    bool screened = h->upper != NULL && c->logit_softcap == 0;
    for (size_t i = 0; i < n; i++) {
        rows[i].bad = false;
        screened = screened && rows[i].best != NULL;
    }
    if (all_few(&r)) {
        size_t ids = 0;
        for (size_t i = 0; i < n; i++)
            ids += rows[i].allowed->n;
        t5g_exec_run(x, few_item, &r, h->items, ids * c->d);
    } else if (!screened || !screen(&r)) {
        if (t5g_is_quantised(m->head.dtype))
            t5g_linear_quantise(x, y, c->d, n, &m->head);
        t5g_low_begin(&low, x, &job, 1, y, c->d, n, false);
        t5g_low_all(&low);
        t5g_exec_run(x, full_item, &r, h->items, n * c->v * c->d);
    }
    settle(&r);
}
