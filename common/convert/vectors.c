/* vectors.c: tensors of documents as vectors, and the nearest of many. */
#include "convert/vectors.h"
#include "base/jsonstr.h"
#include "kernels/kernels.h"
#include "nn/pooling.h"
#include "stage/input.h"

#include <math.h>
#include <string.h>

int
t5g_vectors_of(const struct t5g_doc *d, size_t i, struct t5g_vectors *v, struct t5g_err *e)
{
    const struct t5g_frame *f = &d->items[i];
    char name[T5G_FRAME_NAME_MAX + 1];
    t5g_frame_name(f, name, sizeof name);
    *v = (struct t5g_vectors){0};
    if (f->kind == T5G_KIND_TENSOR && f->dtype == T5G_I8 && f->ndim == 2 &&
        strcmp(name, "encoder.out") == 0) {
        v->d = (size_t)f->dims[1];
        return t5g_input_encoder_out(d, t5g_kernels_get("ref", NULL), v->d, &v->rows, &v->n,
                                     &v->wide, e);
    }
    bool number = f->dtype == T5G_F32 || f->dtype == T5G_BF16 || f->dtype == T5G_F16;
    if (f->kind != T5G_KIND_TENSOR || !number || f->ndim < 1 || f->ndim > 2 ||
        f->dims[f->ndim - 1] == 0)
        return t5g_err_set(e, T5G_EX_DATA, "%s: expected f32, bf16 or f16 [d] or [n, d]", name);
    v->n = f->ndim == 1 ? 1 : (size_t)f->dims[0];
    v->d = (size_t)f->dims[f->ndim - 1];
    v->rows = (const float *)(const void *)f->data;
    if (f->dtype != T5G_F32) {
        v->wide = t5g_alloc_raw(v->n * v->d, sizeof *v->wide);
        t5g_to_f32(v->wide, f->data, f->dtype, v->n * v->d);
        v->rows = v->wide;
    }
    return 0;
}

int
t5g_vectors_finite(const struct t5g_vectors *v, const char *name, struct t5g_err *e)
{
    for (size_t i = 0; i < v->n * v->d; i++)
        if (!isfinite(v->rows[i]))
            return t5g_err_set(e, T5G_EX_DATA, "%s: row %zu is not finite", name, i / v->d);
    return 0;
}

int
t5g_vectors_pooled(const struct t5g_frame *f, char earlier[static T5G_POOLING_NAME],
                   struct t5g_err *e)
{
    struct t5g_json_walk w;
    struct t5g_buf how = {0};
    int r = 0;
    if (f->kind == T5G_KIND_TENSOR && t5g_json_walk_open(&w, f->meta, f->meta_len))
        while (t5g_json_walk_next(&w))
            if (w.value[0] == '"' && t5g_jsonstr_equal(w.key, w.key_len, "pooling"))
                t5g_jsonstr_read(&how, w.value, w.value_len);
    if (how.n > 0 && how.n < T5G_POOLING_NAME) {
        if (earlier[0] == '\0')
            memcpy(earlier, how.p, how.n + 1);
        else if (strcmp(earlier, how.p) != 0)
            r = t5g_err_set(e, T5G_EX_DATA,
                            "embedding of another pooling: %s, earlier ones %s (--force accepts "
                            "it)",
                            how.p, earlier);
    }
    t5g_buf_free(&how);
    return r;
}

void
t5g_vectors_free(struct t5g_vectors *v)
{
    t5g_free(v->wide);
    v->wide = NULL;
}

/* In eight partial sums, which a compiler can keep in registers. */
static double
dot(const float *a, const float *b, size_t d)
{
    double sum[8] = {0};
    size_t i = 0;
    for (; i + 8 <= d; i += 8)
        for (size_t j = 0; j < 8; j++)
            sum[j] += (double)a[i + j] * (double)b[i + j];
    for (size_t j = 0; i < d; i++, j++)
        sum[j] += (double)a[i] * (double)b[i];
    return ((sum[0] + sum[4]) + (sum[1] + sum[5])) + ((sum[2] + sum[6]) + (sum[3] + sum[7]));
}

double
t5g_vector_length(const float *v, size_t d)
{
    return sqrt(dot(v, v, d));
}

void
t5g_nearest_open(struct t5g_nearest *q, const float *query, size_t d, size_t k)
{
    *q = (struct t5g_nearest){.d = d, .k = k};
    q->query = t5g_alloc_raw(d, sizeof *q->query);
    memcpy(q->query, query, d * sizeof *query);
    t5g_normalize(q->query, d);
}

void
t5g_nearest_close(struct t5g_nearest *q)
{
    for (size_t i = 0; i < q->n; i++)
        t5g_buf_free(&q->found[i].id);
    t5g_free(q->found);
    t5g_free(q->query);
    *q = (struct t5g_nearest){0};
}

void
t5g_nearest_add(struct t5g_nearest *q, const float *v, double length, const char *id, size_t id_len)
{
    double score = length > 0 ? dot(q->query, v, q->d) / length : 0;
    if (q->n == q->k && !(score > q->found[q->n - 1].score))
        return;
    struct t5g_neighbour last = {0};
    if (q->n == q->k) {
        last = q->found[--q->n];
    } else {
        q->found = t5g_grow(q->found, q->n, &q->cap, sizeof *q->found);
    }
    last.score = score;
    last.id.n = 0;
    t5g_buf_add(&last.id, id, id_len);
    size_t at = q->n;
    for (; at > 0 && score > q->found[at - 1].score; at--)
        q->found[at] = q->found[at - 1];
    q->found[at] = last;
    q->n++;
}
