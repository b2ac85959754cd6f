/*
 * shape.c: the rows of an encoder in the form that was asked for.
 *
 *   rows = means of groups of rows               --group
 *   bytes and scales, bf16, or f32               --dtype
 *
 * or, for an embedding,
 *
 *   x = pool(rows)                               --pool, or modules.json
 *   x = the modules after Pooling                modules.json
 *   x = its first elements, divided by |x|       --dims, --normalize
 *   bf16, or f32                                 --dtype
 */
#include "stage/shape.h"
#include "nn/q8row.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

void
t5g_shape_names(const struct t5g_shape *s, struct t5g_shape_names *names)
{
    size_t n = 0;
    names->v[n++] = s->pooling != T5G_POOL_NONE ? "embedding" : "encoder.out";
    if (s->dtype == T5G_I8)
        names->v[n++] = "encoder.out.scale";
    for (size_t i = 0; i < s->n_layers; i++) {
        snprintf(names->hidden[i], sizeof names->hidden[i], "hidden.%zu", s->layers[i]);
        names->v[n++] = names->hidden[i];
    }
    names->v[n] = NULL;
}

void
t5g_shape_key(const struct t5g_shape *s, struct t5g_buf *b)
{
    if (s->pooling == T5G_POOL_NONE)
        t5g_buf_adds(b, "pooling 0, ");
    else
        t5g_buf_printf(b, "pooling %s, ", t5g_pooling_name(s->pooling));
    t5g_buf_adds(b, s->dtype == T5G_I8 ? "q8" : t5g_dtype_name(s->dtype));
    if (s->group > 1)
        t5g_buf_printf(b, ", group %zu", s->group);
    if (s->sentence != NULL)
        t5g_buf_printf(b, ", modules %s", t5g_sentence_identity(s->sentence));
    if (s->dims > 0)
        t5g_buf_printf(b, ", dims %zu", s->dims);
    if (s->normalize)
        t5g_buf_adds(b, ", normalized");
    for (size_t i = 0; i < s->n_layers; i++)
        t5g_buf_printf(b, ", hidden %zu", s->layers[i]);
}

const char *
t5g_shape_modules(const struct t5g_shape *s)
{
    return s->sentence != NULL && t5g_sentence_dense(s->sentence)
               ? t5g_sentence_identity(s->sentence)
               : NULL;
}

bool
t5g_shape_plain(const struct t5g_shape *s)
{
    return s->pooling == T5G_POOL_NONE && s->group == 1 && s->dtype == T5G_F32 && s->n_layers == 0;
}

static int
check_finite(const char *name, const float *x, size_t n, size_t d, struct t5g_err *e)
{
    for (size_t i = 0; i < n * d; i++)
        if (!isfinite(x[i]))
            return t5g_err_set(e, T5G_EX_DATA, "%s: row %zu is not finite", name, i / d);
    return 0;
}

static void
add(struct t5g_shaped *o, const char *extra, int dtype, size_t ndim, size_t rows, size_t columns,
    const void *data)
{
    struct t5g_cache_tensor *t = &o->tensors[o->n];
    *t = (struct t5g_cache_tensor){o->names.v[o->n], extra, dtype, ndim, {rows, columns}, data};
    o->n++;
}

static int
make_embedding(const struct t5g_shape *s, float *rows, size_t n, struct t5g_shaped *o,
               struct t5g_err *e)
{
    size_t width = s->sentence != NULL ? t5g_sentence_width(s->sentence) : s->d;
    float *x = t5g_alloc_raw(t5g_max(width, s->d), sizeof *x);
    o->owned[0] = x;
    t5g_pool_rows(rows, n, s->d, s->pooling);
    if (s->sentence != NULL)
        t5g_sentence_run(s->sentence, rows, x);
    else
        memcpy(x, rows, s->d * sizeof *x);
    size_t dims = s->dims > 0 ? s->dims : width;
    if (s->normalize)
        t5g_normalize(x, dims);
    if (check_finite("embedding", x, 1, dims, e) < 0)
        return -1;
    if (s->dtype == T5G_BF16)
        t5g_narrow(x, T5G_BF16, x, T5G_F32, dims);
    snprintf(o->meta, sizeof o->meta, "\"pooling\":\"%s\"", t5g_pooling_name(s->pooling));
    add(o, o->meta, s->dtype, 1, dims, 0, x);
    return 0;
}

static int
make_rows(const struct t5g_shape *s, float *rows, size_t n, struct t5g_shaped *o, struct t5g_err *e)
{
    size_t d = s->d, runs = t5g_q8_runs(d);
    const char *extra = o->meta[0] != '\0' ? o->meta : NULL;
    if (check_finite("encoder.out", rows, n, d, e) < 0)
        return -1;
    if (s->dtype == T5G_I8) {
        int8_t *bytes = o->owned[0] = t5g_alloc_raw(n, d);
        float *scale = o->owned[1] = t5g_alloc_raw(n, runs * sizeof *scale);
        t5g_q8_rows(s->kernels, bytes, scale, rows, n, d);
        add(o, extra, T5G_I8, 2, n, d, bytes);
        add(o, NULL, T5G_F32, 2, n, runs, scale);
        return 0;
    }
    if (s->dtype == T5G_BF16)
        t5g_narrow(rows, T5G_BF16, rows, T5G_F32, n * d);
    add(o, extra, s->dtype, 2, n, d, rows);
    return 0;
}

static size_t
group(const struct t5g_shape *s, float *rows, size_t n)
{
    return s->group > 1 ? t5g_group_rows(rows, n, s->d, s->group) : n;
}

int
t5g_shape_make(const struct t5g_shape *s, float *rows, size_t n, bool grouped, float *const *hidden,
               struct t5g_shaped *o, struct t5g_err *e)
{
    *o = (struct t5g_shaped){0};
    t5g_shape_names(s, &o->names);
    if (s->pooling == T5G_POOL_NONE && s->dtype == T5G_I8)
        snprintf(o->meta, sizeof o->meta, "\"rotate\":128");
    if (s->pooling == T5G_POOL_NONE && s->group > 1)
        snprintf(o->meta + strlen(o->meta), sizeof o->meta - strlen(o->meta), "%s\"group\":%zu",
                 o->meta[0] != '\0' ? "," : "", s->group);
    int r = s->pooling != T5G_POOL_NONE ? make_embedding(s, rows, n, o, e)
                                        : make_rows(s, rows, grouped ? n : group(s, rows, n), o, e);
    for (size_t i = 0; i < s->n_layers && r == 0; i++) {
        add(o, NULL, T5G_F32, 2, n, s->d, hidden[i]);
        r = check_finite(o->names.hidden[i], hidden[i], n, s->d, e);
    }
    return r;
}

void
t5g_shaped_free(struct t5g_shaped *x)
{
    t5g_free(x->owned[0]);
    t5g_free(x->owned[1]);
}
