/* frame.c: the 128-byte header: packing, unpacking, limits. */
#include "stream/frame.h"
#include "base/hash.h"
#include "base/json.h"
#include "base/jsonstr.h"
#include "base/utf8.h"

#include <stdio.h>
#include <string.h>

/* Offsets of t5g-stream(5), FRAME. */
enum {
    AT_KIND = 7,
    AT_MAJOR = 8,
    AT_MINOR = 9,
    AT_DTYPE = 10,
    AT_NDIM = 11,
    AT_FLAGS = 12,
    AT_ZERO = 14,
    AT_FRAME_LEN = 16,
    AT_PAYLOAD_LEN = 24,
    AT_PAYLOAD_OFF = 32,
    AT_META_LEN = 36,
    AT_DOC_KEY = 40,
    AT_DIMS = 48,
    AT_PAYLOAD_HASH = 112,
    AT_HEAD_HASH = 120,
};

static void
put(unsigned char *p, uint64_t v, int bytes)
{
    for (int i = 0; i < bytes; i++)
        p[i] = (unsigned char)(v >> (8 * i));
}

bool
t5g_kind_critical(int kind)
{
    return kind >= 'A' && kind <= 'Z';
}

uint64_t
t5g_doc_key(const char *id, size_t n)
{
    uint64_t h = t5g_hash64(id, n);
    return h == 0 ? 1 : h;
}

uint64_t
t5g_frame_head_hash(const unsigned char header[T5G_FRAME_HEADER], const char *meta, size_t meta_len)
{
    return t5g_hash64_two(header, AT_HEAD_HASH, meta, meta_len);
}

static uint64_t
payload_offset(size_t meta_len)
{
    return t5g_round_up(T5G_FRAME_HEADER + meta_len, T5G_ALIGN);
}

uint64_t
t5g_frame_length(const struct t5g_frame *f)
{
    return t5g_round_up(payload_offset(f->meta_len) + f->size, T5G_ALIGN);
}

void
t5g_frame_guess(const unsigned char in[T5G_FRAME_HEADER], uint64_t out[4])
{
    uint64_t off = t5g_little(in + AT_PAYLOAD_OFF, 4), size = t5g_little(in + AT_PAYLOAD_LEN, 8);
    uint64_t bytes = t5g_dtype_size(in[AT_DTYPE]);
    bool known = bytes > 0;
    for (size_t i = 0; i < T5G_FRAME_NDIM_MAX && i < in[AT_NDIM]; i++)
        known =
            known && !__builtin_mul_overflow(bytes, t5g_little(in + AT_DIMS + 8 * i, 8), &bytes);
    size = size <= T5G_FRAME_PAYLOAD_MAX ? size : 0;
    bytes = known && bytes <= T5G_FRAME_PAYLOAD_MAX ? bytes : 0;
    out[0] = t5g_little(in + AT_FRAME_LEN, 8);
    out[1] = t5g_round_up(off + size, T5G_ALIGN);
    out[2] = t5g_round_up(payload_offset(t5g_little(in + AT_META_LEN, 4)) + size, T5G_ALIGN);
    out[3] = t5g_round_up(off + bytes, T5G_ALIGN);
}

int
t5g_frame_check(const struct t5g_frame *f, uint64_t max_frame, struct t5g_err *e)
{
    bool letter = (f->kind >= 'A' && f->kind <= 'Z') || (f->kind >= 'a' && f->kind <= 'z');
    if (!letter)
        return t5g_err_set(e, T5G_EX_DATA, "kind 0x%02x is not a letter", f->kind);
    if (f->meta_len > T5G_FRAME_META_MAX)
        return t5g_err_set(e, T5G_EX_DATA, "meta of %zu bytes, limit %zu", f->meta_len,
                           T5G_FRAME_META_MAX);
    if (f->size > T5G_FRAME_PAYLOAD_MAX || payload_offset(f->meta_len) + f->size > max_frame)
        return t5g_err_set(e, T5G_EX_DATA, "payload of %llu bytes, limit %llu (--max-frame)",
                           (unsigned long long)f->size, (unsigned long long)max_frame);
    if (f->ndim > T5G_FRAME_NDIM_MAX)
        return t5g_err_set(e, T5G_EX_DATA, "%u dimensions, limit %d", f->ndim, T5G_FRAME_NDIM_MAX);
    if (strchr("HDTSCXE", f->kind) == NULL)
        return 0; /* a later version may use these fields differently */
    for (size_t i = f->ndim; i < T5G_FRAME_NDIM_MAX; i++)
        if (f->dims[i] != 0)
            return t5g_err_set(e, T5G_EX_DATA, "dimension %zu beyond ndim is not 0", i);
    if (f->kind != T5G_KIND_TENSOR)
        return f->dtype == 0 && f->ndim == 0
                   ? 0
                   : t5g_err_set(e, T5G_EX_DATA, "dtype or dimensions on a frame of kind '%c'",
                                 f->kind);
    uint64_t bytes = t5g_dtype_size(f->dtype);
    if (bytes == 0)
        return t5g_err_set(e, T5G_EX_DATA, "unknown dtype %u", f->dtype);
    for (size_t i = 0; i < f->ndim; i++)
        if (__builtin_mul_overflow(bytes, f->dims[i], &bytes))
            return t5g_err_set(e, T5G_EX_DATA, "dimensions overflow");
    if (bytes != f->size)
        return t5g_err_set(e, T5G_EX_DATA, "dimensions need %llu bytes, payload has %llu",
                           (unsigned long long)bytes, (unsigned long long)f->size);
    return 0;
}

/* The *n bytes of a checked JSON string: in the text itself if it has no escapes, else decoded into
 * b. */
static const char *
string_of(const char *raw, size_t len, struct t5g_buf *b, size_t *n)
{
    if (t5g_jsonstr_plain(raw + 1, len - 2) == len - 2) {
        *n = len - 2;
        return raw + 1;
    }
    t5g_buf_adds(b, ""); /* so that an empty string is not NULL */
    t5g_jsonstr_read(b, raw, len);
    *n = b->n;
    return b->p;
}

/* Check the members of meta that every reader relies on. */
static int
check_members(struct t5g_frame *f, struct t5g_err *e)
{
    const char *key = f->kind == T5G_KIND_DOC ? "id" : "name";
    struct t5g_json_walk w;
    struct t5g_buf decoded = {0};
    size_t n;
    int r = 0;
    f->label_at = f->label_len = 0;
    if (!t5g_json_walk_open(&w, f->meta, f->meta_len))
        return t5g_err_set(e, T5G_EX_DATA, "meta is not an object");
    while (t5g_json_walk_next(&w)) {
        if (t5g_jsonstr_equal(w.key, w.key_len, key) && w.value[0] == '"') {
            f->label_at = (uint32_t)(w.value - f->meta);
            f->label_len = (uint32_t)w.value_len;
        } else if (f->kind == T5G_KIND_DOC && w.value_len > T5G_FRAME_USER_MAX &&
                   t5g_jsonstr_equal(w.key, w.key_len, "user")) {
            r = t5g_err_set(e, T5G_EX_DATA, "\"user\" of %zu bytes, limit %zu", w.value_len,
                            T5G_FRAME_USER_MAX);
        }
    }
    if (f->label_len == 0)
        return t5g_err_set(e, T5G_EX_DATA, "meta has no string \"%s\"", key);
    const char *value = string_of(f->meta + f->label_at, f->label_len, &decoded, &n);
    if (f->kind == T5G_KIND_DOC && t5g_doc_key(value, n) != f->doc_key)
        r = t5g_err_set(e, T5G_EX_DATA, "document key does not match the id");
    else if (f->kind != T5G_KIND_DOC && (n == 0 || n > T5G_FRAME_NAME_MAX))
        r = t5g_err_set(e, T5G_EX_DATA, "name of %zu bytes, expected 1 to %d", n,
                        T5G_FRAME_NAME_MAX);
    t5g_buf_free(&decoded);
    return r;
}

int
t5g_frame_check_meta(struct t5g_frame *f, struct t5g_err *e)
{
    bool named = f->kind == T5G_KIND_DOC || f->kind == T5G_KIND_TENSOR || f->kind == T5G_KIND_TEXT;
    struct t5g_json_walk w;
    if (f->meta_len == 0)
        return named || f->kind == T5G_KIND_HEAD
                   ? t5g_err_set(e, T5G_EX_DATA, "frame of kind '%c' without meta", f->kind)
                   : 0;
    if (t5g_json_check(f->meta, f->meta_len, false, "meta", e) < 0)
        return -1;
    if (named)
        return check_members(f, e);
    return t5g_json_walk_open(&w, f->meta, f->meta_len)
               ? 0
               : t5g_err_set(e, T5G_EX_DATA, "meta is not an object");
}

int
t5g_frame_check_text(const struct t5g_frame *f, struct t5g_err *e)
{
    if (f->kind != T5G_KIND_TEXT)
        return 0;
    size_t good = t5g_utf8_check((const char *)f->data, (size_t)f->size);
    return good == f->size ? 0
                           : t5g_err_set(e, T5G_EX_DATA, "text is not UTF-8 at its byte %zu", good);
}

uint64_t
t5g_frame_put_header(unsigned char out[T5G_FRAME_HEADER], struct t5g_frame *f, bool payload_known)
{
    uint64_t off = payload_offset(f->meta_len), len = t5g_round_up(off + f->size, T5G_ALIGN);
    memset(out, 0, T5G_FRAME_HEADER);
    memcpy(out, T5G_FRAME_MAGIC, 7);
    out[AT_KIND] = f->kind;
    out[AT_MAJOR] = 1;
    out[AT_MINOR] = f->minor;
    out[AT_DTYPE] = f->dtype;
    out[AT_NDIM] = f->ndim;
    put(out + AT_FRAME_LEN, len, 8);
    put(out + AT_PAYLOAD_LEN, f->size, 8);
    put(out + AT_PAYLOAD_OFF, off, 4);
    put(out + AT_META_LEN, f->meta_len, 4);
    put(out + AT_DOC_KEY, f->doc_key, 8);
    for (int i = 0; i < T5G_FRAME_NDIM_MAX; i++)
        put(out + AT_DIMS + 8 * i, f->dims[i], 8);
    if (!payload_known)
        f->payload_hash = t5g_hash64(f->data, (size_t)f->size);
    put(out + AT_PAYLOAD_HASH, f->payload_hash, 8);
    f->head_hash = t5g_frame_head_hash(out, f->meta, f->meta_len);
    put(out + AT_HEAD_HASH, f->head_hash, 8);
    return len;
}

static int
refuse(struct t5g_err *e, uint64_t offset, const char *what)
{
    return t5g_err_set(e, T5G_EX_DATA, "frame at byte %llu: %s", (unsigned long long)offset, what);
}

int
t5g_frame_take_header(struct t5g_frame *f, struct t5g_frame_layout *l,
                      const unsigned char in[T5G_FRAME_HEADER], uint64_t offset, uint64_t max_frame,
                      struct t5g_err *e)
{
    if (memcmp(in, T5G_FRAME_MAGIC, 7) != 0)
        return offset == 0 ? t5g_err_set(e, T5G_EX_DATA, "not a t5g stream")
                           : refuse(e, offset, "damaged: no frame starts here");
    if (in[AT_MAJOR] != 1)
        return t5g_err_set(e, T5G_EX_DATA,
                           "frame at byte %llu: format version %u, this program reads 1",
                           (unsigned long long)offset, in[AT_MAJOR]);
    if (t5g_little(in + AT_FLAGS, 2) != 0)
        return t5g_err_set(e, T5G_EX_DATA, "frame at byte %llu: unknown flags 0x%llx",
                           (unsigned long long)offset,
                           (unsigned long long)t5g_little(in + AT_FLAGS, 2));
    if (t5g_little(in + AT_ZERO, 2) != 0)
        return refuse(e, offset, "damaged: bytes 14 and 15 are not 0");
    *f = (struct t5g_frame){.kind = in[AT_KIND],
                            .minor = in[AT_MINOR],
                            .dtype = in[AT_DTYPE],
                            .ndim = in[AT_NDIM],
                            .doc_key = t5g_little(in + AT_DOC_KEY, 8),
                            .meta_len = (size_t)t5g_little(in + AT_META_LEN, 4),
                            .size = t5g_little(in + AT_PAYLOAD_LEN, 8),
                            .payload_hash = t5g_little(in + AT_PAYLOAD_HASH, 8),
                            .head_hash = t5g_little(in + AT_HEAD_HASH, 8),
                            .offset = offset};
    for (int i = 0; i < T5G_FRAME_NDIM_MAX; i++)
        f->dims[i] = t5g_little(in + AT_DIMS + 8 * i, 8);
    l->frame_len = t5g_little(in + AT_FRAME_LEN, 8);
    l->payload_off = t5g_little(in + AT_PAYLOAD_OFF, 4);
    if (t5g_frame_check(f, max_frame, e) < 0)
        return t5g_err_in(e, "frame at byte %llu", (unsigned long long)offset);
    if (l->payload_off != payload_offset(f->meta_len) ||
        l->frame_len != t5g_round_up(l->payload_off + f->size, T5G_ALIGN))
        return refuse(e, offset, "damaged: lengths are inconsistent");
    return 0;
}

void
t5g_frame_label(const struct t5g_frame *f, struct t5g_buf *b)
{
    struct t5g_buf decoded = {0};
    size_t n;
    if (f->label_len == 0)
        return;
    const char *p = string_of(f->meta + f->label_at, f->label_len, &decoded, &n);
    t5g_buf_add(b, p, n);
    t5g_buf_free(&decoded);
}

void
t5g_frame_name(const struct t5g_frame *f, char *buf, size_t size)
{
    struct t5g_buf decoded = {0};
    size_t n = 0;
    const char *p = "";
    if (f->label_len > 0 && f->kind != T5G_KIND_DOC)
        p = string_of(f->meta + f->label_at, f->label_len, &decoded, &n);
    n = t5g_min(n, size - 1);
    memcpy(buf, p, n);
    buf[n] = '\0';
    t5g_buf_free(&decoded);
}

void
t5g_frame_put_dims(struct t5g_buf *b, const struct t5g_frame *f)
{
    for (size_t i = 0; i < f->ndim; i++)
        t5g_buf_printf(b, "%s%llu", i > 0 ? "," : "", (unsigned long long)f->dims[i]);
}

bool
t5g_frame_is(const struct t5g_frame *f, const char *name)
{
    return f->label_len > 0 && f->kind != T5G_KIND_DOC &&
           t5g_jsonstr_equal(f->meta + f->label_at, f->label_len, name);
}

void
t5g_end_put(unsigned char out[64], const struct t5g_end *x)
{
    memset(out, 0, 64);
    put(out, x->stream_len, 8);
    put(out + 8, x->frames, 8);
    put(out + 16, x->docs_ok, 8);
    put(out + 24, x->docs_failed, 8);
    put(out + 32, x->chain, 8);
    put(out + 40, x->status, 4);
    put(out + 48, x->index_off, 8);
}

void
t5g_end_take(struct t5g_end *x, const unsigned char in[64])
{
    *x = (struct t5g_end){.stream_len = t5g_little(in, 8),
                          .frames = t5g_little(in + 8, 8),
                          .docs_ok = t5g_little(in + 16, 8),
                          .docs_failed = t5g_little(in + 24, 8),
                          .chain = t5g_little(in + 32, 8),
                          .status = (uint32_t)t5g_little(in + 40, 4),
                          .index_off = t5g_little(in + 48, 8)};
}
