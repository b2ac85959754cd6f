/* packed.c: looking into a packed model. */
#include "model/packed.h"
#include "base/json.h"
#include "stream/head.h"

#include <string.h>
#include <sys/stat.h>

bool
t5g_is_packed(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && S_ISREG(st.st_mode);
}

/* The frame at byte `at` into *f; its length, or 0 with e. */
static uint64_t
frame_at(struct t5g_frame *f, const unsigned char *p, size_t size, size_t at, struct t5g_err *e)
{
    struct t5g_frame_layout l;
    if (size - at < T5G_FRAME_HEADER) {
        t5g_err_set(e, T5G_EX_DATA, "cut off at byte %zu", size);
        return 0;
    }
    if (t5g_frame_unpack(f, &l, p + at, at, T5G_FRAME_PAYLOAD_MAX, e) < 0)
        return 0;
    f->meta = (const char *)p + at + T5G_FRAME_HEADER;
    f->data = p + at + l.payload_off;
    if (l.frame_len > size - at ||
        t5g_frame_head_hash(p + at, f->meta, f->meta_len) != f->head_hash) {
        t5g_err_set(e, T5G_EX_DATA, "frame at byte %zu: %s", at,
                    l.frame_len > size - at ? "cut off" : "header is damaged");
        return 0;
    }
    return l.frame_len;
}

int
t5g_packed_walk(const unsigned char *p, size_t size, const char *path,
                int (*see)(void *arg, const struct t5g_frame *f, struct t5g_err *e), void *arg,
                struct t5g_err *e)
{
    uint64_t frames = 0;
    if (size < 8 || memcmp(p, T5G_FRAME_MAGIC, 7) != 0 || p[7] != T5G_KIND_HEAD)
        return t5g_err_set(e, T5G_EX_DATA,
                           "%s: no packed model (a model is a directory or a file "
                           "that t5g-pack wrote)",
                           path);
    for (size_t at = 0; at < size;) {
        struct t5g_frame f;
        uint64_t len = frame_at(&f, p, size, at, e);
        if (len == 0)
            return t5g_err_in(e, "%s", path);
        at += len;
        frames++;
        int r = see(arg, &f, e);
        if (r != 0)
            return r < 0 ? t5g_err_in(e, "%s", path) : 1;
        if (f.kind != T5G_KIND_END)
            continue;
        struct t5g_end x;
        t5g_end_unpack(&x, f.data);
        if (f.size != 64 || x.status != 0 || x.stream_len != at || x.frames != frames || at != size)
            return t5g_err_set(e, T5G_EX_DATA, "%s: not the whole of one packed model", path);
        return 0;
    }
    return t5g_err_set(e, T5G_EX_DATA, "%s: no END", path);
}

struct tensors {
    int (*add)(void *arg, const struct t5g_tensor *t, struct t5g_err *e);
    void *arg;
    const char *path;
};

/* A quantised matrix: u8 [n] that holds panels, then scales, as the meta says. */
static int
read_quantised(struct t5g_tensor *t, const struct t5g_frame *f, const struct t5g_json *meta,
               const char *layout, struct t5g_err *e)
{
    int64_t rows, cols, group;
    bool q8 = strcmp(layout, T5G_LAYOUT_Q8) == 0;
    if (!q8 && strcmp(layout, T5G_LAYOUT_Q4) != 0)
        return t5g_err_set(e, T5G_EX_DATA,
                           "tensor '%s': layout %s is not known to this version: pack the model "
                           "again",
                           t->name, layout);
    if (!t5g_json_int(t5g_json_get(meta, "rows"), 1, (int64_t)1 << 32, &rows) ||
        !t5g_json_int(t5g_json_get(meta, "cols"), 1, (int64_t)1 << 32, &cols) ||
        !t5g_json_int(t5g_json_get(meta, "group"), 32, 65536, &group) || group % 32 != 0)
        return t5g_err_set(e, T5G_EX_DATA, "tensor '%s': rows, cols or group", t->name);
    uint64_t panels = ((uint64_t)rows + 15) / 16, groups = (uint64_t)((cols + group - 1) / group);
    uint64_t bytes = panels * t5g_round_up((uint64_t)cols, 8) * (q8 ? 16 : 8);
    if (f->dtype != T5G_U8 || f->size != bytes + panels * groups * 32)
        return t5g_err_set(e, T5G_EX_DATA, "tensor '%s': %llu bytes, expected %llu", t->name,
                           (unsigned long long)f->size,
                           (unsigned long long)(bytes + panels * groups * 32));
    t->dtype = q8 ? T5G_Q8 : T5G_Q4;
    t->ndim = 2;
    t->dims[0] = (uint64_t)rows;
    t->dims[1] = (uint64_t)cols;
    t->group = (size_t)group;
    t->scale = f->data + bytes;
    return 0;
}

static int
see_tensor(void *arg, const struct t5g_frame *f, struct t5g_err *e)
{
    struct tensors *x = arg;
    struct t5g_tensor t = {
        .dtype = f->dtype, .ndim = f->ndim, .data = f->data, .size = f->size, .file = x->path};
    if (f->kind != T5G_KIND_TENSOR)
        return 0;
    struct t5g_json *meta = t5g_json_parse(f->meta, f->meta_len, "meta", e);
    if (meta == NULL)
        return -1;
    t.name = t5g_json_str(t5g_json_get(meta, "name"));
    const char *layout = t5g_json_str(t5g_json_get(meta, "layout"));
    memcpy(t.dims, f->dims, sizeof t.dims);
    int r = t.name == NULL ? t5g_err_set(e, T5G_EX_DATA, "a tensor without name") : 0;
    if (r == 0 && layout != NULL)
        r = read_quantised(&t, f, meta, layout, e);
    if (r == 0 && strcmp(t.name, T5G_PACKED_TOKENIZER) != 0)
        r = x->add(x->arg, &t, e);
    t5g_json_free(meta);
    return r;
}

int
t5g_packed_tensors(const unsigned char *p, size_t size, const char *path,
                   int (*add)(void *arg, const struct t5g_tensor *t, struct t5g_err *e), void *arg,
                   struct t5g_err *e)
{
    struct tensors x = {add, arg, path};
    return t5g_packed_walk(p, size, path, see_tensor, &x, e);
}

static int
see_head(void *arg, const struct t5g_frame *f, struct t5g_err *e)
{
    struct t5g_head *h = arg;
    return t5g_head_read(h, f->meta, f->meta_len, e) < 0 ? -1 : 1;
}

int
t5g_packed_identity(const unsigned char *p, size_t size, const char *path, char *model, char *num,
                    struct t5g_err *e)
{
    struct t5g_head h = {0};
    int r = t5g_packed_walk(p, size, path, see_head, &h, e);
    if (r == 1) {
        memcpy(model, h.model, sizeof h.model);
        memcpy(num, h.num, sizeof h.num);
    }
    if (r == 1 && h.model[0] == '\0')
        r = t5g_err_set(e, T5G_EX_DATA, "%s: no packed model: HEAD names none", path);
    t5g_head_clear(&h);
    return r == 1 ? 0 : -1;
}

struct wanted {
    int kind;
    const char *name;
    struct t5g_frame found;
};

static int
see_named(void *arg, const struct t5g_frame *f, struct t5g_err *e)
{
    struct wanted *x = arg;
    char name[T5G_FRAME_NAME_MAX + 1];
    (void)e;
    if (f->kind != x->kind)
        return 0;
    t5g_frame_name(f, name, sizeof name);
    if (strcmp(name, x->name) != 0)
        return 0;
    x->found = *f;
    return 1;
}

int
t5g_model_text(const char *model, const char *name, size_t limit, struct t5g_buf *b,
               struct t5g_err *e)
{
    if (!t5g_is_packed(model)) {
        char *path = t5g_path_join(model, name);
        int r = t5g_read_file(path, limit, b, e);
        t5g_free(path);
        return r;
    }
    struct t5g_map m;
    struct wanted x = {.kind = T5G_KIND_TEXT, .name = name};
    if (t5g_map_file(model, &m, e) < 0)
        return -1;
    int r = t5g_packed_walk(m.p, m.size, model, see_named, &x, e);
    if (r == 1 && x.found.size <= limit)
        t5g_buf_add(b, x.found.data, x.found.size);
    else if (r >= 0)
        r = t5g_err_set(e, r == 1 ? T5G_EX_DATA : T5G_EX_NOINPUT, "%s: %s: %s", model, name,
                        r == 1 ? "too large" : "not in this packed model");
    t5g_unmap(&m);
    return r == 1 ? 0 : -1;
}

int
t5g_packed_table(const char *path, struct t5g_map *m, const void **block, uint64_t *n,
                 struct t5g_err *e)
{
    struct wanted x = {.kind = T5G_KIND_TENSOR, .name = T5G_PACKED_TOKENIZER};
    if (t5g_map_file(path, m, e) < 0)
        return -1;
    int r = t5g_packed_walk(m->p, m->size, path, see_named, &x, e);
    if (r == 1) {
        *block = x.found.data;
        *n = x.found.size;
        return 0;
    }
    if (r == 0)
        t5g_err_set(e, T5G_EX_NOINPUT, "%s: no tokenizer in this packed model", path);
    t5g_unmap(m);
    return -1;
}
