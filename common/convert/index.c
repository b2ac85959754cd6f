/* index.c: documents as JSON objects. */
#include "convert/convert.h"
#include "base/hash.h"
#include "base/jsonstr.h"

#include <string.h>

void
t5g_index_put_head(struct t5g_buf *b, const struct t5g_source *in)
{
    t5g_buf_adds(b, t5g_source_head(in)->meta);
    t5g_buf_addc(b, '\n');
}

/* Append ,"KEY":{...} with the members of a meta except `without`; nothing if there are none. */
static void
put_meta(struct t5g_buf *b, const char *key, const char *meta, size_t n, const char *without)
{
    struct t5g_json_walk w;
    bool any = false;
    if (!t5g_json_walk_open(&w, meta, n))
        return;
    while (t5g_json_walk_next(&w)) {
        if (without != NULL && t5g_jsonstr_equal(w.key, w.key_len, without))
            continue;
        t5g_buf_addc(b, ',');
        if (!any)
            t5g_buf_printf(b, "\"%s\":{", key);
        t5g_buf_add(b, w.key, w.key_len);
        t5g_buf_addc(b, ':');
        t5g_buf_add(b, w.value, w.value_len);
        any = true;
    }
    if (any)
        t5g_buf_addc(b, '}');
}

int
t5g_index_put_data(void *arg, struct t5g_buf *b, const struct t5g_frame *f, size_t i,
                   struct t5g_err *e)
{
    (void)arg;
    (void)i;
    (void)e;
    t5g_numbers_put(b, f);
    return 0;
}

/* Append `,"dtype":"f32","shape":[12,64]` for a tensor. */
static void
put_type(struct t5g_buf *b, const struct t5g_frame *f)
{
    t5g_buf_printf(b, ",\"dtype\":\"%s\",\"shape\":[", t5g_dtype_name(f->dtype));
    t5g_frame_put_dims(b, f);
    t5g_buf_addc(b, ']');
}

static int
put_frame(struct t5g_buf *b, const struct t5g_frame *f, size_t i, t5g_put_ref *put, void *arg,
          struct t5g_err *e)
{
    char name[T5G_FRAME_NAME_MAX + 1];
    t5g_frame_name(f, name, sizeof name);
    t5g_buf_adds(b, "{\"name\":");
    t5g_jsonstr_write(b, name, strlen(name));
    if (f->kind == T5G_KIND_TENSOR)
        put_type(b, f);
    put_meta(b, "meta", f->meta, f->meta_len, "name");
    int r = 0;
    if (f->kind == T5G_KIND_TENSOR) {
        r = put(arg, b, f, i, e);
    } else {
        t5g_buf_adds(b, ",\"text\":");
        t5g_jsonstr_write(b, (const char *)f->data, (size_t)f->size);
    }
    t5g_buf_addc(b, '}');
    return r;
}

int
t5g_index_put(struct t5g_buf *b, const struct t5g_doc *d, t5g_put_ref *put, void *arg,
              struct t5g_err *e)
{
    size_t n = 0;
    t5g_buf_adds(b, "{\"id\":");
    t5g_jsonstr_write(b, d->id, d->id_len);
    put_meta(b, "doc", d->open.meta, d->open.meta_len, "id");
    t5g_buf_adds(b, ",\"frames\":[");
    for (size_t i = 0; i < d->n_items; i++) {
        if (d->items[i].kind != T5G_KIND_TENSOR && d->items[i].kind != T5G_KIND_TEXT)
            continue;
        if (n++ > 0)
            t5g_buf_addc(b, ',');
        if (put_frame(b, &d->items[i], i, put, arg, e) < 0)
            return -1;
    }
    t5g_buf_addc(b, ']');
    if (d->failed)
        t5g_buf_printf(b, ",\"error\":%s", d->close.meta_len > 0 ? d->close.meta : "{}");
    else
        put_meta(b, "close", d->close.meta, d->close.meta_len, NULL);
    t5g_buf_addc(b, '}');
    return 0;
}

void
t5g_index_put_listing(struct t5g_buf *b, const struct t5g_doc *d)
{
    t5g_buf_adds(b, "{\"id\":");
    t5g_jsonstr_write(b, d->id, d->id_len);
    t5g_buf_adds(b, ",\"frames\":[");
    for (size_t i = 0; i < d->n_items; i++) {
        const struct t5g_frame *f = &d->items[i];
        t5g_buf_printf(b, "%s{\"kind\":\"%c\",\"bytes\":%llu", i > 0 ? "," : "", f->kind,
                       (unsigned long long)f->size);
        if (f->kind == T5G_KIND_TENSOR)
            put_type(b, f);
        t5g_buf_printf(b, ",\"meta\":%s}", f->meta_len > 0 ? f->meta : "{}");
    }
    t5g_buf_addc(b, ']');
    if (d->failed)
        t5g_buf_printf(b, ",\"error\":%s", d->close.meta_len > 0 ? d->close.meta : "{}");
    t5g_buf_adds(b, "}\n");
}
