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
#include "nn/decoder_impl.h"

#include <math.h>

enum { ROWS = 64 }; /* of an item */

struct narrow {
    const float *from; /* [rows, dh] */
    void *to;          /* [rows, dh] of dtype */
    float *scale;      /* [rows] with T5G_I8 */
    int dtype;
    size_t rows, dh;
};

static void
narrow_item(void *arg, size_t item, size_t worker)
{
    const struct narrow *r = arg;
    size_t end = t5g_min((item + 1) * ROWS, r->rows);
    (void)worker;
    for (size_t i = item * ROWS; i < end; i++) {
        const float *x = r->from + i * r->dh;
        if (r->dtype == T5G_BF16) {
            uint16_t *y = (uint16_t *)r->to + i * r->dh;
            for (size_t j = 0; j < r->dh; j++)
                y[j] = t5g_f32_to_bf16(x[j]);
            continue;
        }
        float max = 0;
        for (size_t j = 0; j < r->dh; j++)
            max = fmaxf(max, fabsf(x[j]));
        float f = max > 1e-30f && isfinite(max) ? 127 / max : 0;
        int8_t *y = (int8_t *)r->to + i * r->dh;
        for (size_t j = 0; j < r->dh; j++)
            y[j] = isfinite(x[j]) ? (int8_t)rintf(x[j] * f) : 0;
        /* A value that is not finite must show in the logits. */
        bool finite = isfinite(max);
        for (size_t j = 0; j < r->dh; j++)
            finite = finite && isfinite(x[j]);
        r->scale[i] = finite ? max / 127 : NAN;
    }
}

/* rows of f32 as dtype, in new memory; from is freed. */
static void *
narrowed(const struct t5g_exec *x, float *from, int dtype, float **scale, size_t rows, size_t dh)
{
    struct narrow r = {from, NULL, NULL, dtype, rows, dh};
    r.to = t5g_alloc_raw(rows * dh, t5g_dtype_size(dtype));
    if (dtype == T5G_I8)
        r.scale = *scale = t5g_alloc_raw(rows, sizeof **scale);
    t5g_exec_run(x, narrow_item, &r, (rows + ROWS - 1) / ROWS, 4 * rows * dh);
    t5g_free(from);
    return r.to;
}

/* Keys and values of one layer as f32. */
static void
project(struct t5g_decoder *x, const struct t5g_layer *layer, struct t5g_kv *kv, const float *enc,
        size_t n)
{
    const struct t5g_stack_config *c = &x->m->config.decoder;
    const struct t5g_attention_weights *w =
        c->block.cross == T5G_CROSS_SEPARATE ? &layer->cross : &layer->self;
    for (size_t r = 0; r < n; r += T5G_ROW_BLOCK) {
        for (size_t h = 0; h < c->hk; h++) {
            size_t to = (h * n + r) * c->dh, head = h * c->dh;
            struct t5g_affine wk = t5g_affine_rows(&w->k, head, c->dh);
            struct t5g_affine wv = t5g_affine_rows(&w->v, head, c->dh);
            x->jobs[2 * h] = t5g_linear_of(&wk, (float *)kv->k + to, c->dh);
            x->jobs[2 * h + 1] = t5g_linear_of(&wv, (float *)kv->v + to, c->dh);
        }
        t5g_linear_panels(&x->x, x->jobs, 2 * c->hk, enc + r * c->d, c->d,
                          t5g_min(T5G_ROW_BLOCK, n - r));
    }
    if (w->k_norm != NULL)
        t5g_norm_rows(&x->x, kv->k, c->dh, kv->k, c->dh, w->k_norm, c->hk * n, c->dh, c->eps);
}

int
t5g_cross_dtype(const struct t5g_model *m)
{
    return m->quantised ? T5G_I8 : T5G_F32;
}

struct t5g_cross *
t5g_cross_build(struct t5g_decoder *x, const float *enc, size_t n, int dtype)
{
    const struct t5g_stack_config *c = &x->m->config.decoder;
    struct t5g_cross *cross = t5g_alloc(1, sizeof *cross);
    size_t rows = c->hk * n;
    cross->n = n;
    cross->layers = c->layers;
    cross->kv = t5g_alloc(c->layers, sizeof *cross->kv);
    for (size_t l = 0; l < c->layers; l++) {
        struct t5g_kv *kv = &cross->kv[l];
        *kv = (struct t5g_kv){.k = t5g_alloc_raw(rows, c->dh * sizeof(float)),
                              .v = t5g_alloc_raw(rows, c->dh * sizeof(float)),
                              .cap = n,
                              .dtype = dtype};
        project(x, &x->m->decoder.layers[l], kv, enc, n);
        if (dtype == T5G_F32)
            continue;
        kv->k = narrowed(&x->x, kv->k, dtype, &kv->k_scale, rows, c->dh);
        kv->v = narrowed(&x->x, kv->v, dtype, &kv->v_scale, rows, c->dh);
    }
    return cross;
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
    }
    t5g_free(c->kv);
    t5g_free(c);
}
