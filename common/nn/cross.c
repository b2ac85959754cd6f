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

enum { ROWS = 64 }; /* of an item */

struct narrow {
    const struct t5g_kernels *k;
    float *from;       /* [rows, dh], overwritten */
    void *to;          /* [rows, dh] of dtype */
    float *scale;      /* [rows] with T5G_I8 */
    const float *gain; /* [dh] that rows are divided by, or NULL */
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
        float *x = r->from + i * r->dh;
        if (r->dtype == T5G_BF16) {
            uint16_t *y = (uint16_t *)r->to + i * r->dh;
            for (size_t j = 0; j < r->dh; j++)
                y[j] = t5g_f32_to_bf16(x[j]);
            continue;
        }
        for (size_t j = 0; r->gain != NULL && j < r->dh; j++)
            x[j] /= r->gain[j];
        t5g_q8_row(r->k, (int8_t *)r->to + i * r->dh, &r->scale[i], x, r->dh);
    }
}

/* rows of f32 as dtype, in new memory; from is freed. */
static void *
narrowed(const struct t5g_exec *x, float *from, int dtype, float **scale, const float *gain,
         size_t rows, size_t dh)
{
    struct narrow r = {x->k, from, NULL, NULL, gain, dtype, rows, dh};
    r.to = t5g_alloc_raw(rows * dh, t5g_dtype_size(dtype));
    if (dtype == T5G_I8)
        r.scale = *scale = t5g_alloc_raw(rows, sizeof **scale);
    t5g_exec_run(x, narrow_item, &r, (rows + ROWS - 1) / ROWS, 4 * rows * dh);
    t5g_free(from);
    return r.to;
}

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

/* Keys and values of one layer as f32. */
static void
project(struct t5g_decoder *x, const struct t5g_layer *layer, struct t5g_kv *kv, const float *enc,
        size_t n)
{
    const struct t5g_stack_config *c = &x->m->config.decoder;
    const struct t5g_attention_weights *w = weights_of(x, layer);
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
        if (dtype == T5G_I8)
            kv->gain = key_gain(weights_of(x, &x->m->decoder.layers[l]), c->dh);
        kv->k = narrowed(&x->x, kv->k, dtype, &kv->k_scale, kv->gain, rows, c->dh);
        kv->v = narrowed(&x->x, kv->v, dtype, &kv->v_scale, NULL, rows, c->dh);
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
        t5g_free(c->kv[l].gain);
    }
    t5g_free(c->kv);
    t5g_free(c);
}
