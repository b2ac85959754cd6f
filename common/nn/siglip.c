/*
 * siglip.c: the SigLIP tower and its projector (transformers: modeling_siglip.py, and
 * Gemma3MultiModalProjector in modeling_gemma3.py). n = side^2 patches, side = s / patch.
 *
 *   x = patches wp^T + bp + position                                 [n, d]
 *   for each layer:
 *     y = layer_norm1(x)
 *     x += attend(y wq^T + bq, y wk^T + bk, y wv^T + bv) wo^T + bo     every row sees all rows
 *     x += gelu(layer_norm2(x) w1^T + b1) w2^T + b2                  [n, f] inside
 *   x = layer_norm(x)
 *   z = means of squares of (side / out_side)^2 rows                 [mm_tokens, d]
 *   out = rms(z, 1 + w) wm                                           [mm_tokens, text d]
 *
 * Rows go through a layer in blocks as in encoder.c: first keys and values of all, then the rest.
 */
#include "nn/siglip.h"
#include "nn/attention.h"
#include "nn/linear.h"
#include "nn/norm.h"

#include <math.h>
#include <string.h>

struct t5g_vision {
    const struct t5g_model *m;
    struct t5g_exec x;
    size_t n, side;          /* patches; patches a side */
    size_t ldd, ldf, block;  /* strides and rows of the block buffers */
    float *rows;             /* [n, d] residual stream */
    float *y, *q, *f;        /* [block, d] x 2, [block, f or 3 patch patch] */
    float *keys, *values;    /* see attention.h */
    float *pooled;           /* [mm_tokens, d] */
    struct t5g_linear *jobs; /* [h + 1]: values by head, keys */
};

struct meter {
    bool (*progress)(void *arg, size_t done, size_t total);
    void *arg;
    size_t done, total;
};

struct t5g_vision *
t5g_vision_open(const struct t5g_model *m, const struct t5g_kernels *k, struct t5g_pool *pool)
{
    const struct t5g_vision_config *c = &m->config.vision;
    struct t5g_vision *x = t5g_alloc(1, sizeof *x);
    size_t wide = t5g_max(t5g_max(c->d, c->f), 3 * c->patch * c->patch), dh = c->d / c->h;
    x->m = m;
    x->side = c->image_size / c->patch;
    x->n = x->side * x->side;
    t5g_exec_open(&x->x, k, pool,
                  t5g_max(t5g_linear_panels_scratch(wide), t5g_attention_scratch(c->h, c->h, dh)));
    if (m->quantised)
        t5g_exec_quantised(&x->x, T5G_ROW_BLOCK, wide);
    x->ldd = t5g_stride(c->d);
    x->ldf = t5g_stride(t5g_max(c->f, 3 * c->patch * c->patch));
    x->block = t5g_min(t5g_max(x->n, m->config.mm_tokens), T5G_ROW_BLOCK);
    x->rows = t5g_alloc_raw(x->n, c->d * sizeof(float));
    x->y = t5g_alloc_raw(x->block, x->ldd * sizeof(float));
    x->q = t5g_alloc_raw(x->block, x->ldd * sizeof(float));
    x->f = t5g_alloc_raw(x->block, x->ldf * sizeof(float));
    x->keys = t5g_alloc_raw(t5g_attention_keys_size(c->h, dh, x->n), sizeof(float));
    x->values = t5g_alloc_raw(t5g_attention_values_size(c->h, dh, x->n), sizeof(float));
    x->pooled = t5g_alloc_raw(m->config.mm_tokens, c->d * sizeof(float));
    x->jobs = t5g_alloc(c->h + 1, sizeof *x->jobs);
    return x;
}

void
t5g_vision_close(struct t5g_vision *x)
{
    if (x == NULL)
        return;
    t5g_free(x->rows);
    t5g_free(x->y);
    t5g_free(x->q);
    t5g_free(x->f);
    t5g_free(x->keys);
    t5g_free(x->values);
    t5g_free(x->pooled);
    t5g_free(x->jobs);
    t5g_exec_close(&x->x);
    t5g_free(x);
}

static struct t5g_linear
linear_of(const struct t5g_affine *a, float *out, size_t ld)
{
    struct t5g_linear l = t5g_linear_of(a->w, out, ld);
    l.bias = a->b;
    return l;
}

/* Patches r0..r0+m as rows of f: channel by channel, the order of the convolution's weights. */
static void
gather_patches(struct t5g_vision *x, const uint8_t *pixels, const float *value, size_t r0, size_t m)
{
    const struct t5g_vision_config *c = &x->m->config.vision;
    size_t p = c->patch, s = c->image_size;
    for (size_t i = 0; i < m; i++) {
        const uint8_t *at = pixels + ((r0 + i) / x->side * p * s + (r0 + i) % x->side * p) * 3;
        float *to = x->f + i * x->ldf;
        for (size_t channel = 0; channel < 3; channel++)
            for (size_t row = 0; row < p; row++)
                for (size_t col = 0; col < p; col++)
                    *to++ = value[channel * 256 + at[(row * s + col) * 3 + channel]];
    }
}

static void
embed(struct t5g_vision *x, const uint8_t *pixels, const float *value)
{
    const struct t5g_vision_weights *v = &x->m->vision;
    size_t d = x->m->config.vision.d;
    for (size_t r = 0; r < x->n; r += x->block) {
        size_t m = t5g_min(x->block, x->n - r);
        struct t5g_linear l = linear_of(&v->patch, x->rows + r * d, d);
        l.add = true;
        gather_patches(x, pixels, value, r, m);
        for (size_t i = 0; i < m; i++)
            t5g_mat_row(l.out + i * d, &v->position, r + i);
        t5g_linear_panels(&x->x, &l, 1, x->f, x->ldf, m);
    }
}

static void
keys_block(struct t5g_vision *x, const struct t5g_vision_layer *l, const struct t5g_attention *a,
           size_t r0, size_t m)
{
    const struct t5g_vision_config *c = &x->m->config.vision;
    size_t value_panels = (a->dh + T5G_PANEL - 1) / T5G_PANEL;
    t5g_layer_norm_rows(&x->x, x->y, x->ldd, x->rows + r0 * c->d, c->d, l->norm1.w, l->norm1.b, m,
                        c->d, c->eps);
    x->jobs[c->h] = linear_of(&l->k, x->q, x->ldd);
    for (size_t head = 0; head < c->h; head++) {
        struct t5g_linear *job = &x->jobs[head];
        float *to = a->values + (head * value_panels * a->n + r0) * T5G_PANEL;
        *job = t5g_linear_of(t5g_mat_rows(l->v.w, head * a->dh, a->dh), to, T5G_PANEL);
        job->bias = l->v.b + head * a->dh;
        job->panel = a->n * T5G_PANEL;
    }
    t5g_linear_panels(&x->x, x->jobs, c->h + 1, x->y, x->ldd, m);
    t5g_attention_set_keys(&x->x, a, x->q, x->ldd, r0, m);
}

static void
block(struct t5g_vision *x, const struct t5g_vision_layer *l, const struct t5g_attention *a,
      size_t r0, size_t m)
{
    const struct t5g_vision_config *c = &x->m->config.vision;
    float *rows = x->rows + r0 * c->d;
    struct t5g_linear q = linear_of(&l->q, x->q, x->ldd), o = linear_of(&l->o, rows, c->d);
    struct t5g_linear fc1 = linear_of(&l->fc1, x->f, x->ldf), fc2 = linear_of(&l->fc2, rows, c->d);
    o.add = fc2.add = fc1.gelu = true;

    t5g_layer_norm_rows(&x->x, x->y, x->ldd, rows, c->d, l->norm1.w, l->norm1.b, m, c->d, c->eps);
    t5g_linear_panels(&x->x, &q, 1, x->y, x->ldd, m);
    t5g_attention_run(&x->x, a, x->q, x->ldd, r0, m);
    t5g_linear_panels(&x->x, &o, 1, x->q, x->ldd, m);

    t5g_layer_norm_rows(&x->x, x->y, x->ldd, rows, c->d, l->norm2.w, l->norm2.b, m, c->d, c->eps);
    t5g_linear_panels(&x->x, &fc1, 1, x->y, x->ldd, m);
    t5g_linear_panels(&x->x, &fc2, 1, x->f, x->ldf, m);
}

/* Keys and values of a block of rows cost about a sixth of what the rest of the layer does. */
static bool
tick(struct meter *t, size_t cost)
{
    t->done += cost;
    return t->progress == NULL || t->progress(t->arg, t->done, t->total);
}

static bool
layers(struct t5g_vision *x, struct meter *t)
{
    const struct t5g_vision_config *c = &x->m->config.vision;
    size_t dh = c->d / c->h;
    struct t5g_attention a = {
        .h = c->h,
        .hk = c->h,
        .dh = dh,
        .n = x->n,
        .scale = 1 / sqrtf((float)dh),
        .keys = x->keys,
        .values = x->values,
        .ldv = x->n,
    };
    for (size_t i = 0; i < c->layers; i++) {
        const struct t5g_vision_layer *l = &x->m->vision.layers[i];
        for (size_t r = 0; r < x->n; r += x->block) {
            keys_block(x, l, &a, r, t5g_min(x->block, x->n - r));
            if (!tick(t, 1))
                return false;
        }
        for (size_t r = 0; r < x->n; r += x->block) {
            block(x, l, &a, r, t5g_min(x->block, x->n - r));
            if (!tick(t, 5))
                return false;
        }
    }
    return true;
}

/* Means of k x k patches in order of their rows. */
static void
pool_patches(struct t5g_vision *x)
{
    size_t d = x->m->config.vision.d, out = (size_t)lround(sqrt((double)x->m->config.mm_tokens));
    size_t k = x->side / out;
    for (size_t i = 0; i < out * out; i++) {
        float *to = x->pooled + i * d;
        memset(to, 0, d * sizeof *to);
        for (size_t j = 0; j < k * k; j++) {
            size_t row = i / out * k + j / k, col = i % out * k + j % k;
            const float *from = x->rows + (row * x->side + col) * d;
            for (size_t l = 0; l < d; l++)
                to[l] += from[l];
        }
        for (size_t l = 0; l < d; l++)
            to[l] /= (float)(k * k);
    }
}

static void
project(struct t5g_vision *x, float *out)
{
    const struct t5g_vision_config *c = &x->m->config.vision;
    const struct t5g_vision_weights *v = &x->m->vision;
    size_t text = x->m->config.encoder.d;
    for (size_t r = 0; r < x->m->config.mm_tokens; r += x->block) {
        size_t m = t5g_min(x->block, x->m->config.mm_tokens - r);
        struct t5g_linear l = t5g_linear_of(v->project, out + r * text, text);
        t5g_norm_rows(&x->x, x->y, x->ldd, x->pooled + r * c->d, c->d, v->soft_norm, m, c->d,
                      c->eps);
        t5g_linear_panels(&x->x, &l, 1, x->y, x->ldd, m);
    }
}

int
t5g_vision_run(struct t5g_vision *x, const uint8_t *pixels, const float *value, float *out,
               bool (*progress)(void *arg, size_t done, size_t total), void *arg, struct t5g_err *e)
{
    const struct t5g_vision_config *c = &x->m->config.vision;
    struct meter t = {progress, arg, 0, (x->n + x->block - 1) / x->block * 6 * c->layers};
    embed(x, pixels, value);
    if (!layers(x, &t))
        return t5g_err_set(e, T5G_EX_AGAIN, "vision: stopped");
    t5g_layer_norm_rows(&x->x, x->rows, c->d, x->rows, c->d, x->m->vision.norm.w,
                        x->m->vision.norm.b, x->n, c->d, c->eps);
    pool_patches(x);
    project(x, out);
    for (size_t i = 0; i < x->m->config.mm_tokens * x->m->config.encoder.d; i++)
        if (!isfinite(out[i]))
            return t5g_err_set(e, T5G_EX_DATA, "image features: value %zu is not finite", i);
    return 0;
}
