/* modeldir.c: model directories made for a test. */
#include "modeldir.h"

#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

static void
must(int r, const struct t5g_err *e)
{
    if (r < 0)
        fail_msg("%s", e->msg);
}

char *
md_fixture(const char *name)
{
    const char *tests = getenv("T5G_TESTS");
    assert_non_null(tests);
    char *models = t5g_path_join(tests, "models"), *r = t5g_path_join(models, name);
    t5g_free(models);
    return r;
}

static struct md_tensor *
append(struct md_list *l)
{
    struct md_tensor *more = t5g_alloc(l->n + 1, sizeof *more);
    if (l->n > 0)
        memcpy(more, l->p, l->n * sizeof *more);
    t5g_free(l->p);
    l->p = more;
    return &l->p[l->n++];
}

struct md_list
md_read(const char *dir)
{
    struct t5g_err e = {0};
    struct md_list l = {0};
    struct t5g_safetensors *s = t5g_safetensors_open(dir, &e);
    must(s == NULL ? -1 : 0, &e);
    for (size_t i = 0; i < t5g_safetensors_count(s); i++) {
        const struct t5g_tensor *t = t5g_safetensors_at(s, i);
        struct md_tensor *x = append(&l);
        x->name = t5g_strdup(t->name);
        x->dtype = t->dtype;
        x->ndim = t->ndim;
        memcpy(x->dims, t->dims, sizeof x->dims);
        x->size = t->size;
        x->data = t5g_memdup(t->data, t->size);
    }
    t5g_safetensors_close(s);
    return l;
}

void
md_free(struct md_list *l)
{
    for (size_t i = 0; i < l->n; i++) {
        t5g_free(l->p[i].name);
        t5g_free(l->p[i].data);
    }
    t5g_free(l->p);
    *l = (struct md_list){0};
}

struct md_tensor *
md_find(struct md_list *l, const char *name)
{
    for (size_t i = 0; i < l->n; i++) {
        if (strcmp(l->p[i].name, name) == 0)
            return &l->p[i];
    }
    fail_msg("no tensor %s", name);
    return NULL;
}

void
md_drop(struct md_list *l, const char *name)
{
    struct md_tensor *x = md_find(l, name);
    size_t i = (size_t)(x - l->p);
    t5g_free(x->name);
    t5g_free(x->data);
    memmove(x, x + 1, (l->n - i - 1) * sizeof *x);
    l->n--;
}

struct md_tensor *
md_copy(struct md_list *l, const char *name, const char *as)
{
    size_t i = (size_t)(md_find(l, name) - l->p);
    struct md_tensor *x = append(l);
    *x = l->p[i];
    x->name = t5g_strdup(as);
    x->data = t5g_memdup(l->p[i].data, l->p[i].size);
    return x;
}

void
md_rename(struct md_list *l, const char *from, const char *to)
{
    size_t n = strlen(from), hits = 0;
    for (size_t i = 0; i < l->n; i++) {
        if (strncmp(l->p[i].name, from, n) != 0)
            continue;
        struct t5g_buf b = {0};
        t5g_buf_printf(&b, "%s%s", to, l->p[i].name + n);
        t5g_free(l->p[i].name);
        l->p[i].name = b.p;
        hits++;
    }
    assert_true(hits > 0);
}

void
md_write(const struct md_list *l, size_t from, size_t to, size_t pad, const char *path)
{
    struct t5g_buf h = {0}, out = {0};
    struct t5g_err e = {0};
    uint64_t at = 0;
    t5g_buf_adds(&h, "{\"__metadata__\":{\"format\":\"pt\"}");
    for (size_t i = from; i < to; i++) {
        const struct md_tensor *x = &l->p[i];
        t5g_buf_printf(&h, ",\"%s\":{\"dtype\":\"%s\",\"shape\":[", x->name,
                       t5g_dtype_safetensors(x->dtype));
        for (size_t k = 0; k < x->ndim; k++)
            t5g_buf_printf(&h, "%s%llu", k > 0 ? "," : "", (unsigned long long)x->dims[k]);
        t5g_buf_printf(&h, "],\"data_offsets\":[%llu,%llu]}", (unsigned long long)at,
                       (unsigned long long)(at + x->size));
        at += x->size;
    }
    t5g_buf_addc(&h, '}');
    while (h.n % 8 != 0)
        t5g_buf_addc(&h, ' ');
    for (size_t i = 0; i < pad; i++)
        t5g_buf_addc(&h, ' ');
    uint64_t n = h.n;
    t5g_buf_add(&out, &n, 8);
    t5g_buf_add(&out, h.p, h.n);
    for (size_t i = from; i < to; i++)
        t5g_buf_add(&out, l->p[i].data, l->p[i].size);
    must(t5g_write_file(path, out.p, out.n, &e), &e);
    t5g_buf_free(&h);
    t5g_buf_free(&out);
}

char *
md_tmp(void)
{
    const char *base = getenv("TMPDIR");
    char *path = t5g_path_join(base != NULL ? base : "/tmp", "t5g-test-XXXXXX");
    assert_non_null(mkdtemp(path));
    return path;
}

static int
remove_one(const char *path, const struct stat *st, int kind, struct FTW *at)
{
    (void)st;
    (void)kind;
    (void)at;
    return remove(path);
}

void
md_remove(const char *dir)
{
    assert_int_equal(nftw(dir, remove_one, 8, FTW_DEPTH | FTW_PHYS), 0);
}

void
md_put(const char *dir, const char *name, const void *p, size_t n)
{
    struct t5g_err e = {0};
    char *path = t5g_path_join(dir, name);
    must(t5g_write_file(path, p, n, &e), &e);
    t5g_free(path);
}

struct t5g_buf
md_get(const char *dir, const char *name)
{
    struct t5g_err e = {0};
    struct t5g_buf b = {0};
    char *path = t5g_path_join(dir, name);
    must(t5g_read_file(path, (size_t)1 << 30, &b, &e), &e);
    t5g_free(path);
    return b;
}

void
md_copy_file(const char *from, const char *to, const char *name)
{
    struct t5g_buf b = md_get(from, name);
    md_put(to, name, b.p, b.n);
    t5g_buf_free(&b);
}

void
md_edit(struct t5g_buf *text, const char *from, const char *to)
{
    char *at = strstr(text->p, from);
    if (at == NULL)
        fail_msg("'%s' is not in the text", from);
    struct t5g_buf b = {0};
    t5g_buf_add(&b, text->p, (size_t)(at - text->p));
    t5g_buf_adds(&b, to);
    t5g_buf_adds(&b, at + strlen(from));
    t5g_buf_free(text);
    *text = b;
}
