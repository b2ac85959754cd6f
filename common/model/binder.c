/* binder.c: tensors by part and name, and the list of problems. */
#include "model/binder.h"

#include <stdlib.h>
#include <string.h>

#define LISTED_MAX 8 /* problems written out; the others are counted */

static int
by_name(const void *a, const void *b)
{
    const struct t5g_bound *x = a, *y = b;
    if (x->name.part != y->name.part)
        return x->name.part < y->name.part ? -1 : 1;
    return strcmp(x->name.rest, y->name.rest);
}

/* Count one more problem; true if it is to be written out. */
static bool
list_problem(struct t5g_binder *b)
{
    b->n_problems++;
    if (b->n_problems > LISTED_MAX)
        return false;
    if (b->n_problems > 1)
        t5g_buf_adds(&b->problems, "; ");
    return true;
}

/* "tensor 'x'", with its file if there are several. */
static void
put_tensor(struct t5g_binder *b, const struct t5g_tensor *t)
{
    t5g_buf_printf(&b->problems, "tensor '%s'", t->name);
    if (t5g_safetensors_files(b->files) > 1)
        t5g_buf_printf(&b->problems, " in %s", t->file);
}

void
t5g_binder_open(struct t5g_binder *b, const struct t5g_safetensors *files, const char *encoder)
{
    *b = (struct t5g_binder){.files = files, .n = t5g_safetensors_count(files), .encoder = encoder};
    if (encoder == NULL &&
        (t5g_safetensors_find(files, T5G_NAME_EMBEDDED ".embed_tokens.weight") != NULL ||
         t5g_safetensors_find(files, T5G_NAME_EMBEDDED ".text_model.embed_tokens.weight") != NULL))
        b->encoder = T5G_NAME_EMBEDDED;
    b->all = t5g_alloc(b->n, sizeof *b->all);
    for (size_t i = 0; i < b->n; i++) {
        const struct t5g_tensor *t = t5g_safetensors_at(files, i);
        struct t5g_name x = t5g_name_split(t->name, b->encoder);
        b->all[i] = (struct t5g_bound){.name = x, .t = t};
        if (x.part < T5G_PART_N && b->prefix[x.part] == NULL)
            b->prefix[x.part] = t5g_memdup(t->name, x.prefix);
    }
    if (b->n > 0)
        qsort(b->all, b->n, sizeof *b->all, by_name);
    for (size_t i = 1; i < b->n; i++) {
        if (b->all[i].name.part < T5G_PART_N && by_name(&b->all[i - 1], &b->all[i]) == 0 &&
            list_problem(b))
            t5g_buf_printf(&b->problems, "tensor '%s': also there as '%s'", b->all[i - 1].t->name,
                           b->all[i].t->name);
    }
}

void
t5g_binder_close(struct t5g_binder *b)
{
    for (size_t i = 0; i < T5G_PART_N; i++)
        t5g_free(b->prefix[i]);
    t5g_free(b->all);
    t5g_buf_free(&b->problems);
    *b = (struct t5g_binder){0};
}

void
t5g_binder_put(struct t5g_binder *b, enum t5g_part part, const char *rest, struct t5g_tensor *t)
{
    struct t5g_bound key = {.name = {.part = part, .rest = rest}, .t = t};
    struct t5g_bound *x = b->n > 0 ? bsearch(&key, b->all, b->n, sizeof key, by_name) : NULL;
    if (x != NULL) {
        t->name = x->t->name;
        t->ndim = x->t->ndim;
        memcpy(t->dims, x->t->dims, sizeof t->dims);
        x->t = t;
        return;
    }
    struct t5g_bound *all = t5g_alloc(b->n + 1, sizeof *all);
    size_t at = 0;
    while (at < b->n && by_name(&b->all[at], &key) < 0)
        at++;
    t->name = rest;
    if (b->n > 0) {
        memcpy(all, b->all, at * sizeof *all);
        memcpy(all + at + 1, b->all + at, (b->n - at) * sizeof *all);
    }
    all[at] = key;
    t5g_free(b->all);
    b->all = all;
    b->n++;
}

bool
t5g_binder_has(const struct t5g_binder *b, enum t5g_part part)
{
    return b->prefix[part] != NULL;
}

static void
put_shape(struct t5g_buf *out, size_t ndim, const uint64_t *dims)
{
    t5g_buf_addc(out, '[');
    for (size_t i = 0; i < ndim; i++)
        t5g_buf_printf(out, "%s%llu", i == 0 ? "" : ", ", (unsigned long long)dims[i]);
    t5g_buf_addc(out, ']');
}

static const struct t5g_tensor *
find(struct t5g_binder *b, enum t5g_part part, const char *rest, size_t ndim, const size_t *dims,
     bool must)
{
    struct t5g_bound key = {.name = {.part = part, .rest = rest}};
    struct t5g_bound *x = b->n > 0 ? bsearch(&key, b->all, b->n, sizeof key, by_name) : NULL;
    uint64_t want[4];
    for (size_t i = 0; i < ndim; i++)
        want[i] = dims[i];
    if (x == NULL) {
        if (must && list_problem(b)) {
            const char *prefix = b->prefix[part] != NULL ? b->prefix[part] : t5g_part_prefix(part);
            t5g_buf_printf(&b->problems, "tensor '%s%s': missing, expected ", prefix, rest);
            put_shape(&b->problems, ndim, want);
        }
        return NULL;
    }
    const struct t5g_tensor *t = x->t;
    x->used = true;
    if (t->ndim != ndim || memcmp(t->dims, want, ndim * sizeof *want) != 0) {
        if (list_problem(b)) {
            put_tensor(b, t);
            t5g_buf_adds(&b->problems, ": shape ");
            put_shape(&b->problems, t->ndim, t->dims);
            t5g_buf_adds(&b->problems, ", expected ");
            put_shape(&b->problems, ndim, want);
        }
        return NULL;
    }
    bool quantised = t5g_is_quantised(t->dtype);
    if (!quantised && t->dtype != T5G_F32 && t->dtype != T5G_BF16 && t->dtype != T5G_F16) {
        if (list_problem(b)) {
            put_tensor(b, t);
            t5g_buf_printf(&b->problems, ": dtype %s, expected f32, bf16 or f16",
                           t5g_dtype_name(t->dtype));
        }
        return NULL;
    }
    return t;
}

const struct t5g_tensor *
t5g_binder_need(struct t5g_binder *b, enum t5g_part part, const char *rest, size_t ndim,
                const size_t *dims)
{
    return find(b, part, rest, ndim, dims, true);
}

const struct t5g_tensor *
t5g_binder_may(struct t5g_binder *b, enum t5g_part part, const char *rest, size_t ndim,
               const size_t *dims)
{
    return find(b, part, rest, ndim, dims, false);
}

int
t5g_binder_finish(struct t5g_binder *b, struct t5g_err *e)
{
    for (size_t i = 0; i < b->n; i++) {
        const struct t5g_bound *x = &b->all[i];
        bool may = x->name.part == T5G_PART_IGNORED || x->name.part == T5G_PART_SCORE;
        if (x->used || may)
            continue;
        if (i > 0 && by_name(&b->all[i - 1], x) == 0)
            continue; /* reported already, as a duplicate */
        if (list_problem(b)) {
            put_tensor(b, x->t);
            t5g_buf_adds(&b->problems, ": not part of the model that config.json describes");
        }
    }
    if (b->n_problems == 0)
        return 0;
    if (b->n_problems > LISTED_MAX)
        t5g_buf_printf(&b->problems, "; and %zu more", b->n_problems - LISTED_MAX);
    return t5g_err_set(e, T5G_EX_DATA, "%s: %s", t5g_safetensors_table(b->files), b->problems.p);
}
