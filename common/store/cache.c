/*
 * cache.c: results kept on disk by a hash of what they were made from.
 *
 *   DIR/CACHEDIR.TAG
 *   DIR/v1/ab/<30 hex>.t5g   an entry: HEAD DOC [input.ids] TENSOR+ CLOSE END, named by its key
 *   DIR/v1/tmp/              entries being written
 *
 * No locks and no index: an entry appears by rename, is checked as a whole when read, and
 * disappears by unlink. This works on NFS too.
 */
#include "store/cache.h"
#include "base/cachedir.h"
#include "base/io.h"
#include "base/json.h"
#include "base/num.h"
#include "base/own.h"
#include "base/temporary.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define TAG                                                                                       \
    "Signature: 8a477f597d28d172789f06886806bc55\n"                                               \
    "# This folder holds results that t5g can make again; t5g-cache(5) says what may be done to " \
    "it.\n"

struct t5g_cache {
    char *dir;
    char *elsewhere; /* the default folder, for tables and notes; NULL if a folder was given */
    void (*warn)(const char *line);
    bool warned, made;
    unsigned long serial;
    struct t5g_cache_stats stats;
};

struct t5g_cache *
t5g_cache_open(const char *dir, void (*warn)(const char *line))
{
    struct t5g_cache *c = t5g_alloc(1, sizeof *c);
    const char *named = dir != NULL ? dir : getenv("T5G_CACHE_DIR");
    char *inside = t5g_cache_path("v1");
    char *usual = inside != NULL ? t5g_memdup(inside, strlen(inside) - 3) : NULL;
    t5g_free(inside);
    if (named != NULL && named[0] != '\0')
        c->dir = t5g_strdup(named);
    else
        c->dir = usual != NULL ? t5g_strdup(usual) : NULL;
    c->elsewhere = usual;
    if (dir != NULL) {
        t5g_free(usual);
        c->elsewhere = NULL;
    }
    c->warn = warn;
    return c;
}

void
t5g_cache_close(struct t5g_cache *c)
{
    if (c == NULL)
        return;
    t5g_free(c->dir);
    t5g_free(c->elsewhere);
    t5g_free(c);
}

const struct t5g_cache_stats *
t5g_cache_stats(const struct t5g_cache *c)
{
    return &c->stats;
}

const char *
t5g_cache_dir(const struct t5g_cache *c)
{
    return c->dir != NULL ? c->dir : "";
}

const char *
t5g_cache_notes_dir(const struct t5g_cache *c)
{
    return c->elsewhere != NULL && strcmp(c->elsewhere, t5g_cache_dir(c)) != 0 ? c->elsewhere
                                                                               : NULL;
}

static void T5G_PRINTF(2, 3) complain(struct t5g_cache *c, const char *fmt, ...)
{
    char line[2048];
    va_list ap;
    if (c->warned || c->warn == NULL)
        return;
    va_start(ap, fmt);
    vsnprintf(line, sizeof line, fmt, ap);
    va_end(ap);
    c->warn(line);
    c->warned = true;
}

/* ---- keys ---- */

void
t5g_cache_key_open(struct t5g_cache_key *k, const char *const *names)
{
    static const char version[] = "t5gkey\0\1", salt[] = "t5gcheck";
    *k = (struct t5g_cache_key){.key = t5g_hash_open(), .check = t5g_hash_open()};
    t5g_hash_add(k->check, salt, sizeof salt);
    t5g_hash_add(k->key, version, sizeof version);
    for (; *names != NULL; names++) {
        t5g_hash_add(k->key, *names, strlen(*names) + 1);
        t5g_hash_add(k->check, *names, strlen(*names) + 1);
    }
}

void
t5g_cache_key_add(struct t5g_cache_key *k, int dtype, size_t ndim, const uint64_t *dims,
                  const void *data, size_t bytes)
{
    struct t5g_hash *both[] = {k->key, k->check};
    uint64_t shape[2] = {(uint64_t)dtype, ndim};
    for (size_t i = 0; i < T5G_LEN(both); i++) {
        t5g_hash_add(both[i], shape, sizeof shape);
        t5g_hash_add(both[i], dims, ndim * sizeof *dims);
        t5g_hash_add(both[i], data, bytes);
    }
}

void
t5g_cache_key_close(struct t5g_cache_key *k)
{
    t5g_hash_get128_hex(k->key, k->hex);
    t5g_hash_get128_hex(k->check, k->check_hex);
    t5g_hash_close(k->key);
    t5g_hash_close(k->check);
    k->key = k->check = NULL;
}

static void
path_of(const struct t5g_cache *c, const struct t5g_cache_key *k, struct t5g_buf *path)
{
    t5g_buf_printf(path, "%s/v1/%.2s/%s.t5g", c->dir, k->hex, k->hex + 2);
}

/* ---- reading ---- */

/* Whether the entry is whole, undamaged and the one for the key. */
static bool
holds(struct t5g_cache_entry *x, const struct t5g_cache_key *k, const char *const *names,
      const int32_t *ids, size_t n_ids, double *seconds)
{
    struct t5g_doc rest = {0};
    if (t5g_source_next(x->source, &x->doc, NULL) != 1 || x->doc.failed)
        return false;
    struct t5g_json *meta = t5g_json_parse(x->doc.open.meta, x->doc.open.meta_len, "DOC", NULL);
    const char *check = t5g_json_str(t5g_json_get(meta, "check"));
    bool same = check != NULL && strcmp(check, k->check_hex) == 0;
    *seconds = t5g_json_num(t5g_json_get(meta, "seconds"));
    t5g_json_free(meta);
    const struct t5g_frame *have = t5g_doc_find(&x->doc, "input.ids");
    if (!same)
        return false;
    if (n_ids > 0 && (have == NULL || have->size != n_ids * sizeof *ids ||
                      memcmp(have->data, ids, n_ids * sizeof *ids) != 0))
        return false;
    for (; *names != NULL; names++) {
        const struct t5g_frame *tensor = t5g_doc_find(&x->doc, *names);
        if (tensor == NULL || tensor->kind != T5G_KIND_TENSOR)
            return false;
        x->tensors[x->n++] = *tensor;
    }
    bool whole = t5g_source_next(x->source, &rest, NULL) == 0; /* END is there, and valid */
    t5g_doc_clear(&rest);
    return whole;
}

void
t5g_cache_entry_close(struct t5g_cache_entry *x)
{
    t5g_doc_clear(&x->doc);
    t5g_source_close(x->source);
    x->source = NULL;
}

/* Remove what is at path, which is not a valid entry. */
static void
remove_damaged(struct t5g_cache *c, const char *path)
{
    if (unlink(path) == 0)
        complain(c, "%s: damaged cache entry removed", path);
    else if (errno != ENOENT) /* ENOENT: cache-gc removed it during the read */
        complain(c, "%s: damaged cache entry; cannot remove: %s", path, strerror(errno));
}

bool
t5g_cache_get(struct t5g_cache *c, const struct t5g_cache_key *k, const char *const *names,
              const int32_t *ids, size_t n_ids, struct t5g_cache_entry *x)
{
    struct t5g_buf path = {0};
    struct t5g_err e = {0};
    double seconds = 0;
    bool hit = false;
    if (c->dir == NULL)
        return false;
    path_of(c, k, &path);
    *x = (struct t5g_cache_entry){0};
    int fd = t5g_own_open(path.p, &e);
    if (fd >= 0) {
        x->source = t5g_source_open_fd(fd, path.p, T5G_FRAME_SIZE_DEFAULT);
        t5g_source_hold(x->source);
        hit = holds(x, k, names, ids, n_ids, &seconds);
    }
    if (hit) {
        t5g_own_used(fd);
    } else if (fd >= 0 || e.code == T5G_EX_DATA) {
        t5g_cache_entry_close(x);
        remove_damaged(c, path.p);
    } else if (e.code != T5G_EX_NOINPUT) {
        complain(c, "cache: %s", e.msg);
    }
    c->stats.hits += hit;
    c->stats.misses += !hit;
    if (hit) {
        for (size_t i = 0; i < x->n; i++)
            c->stats.bytes_read += x->tensors[i].size;
        c->stats.saved += seconds > 0 ? seconds : 0;
    }
    t5g_buf_free(&path);
    return hit;
}

/* ---- writing ---- */

static int
make_folder(const char *path, struct t5g_err *e)
{
    if (mkdir(path, 0700) == 0 || errno == EEXIST)
        return t5g_own_folder(path, false, e);
    return t5g_err_sys(e, T5G_EX_CREATE, "%s: cannot create folder", path);
}

/* Create the folders and the tag, once. */
static int
make_folders(struct t5g_cache *c, const struct t5g_cache_key *k, struct t5g_err *e)
{
    struct t5g_buf path = {0};
    int r = 0;
    if (!c->made) {
        t5g_buf_printf(&path, "%s/CACHEDIR.TAG", c->dir);
        if (t5g_own_folder(c->dir, true, e) < 0 && e->code != T5G_EX_NOINPUT)
            r = -1;
        else if (access(path.p, F_OK) != 0)
            r = t5g_write_file(path.p, TAG, strlen(TAG), e);
        if (r == 0) /* even if just created */
            r = t5g_own_folder(c->dir, true, e);
        static const char *const below[] = {"v1", "v1/tmp"};
        for (size_t i = 0; i < T5G_LEN(below) && r == 0; i++) {
            path.n = 0;
            t5g_buf_printf(&path, "%s/%s", c->dir, below[i]);
            r = make_folder(path.p, e);
        }
        c->made = r == 0;
    }
    path.n = 0;
    t5g_buf_printf(&path, "%s/v1/%.2s", c->dir, k->hex);
    if (r == 0)
        r = make_folder(path.p, e);
    t5g_buf_free(&path);
    return r;
}

static uint64_t
bytes_of(const struct t5g_cache_tensor *t)
{
    uint64_t n = t5g_dtype_size(t->dtype);
    for (size_t i = 0; i < t->ndim; i++)
        n *= t->dims[i];
    return n;
}

/* Write one entry. */
static int
write_entry(struct t5g_writer *w, const struct t5g_cache_key *k, const struct t5g_cache_tensor *t,
            size_t n, const int32_t *ids, size_t n_ids, double seconds, struct t5g_err *e)
{
    char extra[128], number[32];
    int r = 0;
    t5g_num_print_f32(number, (float)seconds);
    snprintf(extra, sizeof extra, "\"check\":\"%s\",\"seconds\":%s", k->check_hex, number);
    if (t5g_writer_begin(w, NULL, "t5g-cache", NULL, e) < 0 ||
        t5g_writer_doc(w, k->hex, strlen(k->hex), extra, e) < 0 ||
        (n_ids > 0 &&
         t5g_writer_tensor(w, "input.ids", T5G_I32, 1, (uint64_t[]){n_ids}, ids, NULL, e) < 0))
        return -1;
    for (size_t i = 0; i < n && r == 0; i++)
        r = t5g_writer_tensor(w, t[i].name, t[i].dtype, t[i].ndim, t[i].dims, t[i].data, t[i].extra,
                              e);
    return r < 0 || t5g_writer_close(w, NULL, e) < 0 || t5g_writer_end(w, 0, e) < 0 ? -1 : 0;
}

void
t5g_cache_put(struct t5g_cache *c, const struct t5g_cache_key *k,
              const struct t5g_cache_tensor *tensors, size_t n, const int32_t *ids, size_t n_ids,
              double seconds)
{
    struct t5g_buf path = {0}, temporary = {0};
    struct t5g_err e = {0};
    char host[64] = "";
    if (c->dir == NULL || make_folders(c, k, &e) < 0) {
        complain(c, "no results are kept: %s", c->dir == NULL ? "no cache folder" : e.msg);
        return;
    }
    gethostname(host, sizeof host - 1);
    path_of(c, k, &path);
    t5g_buf_printf(&temporary, "%s/v1/tmp/%s.%s.%ld.%lu", c->dir, k->hex, host, (long)getpid(),
                   c->serial++);
    struct t5g_temporary *t;
    int fd = t5g_temporary_exact(&t, temporary.p, 0600, &e), r = -1;
    if (fd >= 0) {
        struct t5g_writer *w = t5g_writer_open(fd, temporary.p);
        r = write_entry(w, k, tensors, n, ids, n_ids, seconds, &e);
        t5g_writer_free(w);
        if (close(fd) < 0 && r == 0)
            r = t5g_err_sys(&e, T5G_EX_IO, "%s: cannot write", temporary.p);
        if (r == 0)
            r = t5g_temporary_rename(t, path.p, &e);
        else
            t5g_temporary_remove(t);
    }
    if (r == 0) {
        c->stats.stored++;
        for (size_t i = 0; i < n; i++)
            c->stats.bytes_written += bytes_of(&tensors[i]);
    } else {
        complain(c, "a result was not kept: %s", e.msg);
    }
    t5g_buf_free(&path);
    t5g_buf_free(&temporary);
}
