/* safetensors_import.c: a safetensors file, exported by t5g or not, to documents. */
#include "convert/convert.h"
#include "base/jsonstr.h"
#include "base/mem.h"
#include "model/safetensors.h"

#include <stdlib.h>
#include <string.h>

struct file {
    struct t5g_tensor *v; /* [n] in the order of their elements, then by name */
    size_t n, cap;
};

static int
add(void *arg, const struct t5g_tensor *t, struct t5g_err *e)
{
    struct file *f = arg;
    if (f->n == f->cap) {
        f->cap = f->cap * 2 + 64;
        struct t5g_tensor *v = t5g_alloc(f->cap, sizeof *v);
        if (f->n > 0)
            memcpy(v, f->v, f->n * sizeof *v);
        t5g_free(f->v);
        f->v = v;
    }
    if (t->ndim > T5G_FRAME_NDIM_MAX)
        return t5g_err_set(e, T5G_EX_DATA, "tensor %s: %zu dimensions, limit %d", t->name, t->ndim,
                           T5G_FRAME_NDIM_MAX);
    f->v[f->n] = *t;
    f->v[f->n++].name = t5g_strdup(t->name);
    return 0;
}

static int
by_name(const void *a, const void *b)
{
    const struct t5g_tensor *x = a, *y = b;
    return strcmp(x->name, y->name);
}

static int
fetch_tensor(void *arg, const char *ref, struct t5g_payload *p, struct t5g_err *e)
{
    const struct file *f = arg;
    struct t5g_tensor key = {.name = ref};
    const struct t5g_tensor *t = f->n > 0 ? bsearch(&key, f->v, f->n, sizeof *f->v, by_name) : NULL;
    if (t == NULL)
        return t5g_err_set(e, T5G_EX_DATA, "\"tensor\": the file has no %s", ref);
    *p = (struct t5g_payload){.dtype = t->dtype, .ndim = t->ndim, .data = t->data, .size = t->size};
    memcpy(p->dims, t->dims, t->ndim * sizeof *t->dims);
    return 0;
}

/* The index that t5g_safetensors_export put into the metadata; false if there is none. */
static bool
find_index(struct t5g_buf *out, const unsigned char *p)
{
    static const char *const outer[] = {"__metadata__"}, *const inner[] = {"t5g"};
    struct t5g_json_span m, index;
    uint64_t len;
    memcpy(&len, p, 8); /* checked by t5g_safetensors_parse, as is the JSON */
    t5g_json_span_pick((const char *)p + 8, (size_t)len, outer, &m, 1);
    if (!t5g_json_span_starts(&m, '{'))
        return false;
    t5g_json_span_pick(m.p, m.n, inner, &index, 1);
    if (!t5g_json_span_starts(&index, '"'))
        return false;
    t5g_json_span_decode(out, &index);
    return true;
}

/* Make an index for another file: keys are ID/NAME as in an export; without slash, ID is the file.
 */
static void
invent_index(struct t5g_buf *b, const struct file *f, const char *path)
{
    const char *slash = strrchr(path, '/'), *base = slash != NULL ? slash + 1 : path;
    const char *id = NULL;
    size_t id_len = 0;
    for (size_t i = 0; i < f->n; i++) {
        const char *key = f->v[i].name, *cut = strrchr(key, '/'), *now = cut != NULL ? key : base;
        const char *name = cut != NULL && cut[1] != '\0' ? cut + 1 : key;
        size_t len = cut != NULL ? (size_t)(cut - key) : strlen(base);
        bool same = id != NULL && len == id_len && memcmp(id, now, len) == 0;
        if (!same) {
            t5g_buf_adds(b, id != NULL ? "]}\n{\"id\":" : "{\"id\":");
            t5g_jsonstr_write(b, now, len);
            t5g_buf_adds(b, ",\"frames\":[");
        }
        id = now;
        id_len = len;
        t5g_buf_adds(b, same ? ",{\"name\":" : "{\"name\":");
        t5g_jsonstr_write(b, name, strlen(name));
        t5g_buf_adds(b, ",\"tensor\":");
        t5g_jsonstr_write(b, key, strlen(key));
        t5g_buf_addc(b, '}');
    }
    if (id != NULL)
        t5g_buf_adds(b, "]}\n");
}

int
t5g_safetensors_import(struct t5g_importer *im, const char *path, struct t5g_err *e)
{
    struct file f = {0};
    struct t5g_map map = {0};
    struct t5g_buf index = {0};
    int r = t5g_map_file(path, &map, e);
    if (r == 0)
        r = t5g_safetensors_parse(map.p, map.size, path, add, &f, e);
    if (r == 0) {
        bool there = find_index(&index, map.p);
        if (!there)
            invent_index(&index, &f, path);
        if (f.n > 0)
            qsort(f.v, f.n, sizeof *f.v, by_name);
        im->fetch = fetch_tensor;
        im->arg = &f;
        struct t5g_index_place place = {there ? "its index" : NULL, 0};
        r = t5g_index_take(im, index.p != NULL ? index.p : "", index.n, true, &place, NULL, e);
        if (r < 0)
            t5g_err_in(e, "%s", path);
    }
    for (size_t i = 0; i < f.n; i++)
        t5g_free((void *)(uintptr_t)f.v[i].name);
    t5g_free(f.v);
    t5g_buf_free(&index);
    t5g_unmap(&map);
    return r;
}
