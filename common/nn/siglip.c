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
 *   z = means over squares of (side / out_side)^2 rows               [mm_tokens, d]
 *   out = rms(z, 1 + w) wm                                           [mm_tokens, text d]
 *
 * The layers run in block.c, as the encoder's do.
 */
#include "nn/siglip.h"
#include "nn/layers.h"
#include "nn/norm.h"

#include <math.h>
#include <string.h>

struct t5g_vision {
    const struct t5g_model *m;
    struct t5g_layers l;
    size_t n, side; /* patches; patches on a side */
    float *rows;    /* [n, d] residual stream */
    float *pooled;  /* [mm_tokens, d] */
    char *project;  /* [text d, d] the projector transposed; NULL before the first picture */
};

struct t5g_vision *
t5g_vision_open(const struct t5g_model *m, const struct t5g_kernels *k, struct t5g_pool *pool)
{
    const struct t5g_vision_config *c = &m->config.vision;
    struct t5g_vision *x = t5g_alloc(1, sizeof *x);
    x->m = m;
    x->side = c->image_size / c->patch;
    x->n = x->side * x->side;
    t5g_layers_open(&x->l, &m->vision.stack, k, pool, 3 * c->patch * c->patch, m->quantised);
    t5g_layers_reserve(&x->l, t5g_max(x->n, m->config.mm_tokens));
    x->rows = t5g_alloc_raw(x->n, c->stack.d * sizeof(float));
    x->pooled = t5g_alloc_raw(m->config.mm_tokens, c->stack.d * sizeof(float));
    return x;
}

void
t5g_vision_close(struct t5g_vision *x)
{
    if (x == NULL)
        return;
    t5g_layers_close(&x->l);
    t5g_free(x->rows);
    t5g_free(x->pooled);
    t5g_free(x->project);
    t5g_free(x);
}

/* Patches r0..r0+m as rows of f, channel by channel as in the convolution's weights. */
static void
gather_patches(struct t5g_vision *x, const uint8_t *pixels, const float *value, size_t r0, size_t m)
{
    const struct t5g_vision_config *c = &x->m->config.vision;
    size_t p = c->patch, s = c->image_size;
    for (size_t i = 0; i < m; i++) {
        const uint8_t *at = pixels + ((r0 + i) / x->side * p * s + (r0 + i) % x->side * p) * 3;
        float *to = x->l.b.f + i * x->l.b.ldf;
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
    size_t d = x->m->config.vision.stack.d;
    for (size_t r = 0; r < x->n; r += x->l.block) {
        size_t m = t5g_min(x->l.block, x->n - r);
        struct t5g_linear l = t5g_linear_of(&v->patch, x->rows + r * d, d);
        l.add = true;
        gather_patches(x, pixels, value, r, m);
        for (size_t i = 0; i < m; i++)
            t5g_mat_row(l.out + i * d, &v->position, r + i);
        t5g_linear_panels(&x->l.x, &l, 1, x->l.b.f, x->l.b.ldf, m);
    }
}

/* Means of k x k patches in order of their rows. */
static void
pool_patches(struct t5g_vision *x)
{
    size_t d = x->m->config.vision.stack.d,
           out = (size_t)lround(sqrt((double)x->m->config.mm_tokens));
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

/* to [cols, rows] of from [rows, cols], elements of item bytes; in squares that fit the caches. */
static inline void
transpose(char *to, const char *from, size_t rows, size_t cols, size_t item)
{
    enum { SIDE = 32 };
    for (size_t i0 = 0; i0 < rows; i0 += SIDE)
        for (size_t j0 = 0; j0 < cols; j0 += SIDE)
            for (size_t j = j0; j < t5g_min(j0 + SIDE, cols); j++)
                for (size_t i = i0; i < t5g_min(i0 + SIDE, rows); i++)
                    memcpy(to + (j * rows + i) * item, from + (i * cols + j) * item, item);
}

/* The projector [text d, d]: products need a row for each output element. */
static struct t5g_mat
projector(struct t5g_vision *x)
{
    const struct t5g_mat *m = &x->m->vision.project;
    size_t item = t5g_dtype_size(m->dtype);
    if (x->project == NULL) {
        x->project = t5g_alloc_raw(m->rows * m->cols, item);
        if (item == 2)
            transpose(x->project, m->p, m->rows, m->cols, 2);
        else
            transpose(x->project, m->p, m->rows, m->cols, item);
    }
    return (struct t5g_mat){.p = x->project, .dtype = m->dtype, .rows = m->cols, .cols = m->rows};
}

static void
project(struct t5g_vision *x, float *out)
{
    const struct t5g_vision_weights *v = &x->m->vision;
    const struct t5g_stack_config *c = v->stack.c;
    const struct t5g_block *b = &x->l.b;
    struct t5g_affine project = {projector(x), NULL};
    size_t text = x->m->config.encoder.d;
    for (size_t r = 0; r < x->m->config.mm_tokens; r += x->l.block) {
        size_t m = t5g_min(x->l.block, x->m->config.mm_tokens - r);
        struct t5g_linear l = t5g_linear_of(&project, out + r * text, text);
        t5g_norm_rows(&x->l.x, b->y, b->ldy, x->pooled + r * c->d, c->d, v->soft_norm, m, c->d,
                      c->eps);
        t5g_linear_panels(&x->l.x, &l, 1, b->y, b->ldy, m);
    }
}

int
t5g_vision_run(struct t5g_vision *x, const uint8_t *pixels, const float *value, float *out,
               t5g_progress_fn *progress, void *arg, struct t5g_err *e)
{
    const struct t5g_stack *s = &x->m->vision.stack;
    struct t5g_row_span all = {0, x->n, 0};
    struct t5g_row_group g = {x->rows, x->n, &all, 1};
    embed(x, pixels, value);
    if (!t5g_layers_run(&x->l, &g, progress, arg))
        return t5g_err_set(e, T5G_EX_AGAIN, "vision: stopped");
    t5g_block_norm(&x->l.b, x->rows, s->c->d, x->rows, s->c->d, &s->norm, x->n);
    pool_patches(x);
    project(x, out);
    for (size_t i = 0; i < x->m->config.mm_tokens * x->m->config.encoder.d; i++)
        if (!isfinite(out[i]))
            return t5g_err_set(e, T5G_EX_DATA, "image features: value %zu is not finite", i);
    return 0;
}
