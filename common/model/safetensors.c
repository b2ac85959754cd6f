/*
 * safetensors.c: the header of one file. Eight bytes of little-endian length, then a JSON object
 * {"NAME": {"dtype", "shape", "data_offsets": [begin, end]}, "__metadata__": {...}}, then the data.
 * Checks are as strict as in the format's own reader; duplicate names are refused too.
 */
#include "model/safetensors.h"
#include "base/jsonstr.h"

#include <stdlib.h>
#include <string.h>

#define HEADER_MAX  ((size_t)16 << 20)
#define TENSORS_MAX 65536
#define NAME_MAX_T  256

struct entry {
    struct t5g_tensor t;
    uint64_t begin, end;
};

struct header {
    const char *file;
    struct t5g_err *e;
    struct entry *entries; /* [n] */
    size_t n, cap;
    struct t5g_buf names; /* NUL-terminated, one after the other */
};

/* A whole number at *p, before end; false if there is none or it overflows. */
static bool
take_number(const char **p, const char *end, uint64_t *out)
{
    const char *start = *p;
    *out = 0;
    for (; *p < end && **p >= '0' && **p <= '9'; (*p)++) {
        if (__builtin_mul_overflow(*out, 10, out) ||
            __builtin_add_overflow(*out, (uint64_t)(**p - '0'), out))
            return false;
    }
    return *p > start;
}

/* A checked JSON array of whole numbers to out [max]; the count, or -1 if it is anything else. */
static int
take_numbers(const char *p, size_t n, uint64_t *out, size_t max)
{
    const char *end = p + n - 1, *blanks = " \t\r\n";
    size_t count = 0;
    if (n < 2 || *p != '[')
        return -1;
    p++;
    p += strspn(p, blanks);
    while (p < end) {
        if (count == max || !take_number(&p, end, &out[count]))
            return -1;
        count++;
        p += strspn(p, blanks);
        if (p < end && *p != ',')
            return -1;
        if (p < end)
            p++;
        p += strspn(p, blanks);
    }
    return (int)count;
}

/* The size in bytes; false on overflow. */
static bool
tensor_bytes(const struct t5g_tensor *t, uint64_t *out)
{
    uint64_t n = t5g_dtype_size(t->dtype);
    for (size_t i = 0; i < t->ndim; i++) {
        if (__builtin_mul_overflow(n, t->dims[i], &n))
            return false;
    }
    *out = n;
    return true;
}

static int
read_entry(struct header *h, const char *name, const char *text, size_t n)
{
    struct entry x = {0};
    struct t5g_json_walk w;
    struct t5g_buf type = {0};
    uint64_t offsets[2], bytes = 0;
    bool has_shape = false, has_offsets = false;
    if (!t5g_json_walk_open(&w, text, n))
        return t5g_err_set(h->e, T5G_EX_DATA, "%s: tensor '%s': not an object", h->file, name);
    while (t5g_json_walk_next(&w)) {
        if (t5g_jsonstr_equal(w.key, w.key_len, "dtype") && *w.value == '"') {
            t5g_jsonstr_read(&type, w.value, w.value_len);
        } else if (t5g_jsonstr_equal(w.key, w.key_len, "shape")) {
            int count = take_numbers(w.value, w.value_len, x.t.dims, T5G_LEN(x.t.dims));
            has_shape = count >= 0;
            x.t.ndim = has_shape ? (size_t)count : 0;
        } else if (t5g_jsonstr_equal(w.key, w.key_len, "data_offsets")) {
            has_offsets = take_numbers(w.value, w.value_len, offsets, 2) == 2;
        }
    }
    const char *fault = NULL;
    x.t.dtype = type.n > 0 ? t5g_dtype_parse_safetensors(type.p) : 0;
    if (!has_shape)
        fault = "no shape of at most 8 dimensions";
    else if (!has_offsets)
        fault = "no data_offsets of two whole numbers";
    else if (x.t.dtype != 0 && (!tensor_bytes(&x.t, &bytes) || offsets[1] < offsets[0] ||
                                offsets[1] - offsets[0] != bytes))
        fault = "data_offsets do not fit dtype and shape";
    int r = 0;
    if (fault != NULL)
        r = t5g_err_set(h->e, T5G_EX_DATA, "%s: tensor '%s': %s", h->file, name, fault);
    else if (x.t.dtype == 0)
        r = t5g_err_set(h->e, T5G_EX_DATA, "%s: tensor '%s': dtype '%.40s' is not supported",
                        h->file, name, type.n > 0 ? type.p : "");
    t5g_buf_free(&type);
    if (r < 0)
        return -1;
    x.begin = offsets[0];
    x.end = offsets[1];
    x.t.size = bytes;
    h->entries = t5g_grow(h->entries, h->n, &h->cap, sizeof *h->entries);
    h->entries[h->n++] = x;
    return 0;
}

/* The members of the header object. */
static int
read_entries(struct header *h, const char *text, size_t n)
{
    struct t5g_json_walk w;
    if (!t5g_json_walk_open(&w, text, n))
        return t5g_err_set(h->e, T5G_EX_DATA, "%s: header is not a JSON object", h->file);
    while (t5g_json_walk_next(&w)) {
        if (t5g_jsonstr_equal(w.key, w.key_len, "__metadata__"))
            continue;
        size_t at = h->names.n;
        t5g_jsonstr_read(&h->names, w.key, w.key_len);
        size_t len = h->names.n - at;
        t5g_buf_addc(&h->names, '\0');
        if (len == 0 || len > NAME_MAX_T)
            return t5g_err_set(h->e, T5G_EX_DATA, "%s: tensor name of %zu bytes, expected 1 to %d",
                               h->file, len, NAME_MAX_T);
        if (h->n == TENSORS_MAX)
            return t5g_err_set(h->e, T5G_EX_DATA, "%s: more than %d tensors", h->file, TENSORS_MAX);
        if (read_entry(h, h->names.p + at, w.value, w.value_len) < 0)
            return -1;
    }
    const char *name = h->names.p; /* only now does the buffer no longer move */
    for (size_t i = 0; i < h->n; i++) {
        h->entries[i].t.name = name;
        name += strlen(name) + 1;
    }
    return 0;
}

static int
by_offset(const void *a, const void *b)
{
    const struct entry *x = a, *y = b;
    if (x->begin != y->begin)
        return x->begin < y->begin ? -1 : 1;
    if (x->end != y->end) /* empty tensors before one that starts at the same offset */
        return x->end < y->end ? -1 : 1;
    return strcmp(x->t.name, y->t.name);
}

/* Check that ranges follow each other from 0 to the end of the file, then pass the tensors to
 * add. */
static int
place_entries(struct header *h, const unsigned char *data, uint64_t size,
              int (*add)(void *arg, const struct t5g_tensor *t, struct t5g_err *e), void *arg)
{
    uint64_t at = 0;
    if (h->n > 0)
        qsort(h->entries, h->n, sizeof *h->entries, by_offset);
    for (size_t i = 0; i < h->n; i++) {
        struct entry *x = &h->entries[i];
        if (x->begin != at)
            return t5g_err_set(h->e, T5G_EX_DATA,
                               "%s: tensor '%s': data begins at %llu, expected %llu (%s)", h->file,
                               x->t.name, (unsigned long long)x->begin, (unsigned long long)at,
                               x->begin > at ? "a hole" : "an overlap");
        if (x->end > size)
            return t5g_err_set(
                h->e, T5G_EX_DATA,
                "%s: tensor '%s': data ends at %llu, but the file holds %llu bytes of data",
                h->file, x->t.name, (unsigned long long)x->end, (unsigned long long)size);
        at = x->end;
        x->t.data = data + x->begin;
        x->t.file = h->file;
    }
    if (at != size)
        return t5g_err_set(h->e, T5G_EX_DATA, "%s: %llu bytes of data belong to no tensor", h->file,
                           (unsigned long long)(size - at));
    for (size_t i = 0; i < h->n && add != NULL; i++) {
        if (add(arg, &h->entries[i].t, h->e) < 0)
            return -1;
    }
    return 0;
}

int
t5g_safetensors_parse(const unsigned char *p, size_t n, const char *file,
                      int (*add)(void *arg, const struct t5g_tensor *t, struct t5g_err *e),
                      void *arg, struct t5g_err *e)
{
    static const char pointer[] = "version https://git-lfs";
    uint64_t len = 0;
    if (n > sizeof pointer && memcmp(p, pointer, sizeof pointer - 1) == 0)
        return t5g_err_set(e, T5G_EX_DATA, "%s: a Git LFS pointer, expected the weights themselves",
                           file);
    if (n < 8)
        return t5g_err_set(e, T5G_EX_DATA, "%s: %zu bytes, too short for a safetensors file", file,
                           n);
    len = t5g_little(p, 8);
    if (len > n - 8)
        return t5g_err_set(e, T5G_EX_DATA, "%s: header of %llu bytes, but the file ends after %zu",
                           file, (unsigned long long)len, n - 8);
    if (len > HEADER_MAX)
        return t5g_err_set(e, T5G_EX_DATA, "%s: header of %llu bytes, expected at most %zu", file,
                           (unsigned long long)len, HEADER_MAX);
    if (len == 0 || p[8] != '{')
        return t5g_err_set(e, T5G_EX_DATA, "%s: header does not begin with '{'", file);
    struct header h = {.file = file, .e = e};
    /* The walk and the number reader look one byte ahead: give them a NUL after the text. */
    char *text = t5g_memdup(p + 8, (size_t)len);
    struct t5g_buf where = {0};
    t5g_buf_printf(&where, "%s: header", file);
    int r = t5g_json_check(text, (size_t)len, false, where.p, e);
    t5g_buf_free(&where);
    if (r == 0)
        r = read_entries(&h, text, (size_t)len);
    if (r == 0)
        r = place_entries(&h, p + 8 + len, n - 8 - len, add, arg);
    t5g_free(text);
    t5g_free(h.entries);
    t5g_buf_free(&h.names);
    return r;
}

const char *
t5g_safetensors_header(const unsigned char *p, size_t *len)
{
    *len = (size_t)t5g_little(p, 8);
    return (const char *)p + 8;
}

int
t5g_tensor_list_add(void *arg, const struct t5g_tensor *t, struct t5g_err *e)
{
    struct t5g_tensor_list *l = arg;
    (void)e;
    l->v = t5g_grow(l->v, l->n, &l->cap, sizeof *l->v);
    l->v[l->n] = *t;
    l->v[l->n++].name = t5g_strdup(t->name);
    return 0;
}

static int
by_name(const void *a, const void *b)
{
    const struct t5g_tensor *x = a, *y = b;
    return strcmp(x->name, y->name);
}

void
t5g_tensor_list_sort(struct t5g_tensor_list *l)
{
    if (l->n > 0)
        qsort(l->v, l->n, sizeof *l->v, by_name);
}

const struct t5g_tensor *
t5g_tensor_list_find(const struct t5g_tensor_list *l, const char *name)
{
    struct t5g_tensor key = {.name = name};
    return l->n > 0 ? bsearch(&key, l->v, l->n, sizeof *l->v, by_name) : NULL;
}

void
t5g_tensor_list_free(struct t5g_tensor_list *l)
{
    for (size_t i = 0; i < l->n; i++)
        t5g_free((void *)(uintptr_t)l->v[i].name);
    t5g_free(l->v);
    *l = (struct t5g_tensor_list){0};
}
