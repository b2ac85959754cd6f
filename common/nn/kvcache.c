/* kvcache.c: own keys and values of one sequence; local layers keep a ring of their window. */
#include "nn/kvcache.h"
#include "nn/decoder_impl.h"

/* Rows that a layer needs for max positions. */
static size_t
rows_for(const struct t5g_stack_config *c, size_t layer, size_t max)
{
    size_t ring = t5g_round_up(c->window + T5G_PREFILL_ROWS - 1, T5G_KEY_BLOCK);
    return c->full[layer] || max < ring ? max : ring;
}

static struct t5g_kv
kv_open(const struct t5g_stack_config *c, size_t cap)
{
    size_t row = c->hk * c->dh * sizeof(float);
    /* Not zeroed: pages that are never reached are never touched. */
    return (struct t5g_kv){
        .k = t5g_alloc_raw(cap, row), .v = t5g_alloc_raw(cap, row), .cap = cap, .dtype = T5G_F32};
}

static void
kv_free(struct t5g_kv *kv)
{
    t5g_free(kv->k);
    t5g_free(kv->v);
}

/* x [n] *= y [n] */
static void
times(float *x, const float *y, size_t n)
{
    typedef float some __attribute__((vector_size(64), aligned(4), may_alias)); /* 16 of them */
    size_t i = 0;
    for (; i + 16 <= n; i += 16)
        *(some *)(x + i) *= *(const some *)(y + i);
    for (; i < n; i++)
        x[i] *= y[i];
}

void
t5g_kv_scores(const struct t5g_kernels *k, const struct t5g_kv *kv, size_t key, size_t n, size_t dh,
              const float *q, size_t rows, float *score, size_t ld)
{
    const char *from = (const char *)kv->k + key * dh * t5g_dtype_size(kv->dtype);
    k->dot(score, ld, q, dh, rows, from, kv->dtype, n, dh);
    for (size_t i = 0; kv->k_scale != NULL && i < rows; i++)
        times(score + i * ld, kv->k_scale + key, n);
}

void
t5g_kv_queries(const struct t5g_kernels *k, const struct t5g_kv *kv, float *rotated, const float *q,
               size_t rows, size_t dh)
{
    memcpy(rotated, q, rows * dh * sizeof *q);
    for (size_t i = 0; i < rows; i++) {
        float *row = rotated + i * dh;
        if (kv->gain != NULL)
            times(row, kv->gain, dh);
        k->rotate(row, row, dh);
    }
}

void
t5g_kv_mix(const struct t5g_kernels *k, const struct t5g_kv *kv, size_t key, size_t n, size_t dh,
           float *p, size_t ldp, size_t rows, float *o)
{
    const char *from = (const char *)kv->v + key * dh * t5g_dtype_size(kv->dtype);
    for (size_t i = 0; kv->v_scale != NULL && i < rows; i++)
        times(p + i * ldp, kv->v_scale + key, n);
    k->mix(o, dh, p, ldp, rows, from, kv->dtype, dh, n, dh);
}

/* Every layer has max rows, or with windows, only as many as its window needs. */
static struct t5g_kvcache *
cache_open(const struct t5g_decoder *x, size_t max, bool windows)
{
    struct t5g_kvcache *c = t5g_alloc(1, sizeof *c);
    c->c = t5g_decoder_config(x);
    c->max = t5g_max(max, 1);
    c->kv = t5g_alloc(c->c->layers, sizeof *c->kv);
    for (size_t l = 0; l < c->c->layers; l++)
        c->kv[l] = kv_open(c->c, windows ? rows_for(c->c, l, c->max) : c->max);
    return c;
}

struct t5g_kvcache *
t5g_kvcache_open(const struct t5g_decoder *x, size_t max)
{
    return cache_open(x, max, true);
}

struct t5g_kvcache *
t5g_kvcache_open_rows(const struct t5g_decoder *x, size_t n)
{
    return cache_open(x, n, false);
}

void
t5g_kvcache_move(struct t5g_kvcache *c, size_t to, size_t from)
{
    size_t dh = c->c->dh;
    for (size_t l = 0; l < c->c->layers; l++)
        for (size_t h = 0; h < c->c->hk; h++) {
            const struct t5g_kv *kv = &c->kv[l];
            size_t a = (h * kv->cap + to) * dh, b = (h * kv->cap + from) * dh;
            memcpy((float *)kv->k + a, (float *)kv->k + b, dh * sizeof(float));
            memcpy((float *)kv->v + a, (float *)kv->v + b, dh * sizeof(float));
        }
}

void
t5g_kvcache_grow(struct t5g_kvcache *c, size_t max)
{
    if (max <= c->max)
        return;
    size_t dh = c->c->dh;
    for (size_t l = 0; l < c->c->layers; l++) {
        struct t5g_kv *old = &c->kv[l], kv;
        size_t cap = rows_for(c->c, l, max);
        if (cap == old->cap)
            continue;
        /* A layer whose number of rows still changes has not wrapped around yet: rows are
         * positions. */
        kv = kv_open(c->c, cap);
        for (size_t h = 0; h < c->c->hk; h++) {
            size_t to = h * cap * dh, from = h * old->cap * dh, n = c->pos * dh * sizeof(float);
            memcpy((float *)kv.k + to, (float *)old->k + from, n);
            memcpy((float *)kv.v + to, (float *)old->v + from, n);
        }
        kv_free(old);
        *old = kv;
    }
    c->max = max;
}

void
t5g_kvcache_copy(struct t5g_kvcache *to, const struct t5g_kvcache *from)
{
    size_t row = from->c->dh * sizeof(float);
    to->pos = 0;
    t5g_kvcache_grow(to, from->max);
    for (size_t l = 0; l < from->c->layers; l++) {
        const struct t5g_kv *a = &from->kv[l];
        struct t5g_kv *b = &to->kv[l];
        size_t rows = t5g_min(from->pos, a->cap);
        for (size_t h = 0; h < from->c->hk; h++) {
            memcpy((char *)b->k + h * b->cap * row, (const char *)a->k + h * a->cap * row,
                   rows * row);
            memcpy((char *)b->v + h * b->cap * row, (const char *)a->v + h * a->cap * row,
                   rows * row);
        }
    }
    to->pos = from->pos;
}

void
t5g_kvcache_reset(struct t5g_kvcache *c)
{
    c->pos = 0;
}

void
t5g_kvcache_drop(struct t5g_kvcache *c, size_t n)
{
    c->pos -= n; /* rings hold one step more than their window, so that nothing older was lost */
}

void
t5g_kvcache_free(struct t5g_kvcache *c)
{
    if (c == NULL)
        return;
    for (size_t l = 0; l < c->c->layers; l++)
        kv_free(&c->kv[l]);
    t5g_free(c->kv);
    t5g_free(c);
}

size_t
t5g_kvcache_pos(const struct t5g_kvcache *c)
{
    return c->pos;
}

size_t
t5g_kvcache_max(const struct t5g_kvcache *c)
{
    return c->max;
}
