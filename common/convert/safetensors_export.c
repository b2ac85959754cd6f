/* safetensors_export.c: a stream to one file with all tensors, and the index in its metadata. */
#include "convert/convert.h"
#include "base/jsonstr.h"
#include "base/mem.h"
#include "cli/output.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

struct key {
    uint64_t hash; /* 0: free */
    uint64_t next; /* number after '#' for the next one of this key */
};

/* An export. The header comes first in the file, so the elements wait in an unnamed file. */
struct exported {
    struct t5g_buf header, index;
    const struct t5g_doc *doc;
    uint64_t offset;
    int spool;
    struct key *used; /* [cap] the keys so far, open addressing */
    size_t n_used, cap;
};

/* The slot of a key, or the free one for it. */
static struct key *
find_key(struct exported *x, uint64_t hash)
{
    size_t at = hash % x->cap;
    while (x->used[at].hash != 0 && x->used[at].hash != hash)
        at = (at + 1) % x->cap;
    return &x->used[at];
}

/* Find or add the key; *fresh: it was added. Valid until the next call. */
static struct key *
use_key(struct exported *x, const struct t5g_buf *key, bool *fresh)
{
    uint64_t h = t5g_doc_key(key->p, key->n); /* never 0, which marks a free slot */
    if (x->n_used * 2 >= x->cap) {
        struct exported old = *x;
        x->cap = old.cap * 2 + 64;
        x->used = t5g_alloc(x->cap, sizeof *x->used);
        for (size_t i = 0; i < old.cap; i++)
            if (old.used[i].hash != 0)
                *find_key(x, old.used[i].hash) = old.used[i];
        t5g_free(old.used);
    }
    struct key *k = find_key(x, h);
    *fresh = k->hash == 0;
    x->n_used += *fresh;
    if (*fresh)
        *k = (struct key){h, 2};
    return k;
}

/* Append ID/NAME as a JSON string, with "#2", "#3", ... if that is taken: ids and names may repeat,
 * but the keys of a safetensors file may not. */
static void
make_key(struct t5g_buf *out, struct exported *x, const struct t5g_frame *f)
{
    struct t5g_buf key = {0};
    char name[T5G_FRAME_NAME_MAX + 1];
    bool fresh;
    t5g_frame_name(f, name, sizeof name);
    t5g_buf_printf(&key, "%s/%s", x->doc->id, name);
    size_t n = key.n;
    uint64_t h = t5g_doc_key(key.p, key.n), next = use_key(x, &key, &fresh)->next;
    while (!fresh) { /* continue after the last number, instead of trying all each time */
        key.n = n;
        t5g_buf_printf(&key, "#%llu", (unsigned long long)next++);
        (void)use_key(x, &key, &fresh);
    }
    find_key(x, h)->next = next;
    t5g_jsonstr_write(out, key.p, key.n);
    t5g_buf_free(&key);
}

static int
put_tensor(void *arg, struct t5g_buf *b, const struct t5g_frame *f, size_t i, struct t5g_err *e)
{
    struct exported *x = arg;
    (void)i;
    struct t5g_buf key = {0};
    make_key(&key, x, f);
    t5g_buf_printf(b, ",\"tensor\":%s", key.p);
    t5g_buf_printf(&x->header, ",%s", key.p);
    t5g_buf_free(&key);
    t5g_buf_printf(&x->header, ":{\"dtype\":\"%s\",\"shape\":[", t5g_dtype_safetensors(f->dtype));
    t5g_frame_put_dims(&x->header, f);
    t5g_buf_printf(&x->header, "],\"data_offsets\":[%llu,%llu]}", (unsigned long long)x->offset,
                   (unsigned long long)(x->offset + f->size));
    x->offset += f->size;
    return t5g_write_full(x->spool, "temporary file", f->data, (size_t)f->size, e);
}

/* An unnamed file in the folder of path: it disappears with the process, however that ends. */
static int
open_spool(const char *path, struct t5g_err *e)
{
    char *folder = t5g_path_folder(path);
    int fd = open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    t5g_free(folder);
    if (fd >= 0)
        return fd;
    FILE *f = tmpfile(); /* a file system without O_TMPFILE */
    fd = f != NULL ? dup(fileno(f)) : -1;
    if (f != NULL)
        fclose(f);
    return fd >= 0 ? fd : t5g_err_sys(e, T5G_EX_CREATE, "%s: cannot make a temporary file", path);
}

static int
finish(struct exported *x, int fd, const char *path, struct t5g_err *e)
{
    struct t5g_buf all = {0};
    static char chunk[1 << 16];
    size_t got;
    t5g_buf_adds(&all, "{\"__metadata__\":{\"format\":\"pt\",\"t5g\":");
    t5g_jsonstr_write(&all, x->index.p, x->index.n);
    t5g_buf_addc(&all, '}');
    if (x->header.n > 0)
        t5g_buf_add(&all, x->header.p, x->header.n);
    t5g_buf_addc(&all, '}');
    while (all.n % 8 != 0)
        t5g_buf_addc(&all, ' ');
    uint64_t len = all.n; /* little-endian host: base.h */
    int r = t5g_write_full(fd, path, &len, 8, e);
    if (r == 0)
        r = t5g_write_full(fd, path, all.p, all.n, e);
    if (r == 0 && lseek(x->spool, 0, SEEK_SET) < 0)
        r = t5g_err_sys(e, T5G_EX_IO, "temporary file");
    while (r == 0 &&
           (r = t5g_read_full(x->spool, "temporary file", chunk, sizeof chunk, &got, e)) == 0 &&
           got > 0)
        r = t5g_write_full(fd, path, chunk, got, e);
    t5g_buf_free(&all);
    return r;
}

int
t5g_safetensors_export(struct t5g_source *in, const char *path, uint64_t *failed, struct t5g_err *e)
{
    struct exported x = {.spool = -1};
    struct t5g_doc doc = {0};
    int fd = t5g_output_open(path, false, e), r = fd < 0 ? -1 : 0;
    x.doc = &doc;
    if (r == 0 && (x.spool = open_spool(path, e)) < 0)
        r = -1;
    if (r == 0 && (r = t5g_source_start(in, e)) == 0) {
        t5g_index_put_head(&x.index, in);
        while ((r = t5g_source_next(in, &doc, e)) == 1) {
            if ((r = t5g_index_put(&x.index, &doc, put_tensor, &x, e)) < 0)
                break;
            t5g_buf_addc(&x.index, '\n');
            *failed += doc.failed;
        }
    }
    if (r == 0)
        r = finish(&x, fd, path, e);
    if (r == 0)
        r = t5g_output_commit(e);
    if (x.spool >= 0)
        close(x.spool);
    t5g_doc_clear(&doc);
    t5g_buf_free(&x.header);
    t5g_buf_free(&x.index);
    t5g_free(x.used);
    return r;
}
