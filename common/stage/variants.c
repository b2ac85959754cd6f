/* variants.c: a model and the named adapters that documents and prompts may choose for it. */
#include "stage/variants.h"
#include "base/jsonstr.h"
#include "base/mem.h"
#include "model/adapter.h"
#include "stage/compute.h"

#include <string.h>

static void
add_dir(struct t5g_list *l, char *dir)
{
    char **v = t5g_alloc(l->n + 1, sizeof *v);
    if (l->n > 0)
        memcpy(v, l->v, l->n * sizeof *v);
    v[l->n++] = dir;
    t5g_free(l->v);
    l->v = v;
}

/* The length of the NAME of NAME=DIR; 0: it is a DIR. */
static size_t
name_length(const char *given)
{
    size_t n = strspn(given, "abcdefghijklmnopqrstuvwxyz"
                             "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                             "0123456789-_.");
    return given[n] == '=' ? n : 0;
}

static struct t5g_variant *
look_up(const struct t5g_variants *s, const char *name, size_t n)
{
    for (size_t i = 1; i < s->n; i++)
        if (strlen(s->v[i].name) == n && memcmp(s->v[i].name, name, n) == 0)
            return &s->v[i];
    return NULL;
}

static struct t5g_variant *
add_variant(struct t5g_variants *s, char *name)
{
    s->v = t5g_grow(s->v, s->n, &s->cap, sizeof *s->v);
    s->v[s->n] = (struct t5g_variant){.name = name};
    return &s->v[s->n++];
}

void
t5g_variants_read(struct t5g_variants *s, const struct t5g_list *given)
{
    *s = (struct t5g_variants){0};
    add_variant(s, NULL);
    for (size_t i = 0; i < given->n; i++) {
        char *one = given->v[i];
        size_t n = name_length(one);
        if (n == 0) {
            add_dir(&s->plain, one);
            continue;
        }
        struct t5g_variant *x = look_up(s, one, n);
        if (x == NULL)
            x = add_variant(s, t5g_memdup(one, n));
        add_dir(&x->dirs, one + n + 1);
    }
}

int
t5g_variants_open(struct t5g_variants *s, const struct t5g_kernels **k, const char *path,
                  unsigned need, struct t5g_err *e)
{
    for (size_t i = 0; i < s->n; i++) {
        struct t5g_variant *x = &s->v[i];
        if ((x->model = t5g_compute_open(k, path, need, &s->plain, e)) == NULL)
            return -1;
        for (size_t d = 0; d < x->dirs.n; d++) {
            if (x->dirs.v[d][0] == '\0')
                return t5g_err_set(e, T5G_EX_USAGE, "--adapter %s=: no directory", x->name);
            struct t5g_adapter *a = t5g_adapter_open(x->dirs.v[d], x->model, e);
            if (a == NULL)
                return t5g_err_in(e, "adapter '%s'", x->name);
            t5g_adapter_apply(a, x->model, *k);
        }
    }
    return 0;
}

const struct t5g_variant *
t5g_variants_find(const struct t5g_variants *s, const char *name, size_t n, struct t5g_err *e)
{
    const struct t5g_variant *x = look_up(s, name, n);
    if (x == NULL)
        t5g_err_set(e, T5G_EX_DATA,
                    "adapter '%.*s': the run has none of this name (--adapter NAME=DIR)",
                    (int)t5g_min(n, 100), n > 0 ? name : "");
    return x;
}

int
t5g_variant_check(const struct t5g_variant *x, const struct t5g_head *h, struct t5g_err *e)
{
    if (t5g_head_check(h, &x->model->parts, T5G_BY_ENCODER | T5G_BY_VISION, e) == 0)
        return 0;
    return x->name != NULL ? t5g_err_in(e, "adapter '%s'", x->name) : -1;
}

void
t5g_variants_json(const struct t5g_variants *s, struct t5g_buf *b)
{
    if (s->n == 1)
        return;
    if (b->n > 0)
        b->n--; /* its brace */
    t5g_buf_adds(b, b->n > 0 ? "," : "{");
    t5g_buf_adds(b, "\"adapters\":{");
    for (size_t i = 1; i < s->n; i++) {
        const struct t5g_parts *p = &s->v[i].model->parts;
        t5g_buf_printf(b, "%s\"%s\":{\"identity\":\"%s\",\"source\":", i > 1 ? "," : "",
                       s->v[i].name, p->id[T5G_ID_DECODER]);
        t5g_jsonstr_write(b, p->source, strlen(p->source));
        t5g_buf_addc(b, '}');
    }
    t5g_buf_adds(b, "}}");
}

void
t5g_variants_close(struct t5g_variants *s)
{
    for (size_t i = 0; i < s->n; i++) {
        struct t5g_variant *x = &s->v[i];
        t5g_scorer_close(x->scorer);
        t5g_generator_close(x->generator);
        t5g_decoder_close(x->decoder);
        t5g_model_close(x->model);
        t5g_free(x->dirs.v);
        t5g_free(x->name);
    }
    t5g_free(s->plain.v);
    t5g_free(s->v);
    *s = (struct t5g_variants){0};
}
