/*
 * attention.c: attention in tiles; no buffer grows with n^2.
 *
 *   q, k       per head: RMSNorm over dh, then rotation (encoder; not in the vision tower)
 *   s[i, j]    = scale * q_i . k_j, soft-capped if there is a cap; j visible from i
 *   out[i]     = sum_j softmax_j(s[i, j]) v_j
 *
 * With window w, row i sees keys i - (w + 1) / 2 + 1 to i + w / 2 (one more ahead than behind if w
 * is even); without, all keys.
 *
 * The g = h / hk query heads that share a key head are rows of one product: an item is ROWS / g
 * positions of one key head, as a matrix q [rows, dh]. Keys come in tiles of TILE at fixed places;
 * tiles outside the window are skipped. For each tile: s = q k^T, one step of an online softmax,
 * o += s v. Keys and values are in panels, as the product kernel needs them. With
 * products in bf16, q, k, the exponentials and v are rounded in front of them; with quantised
 * weights they are quantised, as rotated rows of dh, or of the keys of a tile.
 */
#include "nn/attention.h"

#include <math.h>
#include <string.h>

enum {
    ROWS = 60,           /* a multiple of 6 and of 10: whole tiles in the product kernels */
    TILE = T5G_KEY_TILE, /* s [60, 128] is 30 KB: fits the second-level cache, nearly the first */
};

struct run {
    const struct t5g_exec *x;
    const struct t5g_attention *a;
    float *q;
    size_t ldq, r0, m;
};

static size_t
panels(size_t n)
{
    return (n + T5G_PANEL - 1) / T5G_PANEL;
}

/* Floats of a key in a panel: there is room for it in bf16, filled up, too. */
static size_t
key_size(size_t dh)
{
    return t5g_max(dh, T5G_BF16_STEP / 2);
}

size_t
t5g_attention_keys_size(size_t hk, size_t dh, size_t n)
{
    return hk * panels(n) * key_size(dh) * T5G_PANEL;
}

size_t
t5g_attention_values_size(size_t hk, size_t dh, size_t n)
{
    return hk * panels(dh) * n * T5G_PANEL;
}

size_t
t5g_attention_reach(size_t window, size_t n)
{
    return window == 0 ? n : t5g_min(n, window);
}

float
t5g_attention_softmax(const struct t5g_kernels *k, float *s, size_t n, size_t lo, size_t hi,
                      float scale, float softcap, float *max, float *sum)
{
    if (softcap == 0)
        return k->softmax(s, n, lo, hi, scale, max, sum);
    k->scale(s, n, scale);
    k->softcap(s, n, softcap);
    return k->softmax(s, n, lo, hi, 1, max, sum);
}

/* Positions of an item. */
static size_t
positions(size_t g)
{
    return t5g_max(ROWS / g, 1);
}

size_t
t5g_attention_scratch(size_t h, size_t hk, size_t dh)
{
    size_t rows = positions(h / hk) * (h / hk);
    size_t in_bf16 = rows * (t5g_round_up(dh, T5G_BF16_STEP) + TILE);
    /* In 8 bits: q with scales and sums, and s with a scale and a sum, for each row. */
    size_t in_q8 = rows * ((t5g_round_up(dh, 32) + TILE) / 4 + 2 * ((dh + TILE - 1) / TILE + 1));
    return rows * (dh + TILE + panels(dh) * T5G_PANEL + 2) + t5g_max((in_bf16 + 1) / 2, in_q8);
}

/* One head of a query or key at position pos: its norm and rotation, if any. */
static void
finish_head(const struct t5g_kernels *k, const struct t5g_attention *a, float *y, const float *x,
            const float *norm, size_t pos)
{
    size_t half = a->dh / 2;
    if (norm != NULL)
        k->rms(y, x, norm, a->dh, a->eps);
    else if (y != x)
        memcpy(y, x, a->dh * sizeof *y);
    if (a->cos != NULL)
        k->rope(y, a->cos + pos * half, a->sin + pos * half, half);
}

/* Panel i of keys in bf16. */
static uint16_t *
keys16(const struct t5g_attention *a, size_t i)
{
    return (uint16_t *)(a->keys + i * key_size(a->dh) * T5G_PANEL);
}

/* 16 rows in bf16, from row r on: a panel of keys, and a piece of each panel of values. */
static void
set_bf16(const struct t5g_kernels *k, const struct t5g_attention *a, size_t kv, size_t r,
         const float *row, size_t ldk, size_t rows)
{
    k->bf16_panel(keys16(a, kv * panels(a->n) + r / T5G_PANEL), row, ldk, T5G_F32, rows, a->dh);
    for (size_t i = kv * panels(a->dh); i < (kv + 1) * panels(a->dh); i++)
        k->bf16_repanel(a->values16 + (i * panels(a->n) * T5G_PANEL + r) * T5G_PANEL,
                        a->values + (i * a->ldv + r) * T5G_PANEL, rows);
}

/* One panel of 16 keys in every head. */
static void
keys_item(void *arg, size_t item, size_t worker)
{
    const struct run *r = arg;
    const struct t5g_attention *a = r->a;
    const struct t5g_kernels *k = r->x->k;
    (void)worker;
    size_t i0 = item * T5G_PANEL, rows = t5g_min(T5G_PANEL, r->m - i0);
    for (size_t kv = 0; kv < a->hk; kv++) {
        float *row = r->q + i0 * r->ldq + kv * a->dh;
        for (size_t i = 0; i < rows; i++)
            finish_head(k, a, row + i * r->ldq, row + i * r->ldq, a->k_norm, r->r0 + i0 + i);
        if (a->q8.k != NULL) {
            t5g_qkv_set_keys(k, &a->q8, a->dh, a->n, kv, r->r0 + i0, row, r->ldq, rows);
            continue;
        }
        if (a->values16 != NULL) {
            set_bf16(k, a, kv, r->r0 + i0, row, r->ldq, rows);
            continue;
        }
        size_t panel = kv * panels(a->n) + r->r0 / T5G_PANEL + item;
        k->to_panel(a->keys + panel * key_size(a->dh) * T5G_PANEL, row, r->ldq, T5G_F32, rows,
                    a->dh);
    }
}

/* The values of one tile of keys in one head, in 8 bits. */
static void
values_item(void *arg, size_t item, size_t worker)
{
    const struct run *r = arg;
    const struct t5g_attention *a = r->a;
    size_t kv = item % a->hk, j = r->r0 + item / a->hk * TILE;
    (void)worker;
    t5g_qkv_set_values(r->x->k, &a->q8, a->dh, a->n, kv, j,
                       a->values + (kv * panels(a->dh) * a->ldv + j) * T5G_PANEL,
                       a->ldv * T5G_PANEL);
}

void
t5g_attention_set_keys(const struct t5g_exec *x, const struct t5g_attention *a, float *k,
                       size_t ldk, size_t r0, size_t m)
{
    struct run r = {x, a, k, ldk, r0, m};
    t5g_exec_run(x, keys_item, &r, panels(m), 8 * m * a->hk * a->dh);
    if (a->q8.k != NULL)
        t5g_exec_run(x, values_item, &r, (m + TILE - 1) / TILE * a->hk, 8 * m * a->hk * a->dh);
}

/* Rows in 8 bits, and what a product reads of them. */
struct acts {
    int8_t *q;
    float *scale;
    int32_t *sum;
    struct t5g_qacts of;
};

/* One item at work: rows = positions x g, in the worker's scratch. */
struct tile {
    size_t kv, i0, n, g, ldo; /* key head; first position; positions; heads; stride of o */
    float *q;                 /* [rows, dh] */
    float *s;                 /* [rows, TILE] */
    float *o;                 /* [rows, ldo] */
    float *max, *sum;         /* [rows] */
    uint16_t *q16, *s16;      /* q [rows, ldq16] and s [rows, TILE] in bf16 */
    size_t ldq16;
    struct acts q8, s8; /* q and s in 8 bits */
};

/* Row i of a becomes x [n] in 8 bits. */
static void
quantise_row(const struct t5g_kernels *k, const struct acts *a, size_t i, const float *x, size_t n)
{
    size_t groups = a->of.groups;
    k->quantize(a->q + i * a->of.ldq, a->scale + i * groups, a->sum + i * groups, x, n, TILE, TILE);
}

/* Room for rows of n columns in 8 bits from *at on, which moves behind it. */
static struct acts
acts_at(float **at, size_t rows, size_t n)
{
    size_t groups = (n + TILE - 1) / TILE;
    struct acts a = {.scale = *at,
                     .sum = (int32_t *)(void *)(*at + rows * groups),
                     .q = (int8_t *)(void *)(*at + 2 * rows * groups)};
    a.of = (struct t5g_qacts){a.q, t5g_round_up(n, 32), a.scale, a.sum, TILE, groups, TILE, groups};
    *at += 2 * rows * groups + rows * a.of.ldq / 4;
    return a;
}

/* Visible keys [lo, hi) of position i. */
static void
interval(const struct t5g_attention *a, size_t i, size_t *lo, size_t *hi)
{
    size_t back = (a->window + 1) / 2, ahead = a->window / 2;
    *lo = a->window == 0 || i + 1 < back ? 0 : i + 1 - back;
    *hi = a->window == 0 ? a->n : t5g_min(a->n, i + ahead + 1);
}

static void
tile_open(struct tile *t, const struct run *r, size_t item, size_t worker)
{
    const struct t5g_attention *a = r->a;
    t->g = a->h / a->hk;
    size_t per = positions(t->g);
    t->kv = item % a->hk;
    t->i0 = r->r0 + item / a->hk * per;
    t->n = t5g_min(per, r->r0 + r->m - t->i0);
    t->ldo = panels(a->dh) * T5G_PANEL;
    t->q = t5g_exec_scratch(r->x, worker);
    t->s = t->q + per * t->g * a->dh;
    t->o = t->s + per * t->g * TILE;
    t->max = t->o + per * t->g * t->ldo;
    t->sum = t->max + per * t->g;
    t->ldq16 = t5g_round_up(a->dh, T5G_BF16_STEP);
    t->q16 = (uint16_t *)(t->sum + per * t->g);
    t->s16 = t->q16 + per * t->g * t->ldq16;
    float *at = t->sum + per * t->g; /* the same place: there is one or the other */
    t->q8 = acts_at(&at, per * t->g, a->dh);
    t->s8 = acts_at(&at, per * t->g, TILE);
    for (size_t i = 0; i < t->n * t->g; i++) {
        size_t pos = t->i0 + i / t->g, head = t->kv * t->g + i % t->g;
        finish_head(r->x->k, a, t->q + i * a->dh, r->q + (pos - r->r0) * r->ldq + head * a->dh,
                    a->q_norm, pos);
        if (a->values16 != NULL)
            r->x->k->bf16_round(t->q16 + i * t->ldq16, t->q + i * a->dh, a->dh);
        if (a->q8.k != NULL)
            quantise_row(r->x->k, &t->q8, i, t->q + i * a->dh, a->dh);
        t->max[i] = -INFINITY;
        t->sum[i] = 0;
    }
    memset(t->o, 0, t->n * t->g * t->ldo * sizeof *t->o);
}

/* s = q k^T for the n keys from j0 on; columns up to a whole panel are written. */
static void
tile_scores(const struct tile *t, const struct run *r, size_t j0, size_t n)
{
    const struct t5g_attention *a = r->a;
    const struct t5g_kernels *k = r->x->k;
    size_t dh = a->dh, rows = t->n * t->g, cols = panels(n) * T5G_PANEL;
    size_t panel = t->kv * panels(a->n) + j0 / T5G_PANEL, next = key_size(dh) * T5G_PANEL;
    if (a->q8.k != NULL) {
        struct t5g_qpanel keys = t5g_qkv_keys(&a->q8, dh, a->n, t->kv, j0);
        k->qgemm(t->s, TILE, &t->q8.of, &keys, rows, cols, false);
    } else if (a->values16 != NULL) {
        k->bf16_gemm(t->s, TILE, t->q16, t->ldq16, keys16(a, panel), 2 * next, rows, dh, cols,
                     false);
    } else {
        k->gemm(t->s, TILE, t->q, dh, a->keys + panel * next, next, rows, dh, cols, false);
    }
}

/* o += s v, of the same keys; s in the form that this product takes. */
static void
tile_values(const struct tile *t, const struct run *r, size_t j0, size_t n)
{
    const struct t5g_attention *a = r->a;
    const struct t5g_kernels *k = r->x->k;
    size_t dh = a->dh, rows = t->n * t->g, values = t->kv * panels(dh);
    if (a->q8.k != NULL) {
        struct t5g_qpanel v = t5g_qkv_values(&a->q8, dh, a->n, t->kv, j0);
        k->qgemm(t->o, t->ldo, &t->s8.of, &v, rows, t->ldo, true);
    } else if (a->values16 != NULL) {
        k->bf16_gemm(t->o, t->ldo, t->s16, TILE,
                     a->values16 + (values * panels(a->n) * T5G_PANEL + j0) * T5G_PANEL,
                     panels(a->n) * T5G_PANEL * T5G_PANEL, rows, n, t->ldo, true);
    } else {
        k->gemm(t->o, t->ldo, t->s, TILE, a->values + (values * a->ldv + j0) * T5G_PANEL,
                a->ldv * T5G_PANEL, rows, n, t->ldo, true);
    }
}

/* Keys j0..j0+TILE, or up to the last. */
static void
tile_step(const struct tile *t, const struct run *r, size_t j0)
{
    const struct t5g_attention *a = r->a;
    const struct t5g_kernels *k = r->x->k;
    size_t n = t5g_min(TILE, a->n - j0);
    tile_scores(t, r, j0, n);
    for (size_t i = 0; i < t->n * t->g; i++) {
        size_t lo, hi;
        interval(a, t->i0 + i / t->g, &lo, &hi);
        lo = lo > j0 ? t5g_min(lo - j0, n) : 0;
        hi = hi > j0 ? t5g_min(hi - j0, n) : 0;
        float f = t5g_attention_softmax(k, t->s + i * TILE, n, lo, hi, a->scale, a->softcap,
                                        &t->max[i], &t->sum[i]);
        if (f != 1)
            k->scale(t->o + i * t->ldo, t->ldo, f);
        if (a->q8.k != NULL)
            quantise_row(k, &t->s8, i, t->s + i * TILE, n);
        else if (a->values16 != NULL)
            k->bf16_round(t->s16 + i * TILE, t->s + i * TILE, n);
    }
    tile_values(t, r, j0, n);
}

static void
attend_item(void *arg, size_t item, size_t worker)
{
    const struct run *r = arg;
    size_t dh = r->a->dh, lo, hi, unused;
    struct tile t;
    tile_open(&t, r, item, worker);
    interval(r->a, t.i0, &lo, &unused);
    interval(r->a, t.i0 + t.n - 1, &unused, &hi);
    for (size_t j = lo / TILE * TILE; j < hi; j += TILE)
        tile_step(&t, r, j);
    for (size_t i = 0; i < t.n * t.g; i++) {
        size_t pos = t.i0 + i / t.g - r->r0, head = t.kv * t.g + i % t.g;
        r->x->k->scale(t.o + i * t.ldo, dh, 1 / t.sum[i]);
        memcpy(r->q + pos * r->ldq + head * dh, t.o + i * t.ldo, dh * sizeof *t.o);
    }
}

void
t5g_attention_run(const struct t5g_exec *x, const struct t5g_attention *a, float *q, size_t ldq,
                  size_t r0, size_t m)
{
    struct run r = {x, a, q, ldq, r0, m};
    size_t per = positions(a->h / a->hk);
    size_t reach = t5g_attention_reach(a->window, a->n);
    t5g_exec_run(x, attend_item, &r, (m + per - 1) / per * a->hk, 2 * m * reach * a->h * a->dh);
}
