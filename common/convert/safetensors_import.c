/* safetensors_import.c: a safetensors file, exported by t5g or not, to documents. */
#include "convert/convert.h"
#include "base/jsonstr.h"
#include "base/mem.h"
#include "model/safetensors.h"

#include <string.h>

_Static_assert(T5G_LEN(((struct t5g_tensor *)0)->dims) <= T5G_FRAME_NDIM_MAX,
               "every tensor of a file has a frame");

static int
fetch_tensor(void *arg, const char *ref, struct t5g_payload *p, struct t5g_err *e)
{
    const struct t5g_tensor *t = t5g_tensor_list_find(arg, ref);
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
    size_t len;
    const char *header = t5g_safetensors_header(p, &len);
    t5g_json_span_pick(header, len, outer, &m, 1);
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
invent_index(struct t5g_buf *b, const struct t5g_tensor_list *f, const char *path)
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
    struct t5g_tensor_list f = {0}; /* in the order of their elements, later by name */
    struct t5g_map map = {0};
    struct t5g_buf index = {0};
    int r = t5g_map_file(path, &map, e);
    if (r == 0)
        r = t5g_safetensors_parse(map.p, map.size, path, t5g_tensor_list_add, &f, e);
    if (r == 0) {
        bool there = find_index(&index, map.p);
        if (!there)
            invent_index(&index, &f, path);
        t5g_tensor_list_sort(&f);
        im->fetch = fetch_tensor;
        im->arg = &f;
        struct t5g_index_place place = {there ? "its index" : NULL, 0};
        r = t5g_index_take(im, index.p != NULL ? index.p : "", index.n, true, &place, NULL, e);
        if (r < 0)
            t5g_err_in(e, "%s", path);
    }
    t5g_tensor_list_free(&f);
    t5g_buf_free(&index);
    t5g_unmap(&map);
    return r;
}
