/* input.c: get and check a document's input tensors. */
#include "stage/input.h"
#include "base/json.h"
#include "kernels/rotate.h"
#include "nn/q8row.h"

#include <math.h>
#include <string.h>

int
t5g_input_ids(const struct t5g_doc *doc, const struct t5g_config *c, const int32_t **ids, size_t *n,
              struct t5g_err *e)
{
    const struct t5g_frame *f;
    if (t5g_doc_tensor(doc, "input.ids", T5G_I32, 1, &f, e) < 0)
        return -1;
    *ids = (const int32_t *)(const void *)f->data;
    *n = (size_t)f->dims[0];
    if (*n == 0)
        return t5g_err_set(e, T5G_EX_DATA, "input.ids: empty");
    for (size_t i = 0; i < *n; i++)
        if ((*ids)[i] < 0 || (size_t)(*ids)[i] >= c->encoder.v)
            return t5g_err_set(e, T5G_EX_DATA,
                               "input.ids: id %ld at position %zu, vocabulary has %zu",
                               (long)(*ids)[i], i, c->encoder.v);
    return 0;
}

int
t5g_input_features(const struct t5g_doc *doc, const struct t5g_config *c, const int32_t *ids,
                   size_t n_ids, float **rows, size_t *n, struct t5g_err *e)
{
    size_t pictures = 0, slots = 0, d = c->encoder.d;
    *rows = NULL;
    *n = 0;
    for (size_t i = 0; i < doc->n_items; i++) {
        const struct t5g_frame *f = &doc->items[i];
        if (t5g_frame_is(f, "image.bytes"))
            return t5g_err_set(
                e, T5G_EX_DATA,
                "has a picture that is not processed: run t5g-vision before t5g-encode");
        if (!t5g_frame_is(f, "image.feat"))
            continue;
        if (f->dtype != T5G_F32 || f->ndim != 2 || f->dims[0] != c->mm_tokens || f->dims[1] != d)
            return t5g_err_set(e, T5G_EX_DATA, "image.feat: expected f32 [%zu, %zu]", c->mm_tokens,
                               d);
        pictures++;
    }
    if (pictures == 0)
        return 0;
    for (size_t i = 0; i < n_ids; i++)
        slots += ids[i] == c->image;
    if (slots != pictures * c->mm_tokens)
        return t5g_err_set(e, T5G_EX_DATA, "%zu image tokens in input.ids, %zu pictures need %zu",
                           slots, pictures, pictures * c->mm_tokens);
    *rows = t5g_alloc_raw(slots * d, sizeof(float));
    for (size_t i = 0; i < doc->n_items; i++) {
        if (t5g_frame_is(&doc->items[i], "image.feat")) {
            memcpy(*rows + *n * d, doc->items[i].data, doc->items[i].size);
            *n += c->mm_tokens;
        }
    }
    return 0;
}

int
t5g_input_group(const struct t5g_frame *f, size_t *group, struct t5g_err *e)
{
    struct t5g_json *meta = t5g_json_parse(f->meta, f->meta_len, "encoder.out", e);
    const struct t5g_json *v = t5g_json_get(meta, "group");
    int64_t n = 1;
    if (meta == NULL)
        return -1;
    bool right = v == NULL || t5g_json_int(v, 1, INT32_MAX, &n);
    t5g_json_free(meta);
    *group = (size_t)n;
    return right ? 0
                 : t5g_err_set(e, T5G_EX_DATA, "encoder.out: \"group\" in its meta is no number");
}

/* How an encoder output of bytes is rotated: the member "rotate" of its meta. */
static int
check_rotation(const struct t5g_frame *f, struct t5g_err *e)
{
    struct t5g_json *meta = t5g_json_parse(f->meta, f->meta_len, "encoder.out", e);
    int64_t run = 0;
    if (meta == NULL)
        return -1;
    bool known = t5g_json_int(t5g_json_get(meta, "rotate"), T5G_ROTATE, T5G_ROTATE, &run);
    t5g_json_free(meta);
    return known ? 0
                 : t5g_err_set(e, T5G_EX_DATA,
                               "encoder.out: bytes without \"rotate\":%d: made by another version, "
                               "or by another program",
                               T5G_ROTATE);
}

/* Find the scales of the encoder output f (NULL: there is none): only bytes have them, and they
 * follow. *s NULL: none. */
static int
find_scales(const struct t5g_doc *doc, const struct t5g_frame *f, const struct t5g_frame **s,
            struct t5g_err *e)
{
    if (t5g_doc_only(doc, "encoder.out.scale", T5G_KIND_TENSOR, s, e) < 0)
        return -1;
    if (*s != NULL && (f == NULL || f->dtype != T5G_I8))
        return t5g_err_set(e, T5G_EX_DATA, "encoder.out.scale: there is no encoder.out of bytes");
    if (*s != NULL && *s < f)
        return t5g_err_set(e, T5G_EX_DATA, "encoder.out.scale: stands before encoder.out");
    return 0;
}

/* The encoder output f [n, d] of bytes with the scales s, as f32; NULL with e. */
static float *
from_bytes(const struct t5g_kernels *k, const struct t5g_frame *f, const struct t5g_frame *s,
           struct t5g_err *e)
{
    size_t n = (size_t)f->dims[0], d = (size_t)f->dims[1], runs = t5g_q8_runs(d);
    if (check_rotation(f, e) < 0)
        return NULL;
    if (s == NULL || s->dtype != T5G_F32 || s->ndim != 2 || s->dims[0] != n || s->dims[1] != runs) {
        t5g_err_set(e, T5G_EX_DATA, "%s f32 [%zu, %zu]",
                    s == NULL ? "encoder.out is bytes: no encoder.out.scale,"
                              : "encoder.out.scale: expected",
                    n, runs);
        return NULL;
    }
    const float *scale = (const float *)(const void *)s->data;
    for (size_t i = 0; i < n * runs; i++)
        if (!(scale[i] >= 0 && isfinite(scale[i]))) {
            t5g_err_set(e, T5G_EX_DATA, "encoder.out.scale: %g in row %zu", (double)scale[i],
                        i / runs);
            return NULL;
        }
    float *wide = t5g_alloc_raw(n * d, sizeof *wide);
    t5g_q8_rows_back(k, wide, (const int8_t *)f->data, scale, n, d);
    return wide;
}

int
t5g_input_encoder_out(const struct t5g_doc *doc, const struct t5g_kernels *k, size_t d,
                      const float **rows, size_t *n, float **wide, struct t5g_err *e)
{
    const struct t5g_frame *f, *scales;
    if (t5g_doc_only(doc, "encoder.out", T5G_KIND_TENSOR, &f, e) < 0 ||
        find_scales(doc, f, &scales, e) < 0)
        return -1;
    if (f == NULL)
        return t5g_err_set(e, T5G_EX_DATA, "%s",
                           t5g_doc_find(doc, "decode.ids") != NULL
                               ? "no encoder.out frame: t5g-decode takes it out of what it writes, "
                                 "unless it is given --keep"
                           : t5g_doc_find(doc, "embedding") != NULL
                               ? "no encoder.out frame: t5g-encode --pool writes one row, from "
                                 "which nothing is decoded: leave --pool out"
                               : "no encoder.out frame: run t5g-encode before t5g-decode");
    bool number = f->dtype == T5G_F32 || f->dtype == T5G_BF16 || f->dtype == T5G_F16;
    if ((!number && f->dtype != T5G_I8) || f->ndim != 2 || f->dims[1] != d)
        return t5g_err_set(e, T5G_EX_DATA, "encoder.out: expected f32, bf16, f16 or i8 [n, %zu]",
                           d);
    *n = (size_t)f->dims[0];
    *wide = NULL;
    *rows = (const float *)(const void *)f->data;
    if (f->dtype == T5G_I8) {
        if ((*wide = from_bytes(k, f, scales, e)) == NULL)
            return -1;
        *rows = *wide;
    } else if (f->dtype != T5G_F32) {
        *wide = t5g_alloc_raw(*n * d, sizeof(float));
        t5g_to_f32(*wide, f->data, f->dtype, *n * d);
        *rows = *wide;
    }
    return 0;
}
