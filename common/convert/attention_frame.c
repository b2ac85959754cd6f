/* attention_frame.c: the attention of an answer, from a stream. */
#include "convert/attention_frame.h"
#include "stage/input.h"

#include <string.h>

void
t5g_attention_free(struct t5g_attention *a)
{
    t5g_json_free(a->meta);
    *a = (struct t5g_attention){0};
}

/* Whether "axes" of the meta names the dimensions. */
static bool
axes_fit(const struct t5g_json *meta, size_t ndim)
{
    static const char *const axes[3][4] = {
        {"token", "row"}, {"token", "layer", "row"}, {"token", "layer", "head", "row"}};
    const struct t5g_json *axis = t5g_json_first(t5g_json_get(meta, "axes"));
    for (size_t i = 0; i < ndim; i++, axis = t5g_json_next(axis)) {
        const char *name = axis != NULL ? t5g_json_str(axis) : NULL;
        if (name == NULL || strcmp(name, axes[ndim - 2][i]) != 0)
            return false;
    }
    return axis == NULL;
}

static int
read_frame(struct t5g_attention *a, const struct t5g_frame *f, const struct t5g_frame *ids,
           struct t5g_err *e)
{
    bool good = f->kind == T5G_KIND_TENSOR && f->dtype == T5G_F32 && f->ndim >= 2 && f->ndim <= 4 &&
                f->size > 0 && ids != NULL && ids->kind == T5G_KIND_TENSOR &&
                ids->dtype == T5G_I32 && ids->ndim == 1 && ids->dims[0] == f->dims[0];
    a->meta = t5g_json_parse(f->meta, f->meta_len, "decode.attention", e);
    if (a->meta == NULL)
        return -1;
    if (!good || !axes_fit(a->meta, f->ndim))
        return t5g_err_set(e, T5G_EX_DATA,
                           "decode.attention: expected f32 of the axes token, layer, head and row, "
                           "behind a decode.ids of as many tokens");
    a->ids = (const int32_t *)(const void *)ids->data;
    a->weights = (const float *)(const void *)f->data;
    a->n = (size_t)f->dims[0];
    a->apart[0] = f->ndim > 2;
    a->apart[1] = f->ndim > 3;
    a->layers = a->apart[0] ? (size_t)f->dims[1] : 1;
    a->heads = a->apart[1] ? (size_t)f->dims[2] : 1;
    a->rows = (size_t)f->dims[f->ndim - 1];
    a->prompt = t5g_json_str(t5g_json_get(a->meta, "prompt"));
    return t5g_input_group(f, &a->group, e);
}

int
t5g_attention_find(struct t5g_attention *a, const struct t5g_doc *d, size_t k, struct t5g_err *e)
{
    const struct t5g_frame *ids = NULL;
    *a = (struct t5g_attention){0};
    for (size_t i = 0; i < d->n_items; i++) {
        const struct t5g_frame *f = &d->items[i];
        if (t5g_frame_is(f, "decode.ids"))
            ids = f;
        if (!t5g_frame_is(f, "decode.attention") || --k > 0)
            continue;
        if (read_frame(a, f, ids, e) == 0)
            return 1;
        t5g_attention_free(a);
        return -1;
    }
    return 0;
}

/* Number `which` of n, 0 for the mean of all; 0, or -1 with e. */
static int
check(const char *what, const char *option, size_t which, size_t n, bool apart, struct t5g_err *e)
{
    if (which <= n && (which == 0 || apart))
        return 0;
    if (!apart)
        return t5g_err_set(e, T5G_EX_DATA,
                           "decode.attention: means over all %ss (t5g-decode --attention %s keeps "
                           "them apart)",
                           what, option);
    return t5g_err_set(e, T5G_EX_DATA, "decode.attention: no %s %zu, there are %zu", what, which,
                       n);
}

float *
t5g_attention_take(const struct t5g_attention *a, size_t layer, size_t head, size_t token,
                   size_t *n, struct t5g_err *e)
{
    size_t first = token > 0 ? token - 1 : 0;
    float share = 1.0F / (float)((layer > 0 ? 1 : a->layers) * (head > 0 ? 1 : a->heads));
    if (check("layer", "layers", layer, a->layers, a->apart[0], e) < 0 ||
        check("head", "heads", head, a->heads, a->apart[1], e) < 0 ||
        check("token", "mean", token, a->n, true, e) < 0)
        return NULL;
    *n = token > 0 ? 1 : a->n;
    float *out = t5g_alloc(*n * a->rows, sizeof *out);
    for (size_t i = 0; i < *n * a->layers * a->heads; i++) {
        size_t h = i % a->heads, l = i / a->heads % a->layers, t = i / a->heads / a->layers;
        const float *w = a->weights + (((first + t) * a->layers + l) * a->heads + h) * a->rows;
        if ((layer > 0 && layer != l + 1) || (head > 0 && head != h + 1))
            continue;
        for (size_t j = 0; j < a->rows; j++) {
            if (!(w[j] >= 0 && w[j] <= 1.001F)) {
                t5g_err_set(e, T5G_EX_DATA, "decode.attention: a weight that is not from 0 to 1");
                t5g_free(out);
                return NULL;
            }
            out[t * a->rows + j] += share * w[j];
        }
    }
    return out;
}
