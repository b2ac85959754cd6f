/*
 * bake.c: adapters merged into matrices, in f32.
 *
 *   w' = gain w + scale B A                                       of a product
 *   row' = row + sums / embed_scale, or the row that replaces it   of an embedding
 *
 * Both sides of updates.h: what nn/lowrank.c and nn/embed.c compute beside a matrix is here put
 * into it.
 */
#include "model/bake.h"
#include "model/family.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char file[] = "an adapter"; /* its address marks tensors */

static struct t5g_baked *
more(struct t5g_baking *b, enum t5g_part part, const char *rest)
{
    b->v = t5g_grow(b->v, b->n, &b->cap, sizeof *b->v);
    struct t5g_baked *x = &b->v[b->n++];
    *x = (struct t5g_baked){.part = part};
    snprintf(x->rest, sizeof x->rest, "%s", rest);
    return x;
}

/* Round the rows [rows, cols] of x to dtype, if need be, and make them its tensor. */
static void
settle(struct t5g_baked *x, float *data, int dtype, size_t rows, size_t cols)
{
    size_t n = rows * t5g_max(cols, 1);
    if (dtype != T5G_F32)
        t5g_narrow(data, dtype, data, T5G_F32, n);
    x->data = data;
    x->t = (struct t5g_tensor){.dtype = dtype,
                               .ndim = cols > 0 ? 2 : 1,
                               .dims = {rows, cols},
                               .data = x->data,
                               .size = n * t5g_dtype_size(dtype),
                               .file = file};
}

/* to [cols] = row r of w with what adapters make of it; a [rank, cols], b [rank] scratch. */
static void
merged_row(float *to, const struct t5g_mat *w, size_t r, const float *a, float *b,
           const struct t5g_kernels *k)
{
    const struct t5g_lowrank *low = w->low;
    t5g_mat_row(to, w, r);
    if (low == NULL)
        return;
    if (low->gain != NULL)
        k->scale(to, w->cols, low->gain[r]);
    t5g_to_f32(b, (const char *)low->b + r * low->rank * t5g_dtype_size(low->b_dtype), low->b_dtype,
               low->rank);
    for (size_t i = 0; i < low->rank; i++)
        b[i] *= low->scale;
    k->mix(to, w->cols, b, low->rank, 1, a, T5G_F32, w->cols, low->rank, w->cols);
}

/* All rows of w, merged. */
static float *
merged(const struct t5g_mat *w, const struct t5g_kernels *k)
{
    float *out = t5g_alloc_raw(w->rows * w->cols, sizeof *out);
    size_t rank = w->low != NULL ? w->low->rank : 0;
    float *a = t5g_alloc_raw(rank * w->cols, sizeof *a), *b = t5g_alloc_raw(rank, sizeof *b);
    if (rank > 0)
        t5g_to_f32(a, w->low->a, w->low->a_dtype, rank * w->cols);
    for (size_t r = 0; r < w->rows; r++)
        merged_row(out + r * w->cols, w, r, a, b, k);
    t5g_free(a);
    t5g_free(b);
    return out;
}

static void
take(struct t5g_mat *w, const struct t5g_baked *x)
{
    *w = (struct t5g_mat){.p = x->data, .dtype = x->t.dtype, .rows = w->rows, .cols = w->cols};
}

static void
bake_matrix(struct t5g_baking *b, struct t5g_mat *w, enum t5g_part part, const char *name,
            int dtype, const struct t5g_kernels *k)
{
    char rest[160];
    if (w->p == NULL || w->low == NULL)
        return;
    snprintf(rest, sizeof rest, "%s.weight", name);
    struct t5g_baked *x = more(b, part, rest);
    settle(x, merged(w, k), dtype, w->rows, w->cols);
    take(w, x);
}

static void
bake_stack(struct t5g_baking *b, struct t5g_stack *s, const struct t5g_stack_family *family,
           enum t5g_part part, int dtype, const struct t5g_kernels *k)
{
    char name[128];
    for (size_t l = 0; s->layers != NULL && l < s->c->layers; l++)
        for (const struct t5g_tensor_row *row = family->tensors; row->name != NULL; row++) {
            if (row->kind != T5G_ROW_MATRIX)
                continue;
            struct t5g_affine *a =
                (struct t5g_affine *)(void *)((char *)&s->layers[l] + row->field);
            snprintf(name, sizeof name, "%s%zu.%s", family->layers, l, row->name);
            bake_matrix(b, &a->w, part, name, dtype, k);
        }
    s->ranks = 0;
}

/* ---- embeddings and output matrix ---- */

static void
replace_rows(float *rows, size_t d, const struct t5g_token_rows *t)
{
    for (size_t i = 0; i < t->n; i++)
        memcpy(rows + (size_t)t->ids[i] * d, t->rows + i * d, d * sizeof *rows);
}

/* Sums of row id, times `factor`. */
static void
add_sums(float *row, const struct t5g_embed_update *u, size_t v, size_t d, size_t id, float factor)
{
    for (size_t i = 0; i < u->n_sums; i++)
        for (size_t k = 0; k < u->sums[i].rank; k++) {
            const struct t5g_embed_sum *sum = &u->sums[i];
            float a;
            t5g_to_f32(&a, (const char *)sum->a + (k * v + id) * t5g_dtype_size(sum->dtype),
                       sum->dtype, 1);
            for (size_t j = 0; j < d; j++)
                row[j] += a * sum->b[k * d + j] * factor;
        }
}

/* The embedding of a stack and its end-of-image row, as they are with adapters. */
static void
bake_embedding(struct t5g_baking *b, struct t5g_stack *s, enum t5g_part part, int32_t eoi,
               int dtype, const struct t5g_kernels *k)
{
    const struct t5g_embed_update *u = s->update, none = {0};
    size_t v = s->embed.rows, d = s->embed.cols;
    float *rows = merged(&s->embed, k);
    float *own = t5g_alloc_raw(d, sizeof *own);
    bool has_eoi = s->eoi != NULL && eoi >= 0 && (size_t)eoi < v;
    u = u != NULL ? u : &none;
    replace_rows(rows, d, &u->tokens);
    if (has_eoi && !u->no_eoi)
        memcpy(own, s->eoi, d * sizeof *own);
    for (size_t j = 0; has_eoi && u->no_eoi && j < d; j++)
        own[j] = rows[(size_t)eoi * d + j] * s->embed_scale;
    if (has_eoi)
        add_sums(own, u, v, d, (size_t)eoi, 1);
    for (size_t id = 0; id < v && u->n_sums > 0; id++)
        add_sums(rows + id * d, u, v, d, id, 1 / s->embed_scale);
    struct t5g_baked *x = more(b, part, "embed_tokens.weight");
    settle(x, rows, dtype, v, d);
    take(&s->embed, x);
    if (has_eoi)
        settle(more(b, part, "embed_tokens.eoi_embedding"), own, dtype, d, 0);
    else
        t5g_free(own);
}

static void
bake_roles(struct t5g_baking *b, struct t5g_model *m, int dtype, const struct t5g_kernels *k)
{
    bool apart = m->encoder.update != NULL || m->decoder.update != NULL || m->head.low != NULL ||
                 m->head_tokens.n > 0;
    if (!apart && !m->replaced)
        return;
    if (m->config.has_decoder) {
        float *rows = merged(&m->head, k);
        replace_rows(rows, m->head.cols, &m->head_tokens);
        struct t5g_baked *x = more(b, T5G_PART_HEAD, "out_proj.weight");
        settle(x, rows, dtype, m->head.rows, m->head.cols);
        take(&m->head, x);
        m->head_tokens.n = 0;
        bake_embedding(b, &m->decoder, T5G_PART_DECODER, m->config.eoi, dtype, k);
    }
    bake_embedding(b, &m->encoder, T5G_PART_ENCODER, m->config.eoi, dtype, k);
    m->encoder.update = m->decoder.update = NULL;
}

void
t5g_bake(struct t5g_model *m, bool rounded, const struct t5g_kernels *k)
{
    const struct t5g_family *family = m->config.family;
    int dtype = rounded ? m->config.dtype : T5G_F32;
    if (m->n_adapters == 0)
        return;
    struct t5g_baking *b = m->baked = t5g_alloc(1, sizeof *b);
    bake_stack(b, &m->encoder, family->encoder, T5G_PART_ENCODER, dtype, k);
    if (m->config.has_decoder)
        bake_stack(b, &m->decoder, family->decoder, T5G_PART_DECODER, dtype, k);
    if (m->config.has_vision) {
        bake_stack(b, &m->vision.stack, family->vision, T5G_PART_VISION, dtype, k);
        bake_matrix(b, &m->vision.patch.w, T5G_PART_VISION, "embeddings.patch_embedding", dtype, k);
    }
    bake_roles(b, m, dtype, k);
}

void
t5g_baking_free(struct t5g_baking *b)
{
    for (size_t i = 0; b != NULL && i < b->n; i++)
        t5g_free(b->v[i].data);
    if (b != NULL)
        t5g_free(b->v);
    t5g_free(b);
}

void
t5g_baking_bind(const struct t5g_baking *b, struct t5g_binder *to)
{
    for (size_t i = 0; b != NULL && i < b->n; i++)
        t5g_binder_put(to, b->v[i].part, b->v[i].rest, &b->v[i].t);
}

bool
t5g_is_baked(const struct t5g_tensor *t)
{
    return t->file == file;
}
