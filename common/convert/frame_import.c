/* frame_import.c: one frame of a document, from its JSON object and what that references. */
#include "convert/convert.h"
#include "base/hash.h"
#include "base/jsonstr.h"

#include <string.h>

void
t5g_import_make_meta(struct t5g_buf *b, const char *key, const struct t5g_json_span *value,
                     const struct t5g_json_span *rest)
{
    struct t5g_json_walk w;
    t5g_buf_printf(b, "{\"%s\":%.*s", key, (int)value->n, value->p);
    if (rest->p != NULL && t5g_json_walk_open(&w, rest->p, rest->n))
        while (t5g_json_walk_next(&w)) {
            t5g_buf_addc(b, ',');
            t5g_buf_add(b, w.key, w.key_len);
            t5g_buf_addc(b, ':');
            t5g_buf_add(b, w.value, w.value_len);
        }
    t5g_buf_addc(b, '}');
}

int
t5g_import_write_frame(struct t5g_importer *im, int kind, const struct t5g_buf *meta,
                       const struct t5g_payload *p, uint64_t key, struct t5g_err *e)
{
    struct t5g_frame f = {.kind = (uint8_t)kind, .doc_key = key, .meta = meta->p};
    f.meta_len = meta->n;
    f.data = (const unsigned char *)"";
    if (p != NULL) {
        f.dtype = (uint8_t)p->dtype;
        f.ndim = (uint8_t)p->ndim;
        memcpy(f.dims, p->dims, p->ndim * sizeof *f.dims);
        f.size = p->size;
        f.data = p->size > 0 ? p->data : f.data;
    }
    if (t5g_frame_check(&f, UINT64_MAX, e) < 0) /* before the payload is read */
        return -1;
    f.payload_hash = t5g_hash64(f.data, (size_t)f.size);
    return t5g_writer_frame(im->run->w, &f, e);
}

/* Convert f32 back to bf16 if the index says so: .npy has no bf16, and f32 holds it without loss.
 * Otherwise type and shape come from the array, not the index, since the array may have been
 * edited.
 */
static void
settle(struct t5g_payload *p, const struct t5g_payload *said)
{
    if (said->dtype == T5G_BF16 && p->dtype == T5G_F32) {
        size_t n = (size_t)(p->size / 4);
        uint16_t *out = t5g_alloc_raw(n, sizeof *out);
        t5g_narrow(out, T5G_BF16, p->data, T5G_F32, n);
        t5g_free(p->owned);
        p->owned = out;
        p->data = (const unsigned char *)out;
        p->size /= 2;
        p->dtype = T5G_BF16;
    }
}

enum { NAME, DTYPE, SHAPE, META, DATA, TEXT, FILE_REF, TENSOR_REF, FRAME_KEYS };

/* Get the elements of one frame object into p. */
static int
take_payload(struct t5g_importer *im, const struct t5g_json_span *m, struct t5g_payload *p,
             struct t5g_err *e)
{
    struct t5g_buf word = {0};
    struct t5g_payload said = {0};
    const struct t5g_json_span *ref =
        t5g_json_span_starts(&m[FILE_REF], '"') ? &m[FILE_REF] : &m[TENSOR_REF];
    int r = 0;
    if (t5g_json_span_starts(&m[DTYPE], '"')) {
        t5g_json_span_decode(&word, &m[DTYPE]);
        said.dtype = t5g_dtype_parse(word.p);
        if (said.dtype == 0)
            r = t5g_err_set(e, T5G_EX_DATA, "unknown dtype %s", word.p);
        word.n = 0;
    }
    if (r == 0 && t5g_json_span_starts(&m[SHAPE], '['))
        r = t5g_numbers_take_shape(&said, m[SHAPE].p, m[SHAPE].n, e);
    if (r < 0) {
    } else if (t5g_json_span_starts(&m[DATA], '[')) {
        *p = said;
        if (said.dtype == 0 || !t5g_json_span_starts(&m[SHAPE], '['))
            r = t5g_err_set(e, T5G_EX_DATA, "\"data\" without \"dtype\" and \"shape\"");
        else
            r = t5g_numbers_take(p, m[DATA].p, m[DATA].n, e);
    } else if (t5g_json_span_starts(ref, '"') && im->fetch != NULL) {
        t5g_json_span_decode(&word, ref);
        r = im->fetch(im->arg, word.p, p, e);
        if (r == 0)
            settle(p, &said);
    } else {
        r = t5g_err_set(e, T5G_EX_DATA, "no elements, expected \"%s\"",
                        im->fetch == NULL ? "data" : "file or tensor");
    }
    t5g_buf_free(&word);
    return r;
}

int
t5g_import_take_frame(struct t5g_importer *im, const struct t5g_json_span *object, uint64_t key,
                      struct t5g_err *e)
{
    static const char *const keys[FRAME_KEYS] = {"name", "dtype", "shape", "meta",
                                                 "data", "text",  "file",  "tensor"};
    struct t5g_json_span m[FRAME_KEYS];
    struct t5g_buf meta = {0}, text = {0};
    struct t5g_payload p = {0};
    int r;
    t5g_json_span_pick(object->p, object->n, keys, m, FRAME_KEYS);
    if (!t5g_json_span_starts(&m[NAME], '"'))
        return t5g_err_set(e, T5G_EX_DATA, "\"frames\": a frame has no \"name\"");
    t5g_import_make_meta(&meta, "name", &m[NAME], &m[META]);
    if (t5g_json_span_starts(&m[TEXT], '"')) {
        t5g_json_span_decode(&text, &m[TEXT]);
        p.data = (const unsigned char *)text.p;
        p.size = text.n;
        r = t5g_import_write_frame(im, T5G_KIND_TEXT, &meta, &p, key, e);
    } else {
        r = take_payload(im, m, &p, e);
        if (r == 0)
            r = t5g_import_write_frame(im, T5G_KIND_TENSOR, &meta, &p, key, e);
    }
    if (r < 0)
        t5g_err_in(e, "frame %.*s", (int)t5g_min(m[NAME].n, 300), m[NAME].p);
    if (p.mapped.p != NULL)
        t5g_unmap(&p.mapped);
    t5g_free(p.owned);
    t5g_buf_free(&meta);
    t5g_buf_free(&text);
    return r;
}
