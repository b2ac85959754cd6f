/* packed.c: read a packed model. */
#include "model/packed.h"
#include "model/matrix.h"
#include "base/jsonstr.h"
#include "base/num.h"
#include "stream/stream_head.h"

#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { LOOK = 1024 }; /* bytes of a frame that are read at once */

/* A packed file: its mapping p [size], and the descriptor that headers are read from, or -1. */
struct image {
    const unsigned char *p;
    size_t size;
    const char *path;
    int fd;
};

int
t5g_is_packed(const char *path, struct t5g_err *e)
{
    struct stat st;
    if (stat(path, &st) < 0)
        return t5g_err_sys(e, T5G_EX_NOINPUT, "%s: cannot open model", path);
    return S_ISREG(st.st_mode);
}

/*
 * Where header and meta of the frame at byte `at` are: in *buf, or in the mapping. A page of the
 * mapping that is looked at for the first time costs three times what reading a few bytes does, and
 * a model has a thousand frames, megabytes apart.
 */
static const unsigned char *
look_at(const struct image *x, size_t at, unsigned char *buf, size_t room)
{
    size_t n = t5g_min(room, x->size - at);
    return x->fd >= 0 && pread(x->fd, buf, n, (off_t)at) == (ssize_t)n ? buf : x->p + at;
}

/* The frame at byte `at` into *f, its meta perhaps in buf; its length, or 0 with e. */
static uint64_t
frame_at(struct t5g_frame *f, const struct image *x, size_t at, unsigned char buf[static LOOK],
         struct t5g_err *e)
{
    struct t5g_frame_layout l;
    if (x->size - at < T5G_FRAME_HEADER) {
        t5g_err_set(e, T5G_EX_DATA, "cut off at byte %zu", x->size);
        return 0;
    }
    const unsigned char *header = look_at(x, at, buf, LOOK);
    if (t5g_frame_take_header(f, &l, header, at, T5G_FRAME_PAYLOAD_MAX, e) < 0)
        return 0;
    if (f->meta_len >= LOOK - T5G_FRAME_HEADER)
        header = x->p + at;
    f->meta = (const char *)header + T5G_FRAME_HEADER;
    f->data = x->p + at + l.payload_off;
    if (l.frame_len > x->size - at ||
        t5g_frame_head_hash(header, f->meta, f->meta_len) != f->head_hash) {
        t5g_err_set(e, T5G_EX_DATA, "frame at byte %zu: %s", at,
                    l.frame_len > x->size - at ? "cut off" : "header is damaged");
        return 0;
    }
    return l.frame_len;
}

/*
 * Call see(arg, frame) for every frame of a packed file in order, HEAD and END included, until it
 * returns 1 (then 1), or -1 (then -1); the frame's meta is gone afterwards. Headers, metas, sizes
 * and the END are checked; payloads are not hashed, as t5g-frame verify does. -1 with e (65).
 */
static int
walk(const struct image *x, int (*see)(void *arg, const struct t5g_frame *f, struct t5g_err *e),
     void *arg, struct t5g_err *e)
{
    uint64_t frames = 0;
    unsigned char buf[LOOK];
    if (x->size < 8 || memcmp(x->p, T5G_FRAME_MAGIC, 7) != 0 || x->p[7] != T5G_KIND_HEAD)
        return t5g_err_set(e, T5G_EX_DATA,
                           "%s: no packed model (a model is a directory or a file "
                           "that t5g-pack wrote)",
                           x->path);
    for (size_t at = 0; at < x->size;) {
        struct t5g_frame f;
        uint64_t len = frame_at(&f, x, at, buf, e);
        if (len == 0)
            return t5g_err_in(e, "%s", x->path);
        at += len;
        frames++;
        int r = see(arg, &f, e);
        if (r != 0)
            return r < 0 ? t5g_err_in(e, "%s", x->path) : 1;
        if (f.kind != T5G_KIND_END)
            continue;
        struct t5g_end end = {0};
        if (f.size == 64)
            t5g_end_take(&end, f.data);
        if (f.size != 64 || end.status != 0 || end.stream_len != at || end.frames != frames ||
            at != x->size)
            return t5g_err_set(e, T5G_EX_DATA, "%s: not the whole of one packed model", x->path);
        return 0;
    }
    return t5g_err_set(e, T5G_EX_DATA, "%s: no END", x->path);
}

/* A tensor's meta. It is read without building a tree: a model has a thousand tensors. */
struct meta {
    struct t5g_buf name, layout;
    uint64_t rows, cols, group;
};

static void
read_meta(struct meta *m, const struct t5g_frame *f)
{
    struct t5g_json_walk w;
    struct {
        const char *key;
        uint64_t *to;
    } numbers[] = {{"rows", &m->rows}, {"cols", &m->cols}, {"group", &m->group}};
    m->name.n = m->layout.n = 0;
    m->rows = m->cols = m->group = 0;
    bool object = t5g_json_walk_open(&w, f->meta, f->meta_len);
    while (object && t5g_json_walk_next(&w)) {
        bool string = w.value[0] == '"';
        if (string && t5g_jsonstr_equal(w.key, w.key_len, "name"))
            t5g_jsonstr_read(&m->name, w.value, w.value_len);
        else if (string && t5g_jsonstr_equal(w.key, w.key_len, "layout"))
            t5g_jsonstr_read(&m->layout, w.value, w.value_len);
        for (size_t i = 0; i < T5G_LEN(numbers) && !string; i++) {
            char digits[24];
            if (!t5g_jsonstr_equal(w.key, w.key_len, numbers[i].key) ||
                w.value_len >= sizeof digits)
                continue;
            memcpy(digits, w.value, w.value_len);
            digits[w.value_len] = '\0';
            if (t5g_num_u64("", digits, 1, (uint64_t)1 << 32, numbers[i].to, NULL) < 0)
                *numbers[i].to = 0;
        }
    }
}

/* A quantised matrix: u8 [n] with panels, then scales, as described in the meta. */
static int
read_quantised(struct t5g_tensor *t, const struct t5g_frame *f, const struct meta *m,
               struct t5g_err *e)
{
    int dtype = t5g_quant_dtype(m->layout.p);
    if (dtype == 0)
        return t5g_err_set(e, T5G_EX_DATA,
                           "tensor '%s': layout %s is not known to this version: pack the model "
                           "again",
                           t->name, m->layout.p);
    if (m->rows == 0 || m->cols == 0 || m->rows > (uint64_t)1 << 31 ||
        m->cols > (uint64_t)1 << 24 || (m->group != 32 && m->group != 64 && m->group != 128))
        return t5g_err_set(e, T5G_EX_DATA, "tensor '%s': rows, cols or group", t->name);
    struct t5g_quant_sizes z = t5g_quant_sizes(dtype, m->rows, m->cols, m->group);
    uint64_t all = z.panels + z.scales + z.zeros;
    if (f->dtype != T5G_U8 || f->size != all)
        return t5g_err_set(e, T5G_EX_DATA, "tensor '%s': %llu bytes, expected %llu", t->name,
                           (unsigned long long)f->size, (unsigned long long)all);
    t->dtype = dtype;
    t->ndim = 2;
    t->dims[0] = m->rows;
    t->dims[1] = m->cols;
    t->group = (size_t)m->group;
    t->scale = f->data + z.panels;
    t->zero = z.zeros > 0 ? t->scale + z.scales : NULL;
    return 0;
}

struct tensors {
    int (*add)(void *arg, const struct t5g_tensor *t, struct t5g_err *e);
    void *arg;
    const char *path;
    struct meta meta;
};

static int
see_tensor(void *arg, const struct t5g_frame *f, struct t5g_err *e)
{
    struct tensors *x = arg;
    struct t5g_tensor t = {
        .dtype = f->dtype, .ndim = f->ndim, .data = f->data, .size = f->size, .file = x->path};
    if (f->kind != T5G_KIND_TENSOR)
        return 0;
    if (t5g_json_check(f->meta, f->meta_len, false, "meta", e) < 0)
        return -1;
    read_meta(&x->meta, f);
    if (x->meta.name.n == 0)
        return t5g_err_set(e, T5G_EX_DATA, "a tensor without name");
    t.name = x->meta.name.p;
    memcpy(t.dims, f->dims, sizeof t.dims);
    if (x->meta.layout.n > 0 && read_quantised(&t, f, &x->meta, e) < 0)
        return -1;
    return strcmp(t.name, T5G_PACKED_TOKENIZER) == 0 ? 0 : x->add(x->arg, &t, e);
}

int
t5g_packed_tensors(const unsigned char *p, size_t size, const char *path, int fd,
                   int (*add)(void *arg, const struct t5g_tensor *t, struct t5g_err *e), void *arg,
                   struct t5g_err *e)
{
    struct tensors x = {.add = add, .arg = arg, .path = path};
    int r = walk(&(struct image){p, size, path, fd}, see_tensor, &x, e);
    t5g_buf_free(&x.meta.name);
    t5g_buf_free(&x.meta.layout);
    return r;
}

static int
see_head(void *arg, const struct t5g_frame *f, struct t5g_err *e)
{
    struct t5g_head *h = arg;
    return t5g_head_read(h, f->meta, f->meta_len, e) < 0 ? -1 : 1;
}

int
t5g_packed_identity(const unsigned char *p, size_t size, const char *path, struct t5g_parts *parts,
                    char *num, struct t5g_err *e)
{
    struct t5g_head h = {0};
    int r = walk(&(struct image){p, size, path, -1}, see_head, &h, e);
    if (r == 1) {
        memcpy(parts->id, h.id, sizeof parts->id);
        memcpy(parts->source, h.source[T5G_ID_ENCODER], sizeof parts->source);
        memcpy(num, h.num, sizeof h.num);
    }
    if (r == 1 && h.id[T5G_ID_ENCODER][0] == '\0')
        r = h.model[0] != '\0'
                ? t5g_err_set(e, T5G_EX_DATA,
                              "%s: packed by an earlier version, which had one identity for a "
                              "whole model: pack the model again",
                              path)
                : t5g_err_set(e, T5G_EX_DATA, "%s: no packed model: HEAD names none", path);
    t5g_head_clear(&h);
    return r == 1 ? 0 : -1;
}

struct wanted {
    int kind;
    const char *name;
    struct t5g_frame found;
    bool has; /* found is set */
};

static int
see_named(void *arg, const struct t5g_frame *f, struct t5g_err *e)
{
    struct wanted *x = arg;
    struct t5g_frame named = *f;
    if (f->kind != x->kind) /* texts come before the first tensor */
        return x->kind == T5G_KIND_TEXT && f->kind == T5G_KIND_TENSOR;
    if (t5g_frame_check_meta(&named, e) < 0)
        return -1;
    if (!t5g_frame_is(&named, x->name))
        return 0;
    x->found = *f;
    x->has = true;
    return 1;
}

/* Append p [n] and a NUL that does not count. 1, or -1 with e. */
static int
take_text(struct t5g_buf *b, const char *path, const void *p, uint64_t n, size_t limit,
          struct t5g_err *e)
{
    if (n > limit)
        return t5g_err_set(e, T5G_EX_DATA, "%s: larger than %zu bytes", path, limit);
    t5g_buf_add(b, p, (size_t)n);
    t5g_buf_adds(b, "");
    return 1;
}

static int
packed_text(const char *model, const char *name, size_t limit, struct t5g_buf *b, struct t5g_err *e)
{
    struct t5g_map m;
    struct wanted x = {.kind = T5G_KIND_TEXT, .name = name};
    if (t5g_map_file(model, &m, e) < 0)
        return -1;
    int r = walk(&(struct image){m.p, m.size, model, -1}, see_named, &x, e);
    r = r < 0 ? -1 : x.has;
    if (r == 1 && (t5g_hash64(x.found.data, x.found.size) != x.found.payload_hash))
        r = t5g_err_set(e, T5G_EX_DATA, "%s: %s is damaged (checksum)", model, name);
    if (r == 1)
        r = take_text(b, model, x.found.data, x.found.size, limit, e);
    t5g_unmap(&m);
    return r;
}

int
t5g_model_optional(const char *model, const char *name, size_t limit, struct t5g_buf *b,
                   struct t5g_err *e)
{
    int r = t5g_is_packed(model, e);
    if (r != 0)
        return r < 0 ? -1 : packed_text(model, name, limit, b, e);
    struct t5g_map m;
    char *path = t5g_path_join(model, name);
    r = t5g_map_optional(path, &m, e);
    if (r == 1) {
        r = take_text(b, path, m.p, m.size, limit, e);
        t5g_unmap(&m);
    }
    t5g_free(path);
    return r;
}

int
t5g_model_text(const char *model, const char *name, size_t limit, struct t5g_buf *b,
               struct t5g_err *e)
{
    int r = t5g_model_optional(model, name, limit, b, e);
    if (r == 0)
        return t5g_err_set(e, T5G_EX_NOINPUT, "%s: no %s", model, name);
    return r < 0 ? -1 : 0;
}

int
t5g_packed_table(const char *path, struct t5g_map *m, const void **block, uint64_t *n,
                 struct t5g_err *e)
{
    struct wanted x = {.kind = T5G_KIND_TENSOR, .name = T5G_PACKED_TOKENIZER};
    if (t5g_map_file(path, m, e) < 0)
        return -1;
    int r = walk(&(struct image){m->p, m->size, path, -1}, see_named, &x, e);
    if (r >= 0 && x.has) {
        *block = x.found.data;
        *n = x.found.size;
        return 1;
    }
    t5g_unmap(m);
    return r < 0 ? -1 : 0;
}
