/*
 * cross.c: keys and values of the encoder output, for every layer of the decoder.
 *
 *   k = rms(enc wk^T, k_norm)    per head; no rotation, and no norm before the projection
 *   v = enc wv^T                 [hk, n, dh] each
 *
 * with the layer's own wk, wv, k_norm. Panel kernels, as everything that runs over a document.
 */
#include "nn/stack.h"
#include "nn/norm.h"

struct t5g_cross *
t5g_cross_build(struct t5g_decoder *x, const float *enc, size_t n)
{
    const struct t5g_stack_config *c = &x->m->config.decoder;
    struct t5g_cross *cross = t5g_alloc(1, sizeof *cross);
    size_t row = c->hk * c->dh * sizeof(float);
    cross->n = n;
    cross->layers = c->layers;
    cross->kv = t5g_alloc(c->layers, sizeof *cross->kv);
    for (size_t l = 0; l < c->layers; l++) {
        const struct t5g_layer *layer = &x->m->decoder.layers[l];
        struct t5g_kv *kv = &cross->kv[l];
        *kv = (struct t5g_kv){
            .k = t5g_alloc_raw(n, row), .v = t5g_alloc_raw(n, row), .cap = n, .dtype = T5G_F32};
        for (size_t r = 0; r < n; r += T5G_ROW_BLOCK) {
            for (size_t h = 0; h < c->hk; h++) {
                size_t to = (h * n + r) * c->dh, head = h * c->dh;
                struct t5g_mat wk = t5g_mat_rows(layer->k, head, c->dh);
                struct t5g_mat wv = t5g_mat_rows(layer->v, head, c->dh);
                x->jobs[2 * h] = t5g_linear_of(wk, (float *)kv->k + to, c->dh);
                x->jobs[2 * h + 1] = t5g_linear_of(wv, (float *)kv->v + to, c->dh);
            }
            t5g_linear_panels(&x->x, x->jobs, 2 * c->hk, enc + r * c->d, c->d,
                              t5g_min(T5G_ROW_BLOCK, n - r));
        }
        t5g_norm_rows(&x->x, kv->k, c->dh, kv->k, c->dh, layer->k_norm, c->hk * n, c->dh, c->eps);
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
    }
    t5g_free(c->kv);
    t5g_free(c);
}
