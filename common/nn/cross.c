/*
 * cross.c: keys and values of the encoder output, for every layer of the decoder.
 *
 *   k = rms(enc wk^T, k_norm)    per head; no rotation, and no norm before the projection
 *   v = enc wv^T                 [hk, n, dh] each
 *
 * with the layer's own wk, wv, k_norm (those of its separate cross-attention, if any). Panel
 * kernels, as for everything that runs over a document.
 */
#include "nn/norm.h"
#include "nn/q8row.h"
#include "nn/decoder_impl.h"

#include <math.h>
#include <string.h>

enum { ROWS = 32 }; /* of an item */

static const struct t5g_attention_weights *
weights_of(const struct t5g_decoder *x, const struct t5g_layer *layer)
{
    bool separate = x->m->config.decoder.block.cross == T5G_CROSS_SEPARATE;
    return separate ? &layer->cross : &layer->self;
}

/*
 * gain [dh] of keys in bytes. Rotated, every element errs alike, by the length of the row; so a
 * score errs by |q gain| |k / gain|, which is smallest where gain^2 = |k_j| / |q_j|. Their norms'
 * gains say how large the elements are; RoPE mixes those of a query's halves. NULL without norms.
 */
static float *
key_gain(const struct t5g_attention_weights *w, size_t dh)
{
    if (w->q_norm == NULL || w->k_norm == NULL)
        return NULL;
    float *gain = t5g_alloc_raw(dh, sizeof *gain);
    for (size_t j = 0; j < dh; j++) {
        float a = w->q_norm[j], b = w->q_norm[(j + dh / 2) % dh];
        float ratio = fabsf(w->k_norm[j]) / sqrtf((a * a + b * b) / 2);
        gain[j] = ratio > 0x1p-8f && ratio < 0x1p8f ? sqrtf(ratio) : 1;
    }
    return gain;
}

/* ---- one block of rows: of one document, or of several short ones ---- */

struct block {
    struct t5g_decoder *x;
    struct t5g_cross *of[T5G_ROW_BLOCK]; /* of each row, its document */
    size_t at[T5G_ROW_BLOCK];            /* and its number there */
    const float *rows;                   /* [m, d] */
    size_t m, layer;
    float *k, *v; /* [hk, m, dh] of the layer */
};

/* x [dh], which may change, becomes row i of to, and of scale, of dtype. */
static void
put_row(const struct t5g_kernels *k, void *to, float *scale, size_t i, int dtype, float *x,
        size_t dh)
{
    if (dtype == T5G_F32) {
        memcpy((float *)to + i * dh, x, dh * sizeof *x);
    } else if (dtype == T5G_BF16) {
        t5g_narrow((uint16_t *)to + i * dh, T5G_BF16, x, T5G_F32, dh);
    } else {
        t5g_q8_row(k, (int8_t *)to + i * dh, &scale[i], x, dh);
    }
}

/* x [n] /= y [n] */
static void
divide(float *x, const float *y, size_t n)
{
    typedef float some __attribute__((vector_size(64), aligned(4), may_alias)); /* 16 of them */
    size_t i = 0;
    for (; i + 16 <= n; i += 16)
        *(some *)(x + i) /= *(const some *)(y + i);
    for (; i < n; i++)
        x[i] /= y[i];
}

/* ROWS rows of one head. */
static void
put_item(void *arg, size_t item, size_t worker)
{
    const struct block *b = arg;
    const struct t5g_stack_config *c = &b->x->m->config.decoder;
    size_t h = item % c->hk, i0 = item / c->hk * ROWS, end = t5g_min(i0 + ROWS, b->m);
    const struct t5g_kernels *k = b->x->x.k;
    (void)worker;
    for (size_t i = i0; i < end; i++) {
        struct t5g_kv *kv = &b->of[i]->kv[b->layer];
        size_t to = h * kv->cap + b->at[i], from = (h * b->m + i) * c->dh;
        if (kv->gain != NULL)
            divide(b->k + from, kv->gain, c->dh);
        put_row(k, kv->k, kv->k_scale, to, kv->dtype, b->k + from, c->dh);
        put_row(k, kv->v, kv->v_scale, to, kv->dtype, b->v + from, c->dh);
    }
}

/* Keys and values of a layer; again: the layer before was of the same kind of matrices. */
static void
project(struct block *b, bool again)
{
    struct t5g_decoder *x = b->x;
    const struct t5g_stack_config *c = &x->m->config.decoder;
    const struct t5g_attention_weights *w = weights_of(x, &x->m->decoder.layers[b->layer]);
    for (size_t h = 0; h < c->hk; h++) {
        size_t to = h * b->m * c->dh, head = h * c->dh;
        struct t5g_affine wk = t5g_affine_rows(&w->k, head, c->dh);
        struct t5g_affine wv = t5g_affine_rows(&w->v, head, c->dh);
        x->jobs[2 * h] = t5g_linear_of(&wk, b->k + to, c->dh);
        x->jobs[2 * h + 1] = t5g_linear_of(&wv, b->v + to, c->dh);
    }
    (again ? t5g_linear_panels_again : t5g_linear_panels)(&x->x, x->jobs, 2 * c->hk, b->rows, c->d,
                                                          b->m);
    if (w->k_norm != NULL)
        t5g_norm_rows(&x->x, b->k, c->dh, b->k, c->dh, w->k_norm, c->hk * b->m, c->dh, c->eps);
    t5g_exec_run(&x->x, put_item, b, (b->m + ROWS - 1) / ROWS * c->hk, 8 * c->hk * b->m * c->dh);
}

static bool
same_kind(const struct t5g_affine *a, const struct t5g_affine *b)
{
    return a->w.dtype == b->w.dtype && a->w.group == b->w.group;
}

static void
project_all(struct block *b)
{
    const struct t5g_layer *layers = b->x->m->decoder.layers;
    bool again = false;
    for (b->layer = 0; b->layer < b->x->m->config.decoder.layers; b->layer++) {
        const struct t5g_attention_weights *w = weights_of(b->x, &layers[b->layer]), *before;
        if (b->layer > 0) {
            before = weights_of(b->x, &layers[b->layer - 1]);
            again = same_kind(&w->k, &before->k) && same_kind(&w->k, &before->v) &&
                    same_kind(&w->k, &w->v);
        }
        project(b, again);
    }
}

/* ---- documents ---- */

int
t5g_cross_dtype(const struct t5g_model *m)
{
    return m->quantised ? T5G_I8 : T5G_F32;
}

/* Room for the keys and values of n rows. */
static struct t5g_cross *
cross_open(const struct t5g_decoder *x, size_t n, int dtype)
{
    const struct t5g_stack_config *c = &x->m->config.decoder;
    struct t5g_cross *cross = t5g_alloc(1, sizeof *cross);
    size_t rows = c->hk * n, row = c->dh * t5g_dtype_size(dtype);
    cross->n = n;
    cross->layers = c->layers;
    cross->kv = t5g_alloc(c->layers, sizeof *cross->kv);
    for (size_t l = 0; l < c->layers; l++) {
        struct t5g_kv *kv = &cross->kv[l];
        *kv = (struct t5g_kv){
            .k = t5g_alloc_raw(rows, row), .v = t5g_alloc_raw(rows, row), .cap = n, .dtype = dtype};
        if (dtype == T5G_I8) {
            kv->k_scale = t5g_alloc_raw(rows, sizeof *kv->k_scale);
            kv->v_scale = t5g_alloc_raw(rows, sizeof *kv->v_scale);
            kv->gain = key_gain(weights_of(x, &x->m->decoder.layers[l]), c->dh);
        }
    }
    return cross;
}

/* Documents [n] that fit a block together, their rows copied to `together`. */
static void
build_short(struct block *b, const struct t5g_rows *docs, size_t n, struct t5g_cross **cross,
            float *together)
{
    size_t d = b->x->m->config.decoder.d;
    b->m = 0;
    b->rows = n > 1 ? together : docs[0].rows;
    for (size_t i = 0; i < n; i++) {
        if (n > 1 && docs[i].n > 0)
            memcpy(together + b->m * d, docs[i].rows, docs[i].n * d * sizeof *together);
        for (size_t r = 0; r < docs[i].n; r++, b->m++) {
            b->of[b->m] = cross[i];
            b->at[b->m] = r;
        }
    }
    if (b->m > 0)
        project_all(b);
}

/* A document, block by block. */
static void
build_long(struct block *b, const struct t5g_rows *doc, struct t5g_cross *cross)
{
    size_t d = b->x->m->config.decoder.d;
    for (size_t r0 = 0; r0 < doc->n; r0 += T5G_ROW_BLOCK) {
        b->rows = doc->rows + r0 * d;
        b->m = t5g_min(T5G_ROW_BLOCK, doc->n - r0);
        for (size_t r = 0; r < b->m; r++) {
            b->of[r] = cross;
            b->at[r] = r0 + r;
        }
        project_all(b);
    }
}

void
t5g_cross_build_many(struct t5g_decoder *x, const struct t5g_rows *docs, size_t n, int dtype,
                     struct t5g_cross **cross)
{
    const struct t5g_stack_config *c = &x->m->config.decoder;
    struct block *b = t5g_alloc(1, sizeof *b);
    size_t most = 0;
    for (size_t i = 0; i < n; i++) {
        cross[i] = cross_open(x, docs[i].n, dtype);
        most = t5g_min(most + docs[i].n, T5G_ROW_BLOCK);
    }
    b->x = x;
    b->k = t5g_alloc_raw(c->hk * most, c->dh * sizeof *b->k);
    b->v = t5g_alloc_raw(c->hk * most, c->dh * sizeof *b->v);
    float *together = n > 1 ? t5g_alloc_raw(most, c->d * sizeof *together) : NULL;
    for (size_t i = 0, k; i < n; i += k) {
        size_t rows = docs[i].n;
        for (k = 1; i + k < n && rows + docs[i + k].n <= T5G_ROW_BLOCK; k++)
            rows += docs[i + k].n;
        if (rows <= T5G_ROW_BLOCK)
            build_short(b, docs + i, k, cross + i, together);
        else
            build_long(b, docs + i, cross[i]);
    }
    t5g_free(together);
    t5g_free(b->k);
    t5g_free(b->v);
    t5g_free(b);
}

struct t5g_cross *
t5g_cross_build(struct t5g_decoder *x, const float *enc, size_t n, int dtype)
{
    struct t5g_rows doc = {enc, n};
    struct t5g_cross *cross;
    t5g_cross_build_many(x, &doc, 1, dtype, &cross);
    return cross;
}

size_t
t5g_cross_rows(const struct t5g_cross *c)
{
    return c->n;
}

void
t5g_cross_free(struct t5g_cross *c)
{
    if (c == NULL)
        return;
    for (size_t l = 0; l < c->layers; l++) {
        t5g_free(c->kv[l].k);
        t5g_free(c->kv[l].v);
        t5g_free(c->kv[l].k_scale);
        t5g_free(c->kv[l].v_scale);
        t5g_free(c->kv[l].gain);
    }
    t5g_free(c->kv);
    t5g_free(c);
}
