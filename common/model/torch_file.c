/* torch_file.c: the records of a file of torch.save(), and the files that are not one. */
#include "model/torch_file.h"
#include "archive/zipmap.h"
#include "base/crc32.h"
#include "base/mem.h"
#include "model/torch_pickle.h"

struct records {
    struct t5g_zipmap zip;
    size_t folder; /* length of NAME/ in front of every member */
    const char *file;
    int (*add)(void *arg, const struct t5g_tensor *t, struct t5g_err *e);
    void *arg;
};

/* A pickle of PyTorch 1.5 and before: the number 0x1950a86a20f9469cfc6c comes first. */
static bool
is_old(const unsigned char *p, size_t n)
{
    static const unsigned char magic[] = {0x8a, 10,   0x6c, 0xfc, 0x9c, 0x46,
                                          0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19};
    return n >= 2 + sizeof magic && p[0] == 0x80 && memcmp(p + 2, magic, sizeof magic) == 0;
}

/* A file that does not begin as a zip archive does. */
static int
explain(const unsigned char *p, size_t n, const char *file, struct t5g_err *e)
{
    static const char pointer[] = "version https://git-lfs";
    if (n > sizeof pointer && memcmp(p, pointer, sizeof pointer - 1) == 0)
        return t5g_err_set(e, T5G_EX_DATA, "%s: a Git LFS pointer, expected the weights themselves",
                           file);
    if (is_old(p, n))
        return t5g_err_set(
            e, T5G_EX_DATA,
            "%s: of the form before PyTorch 1.6, which is not read: convert it with python3 -c "
            "\"import os, torch; p = '%s'; torch.save(torch.load(p, 'cpu', weights_only=True), "
            "p + '.new'); os.replace(p + '.new', p)\"",
            file, file);
    if (n > 8 && p[8] == '{' && t5g_little(p, 8) < n)
        return t5g_err_set(e, T5G_EX_DATA,
                           "%s: a safetensors file: name it model.safetensors, or as its index "
                           "does",
                           file);
    return t5g_err_set(e, T5G_EX_DATA, "%s: not a file of torch.save()", file);
}

/* The record NAME/rest[n]; NULL if there is none. */
static const struct t5g_zip_member *
record(const struct records *r, const char *rest, size_t n)
{
    struct t5g_buf name = {0};
    t5g_buf_add(&name, r->zip.first, r->folder);
    t5g_buf_add(&name, rest, n);
    const struct t5g_zip_member *m = t5g_zipmap_find(&r->zip, name.p, name.n);
    t5g_buf_free(&name);
    return m;
}

static int
see(void *arg, const struct t5g_pickled *x, struct t5g_err *e)
{
    const struct records *r = arg;
    struct t5g_buf key = {0};
    uint64_t item = t5g_dtype_size(x->dtype), stored;
    t5g_buf_adds(&key, "data/");
    t5g_buf_add(&key, x->key, x->key_len);
    const struct t5g_zip_member *m = record(r, key.p, key.n);
    int is = 0;
    if (m == NULL)
        is =
            t5g_err_set(e, T5G_EX_DATA, "%s: tensor '%s': there is no %s", r->file, x->name, key.p);
    else if (__builtin_mul_overflow(x->stored, item, &stored) || stored != m->size)
        is = t5g_err_set(e, T5G_EX_DATA,
                         "%s: tensor '%s': %s has %llu bytes, expected %llu elements of %llu",
                         r->file, x->name, key.p, (unsigned long long)m->size,
                         (unsigned long long)x->stored, (unsigned long long)item);
    t5g_buf_free(&key);
    if (is < 0)
        return -1;
    struct t5g_tensor t = {.name = x->name,
                           .dtype = x->dtype,
                           .ndim = x->ndim,
                           .data = m->data + x->offset * item,
                           .size = x->count * item,
                           .file = r->file};
    memcpy(t.dims, x->dims, sizeof t.dims);
    return r->add != NULL ? r->add(r->arg, &t, e) : 0;
}

static int
read_records(struct records *r, struct t5g_err *e)
{
    static const char pickle[] = "data.pkl", order[] = "byteorder", little[] = "little";
    const char *slash = memchr(r->zip.first, '/', r->zip.first_len);
    r->folder = slash != NULL ? (size_t)(slash + 1 - r->zip.first) : 0;
    const struct t5g_zip_member *m = record(r, pickle, sizeof pickle - 1),
                                *o = record(r, order, sizeof order - 1);
    if (slash == NULL || m == NULL)
        return t5g_err_set(e, T5G_EX_DATA, "%s: a zip archive, but not one of torch.save()",
                           r->file);
    /* PyTorch 2.1 and later write it. */
    if (o != NULL && (o->size != sizeof little - 1 || memcmp(o->data, little, o->size) != 0))
        return t5g_err_set(e, T5G_EX_DATA, "%s: byteorder: '%.*s', expected '%s'", r->file,
                           (int)t5g_min((size_t)o->size, 20), (const char *)o->data, little);
    if (m->size > T5G_PICKLE_MAX)
        return t5g_err_set(e, T5G_EX_DATA, "%s: data.pkl of %llu bytes, expected at most %d",
                           r->file, (unsigned long long)m->size, T5G_PICKLE_MAX);
    if (t5g_crc32(m->data, (size_t)m->size) != m->crc)
        return t5g_err_set(e, T5G_EX_DATA, "%s: data.pkl is damaged (checksum)", r->file);
    return t5g_torch_pickle(m->data, (size_t)m->size, r->file, see, r, e);
}

int
t5g_torch_parse(const unsigned char *p, size_t n, const char *file,
                int (*add)(void *arg, const struct t5g_tensor *t, struct t5g_err *e), void *arg,
                struct t5g_err *e)
{
    struct records r = {.file = file, .add = add, .arg = arg};
    if (n < 4 || memcmp(p, "PK\3\4", 4) != 0)
        return explain(p, n, file, e);
    int got = t5g_zipmap_read(&r.zip, p, n, e);
    got = got < 0 ? t5g_err_in(e, "%s", file) : read_records(&r, e);
    t5g_zipmap_free(&r.zip);
    return got;
}
