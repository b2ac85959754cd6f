/* torch_pickle.c: the state_dict that a pickle made: names, shapes, and where the elements are. */
#include "model/torch_pickle.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "model/pickle_machine.h"

#include <stdlib.h>

enum { NAME_MAX_P = 256 };

/* Whether each element comes right behind the one before; *count is their number. */
static bool
is_contiguous(const struct t5g_pickle_tensor *t, uint64_t *count)
{
    bool rows = true;
    *count = 1;
    for (size_t i = t->ndim; i-- > 0;) {
        rows = rows && (t->dims[i] == 1 || t->strides[i] == *count);
        if (__builtin_mul_overflow(*count, t->dims[i], count))
            return false;
    }
    return rows || *count == 0;
}

/* One item of the state_dict, named `name`. */
static int
give(const struct t5g_pickle *m, const char *name, const struct t5g_pickle_value *v,
     int (*see)(void *arg, const struct t5g_pickled *t, struct t5g_err *e), void *arg)
{
    if (v->kind != T5G_PICKLE_TENSOR)
        return t5g_err_set(m->e, T5G_EX_DATA,
                           "%s: '%s' is not a tensor, expected a state_dict of nothing else",
                           m->file, name);
    const struct t5g_pickle_tensor *t = &m->tensors[v->u.i];
    const struct t5g_pickle_storage *s = &m->storages[t->storage];
    struct t5g_pickled x = {.name = name,
                            .key = s->key,
                            .key_len = s->key_len,
                            .dtype = s->dtype,
                            .stored = s->n,
                            .offset = t->offset,
                            .ndim = t->ndim};
    memcpy(x.dims, t->dims, sizeof x.dims);
    if (!is_contiguous(t, &x.count))
        return t5g_err_set(m->e, T5G_EX_DATA,
                           "%s: tensor '%s': not contiguous: call contiguous() on it before "
                           "torch.save()",
                           m->file, name);
    if (x.offset > x.stored || x.count > x.stored - x.offset)
        return t5g_err_set(m->e, T5G_EX_DATA,
                           "%s: tensor '%s': %llu elements from %llu on, but its storage has %llu",
                           m->file, name, (unsigned long long)x.count, (unsigned long long)x.offset,
                           (unsigned long long)x.stored);
    return see(arg, &x, m->e);
}

static int
compare(const void *a, const void *b)
{
    const struct t5g_pickle_value *x = a, *y = b;
    int r = memcmp(x->u.s, y->u.s, t5g_min(x->n, y->n));
    return r != 0 ? r : (x->n > y->n) - (x->n < y->n);
}

static int
check_names(const struct t5g_pickle *m)
{
    struct t5g_pickle_value *names = t5g_alloc_raw(m->n_pairs, sizeof *names);
    size_t n = 0;
    int r = 0;
    for (size_t i = 0; i < m->n_pairs && r == 0; i++) {
        const struct t5g_pickle_value *k = &m->pairs[i].key;
        if (m->pairs[i].dict != m->root)
            continue;
        names[n++] = *k;
        if (k->n == 0 || k->n > NAME_MAX_P)
            r = t5g_err_set(m->e, T5G_EX_DATA, "%s: tensor name of %u bytes, expected 1 to %d",
                            m->file, k->n, NAME_MAX_P);
        else if (memchr(k->u.s, '\0', k->n) != NULL ||
                 t5g_utf8_check((const char *)k->u.s, k->n) != k->n)
            r = t5g_err_set(m->e, T5G_EX_DATA, "%s: a tensor name that is not text in UTF-8",
                            m->file);
    }
    if (n > 0)
        qsort(names, n, sizeof *names, compare);
    for (size_t i = 1; i < n && r == 0; i++)
        if (compare(&names[i - 1], &names[i]) == 0)
            r = t5g_err_set(m->e, T5G_EX_DATA, "%s: tensor '%.*s' occurs twice", m->file,
                            (int)names[i].n, (const char *)names[i].u.s);
    t5g_free(names);
    return r;
}

int
t5g_torch_pickle(const unsigned char *p, size_t n, const char *file,
                 int (*see)(void *arg, const struct t5g_pickled *t, struct t5g_err *e), void *arg,
                 struct t5g_err *e)
{
    struct t5g_pickle m = {.start = p, .p = p, .end = p + n, .op = p, .file = file, .e = e};
    int r = n > T5G_PICKLE_MAX
                ? t5g_err_set(e, T5G_EX_DATA, "%s: data.pkl of %zu bytes, expected at most %d",
                              file, n, T5G_PICKLE_MAX)
                : t5g_pickle_run(&m);
    if (r == 0)
        r = check_names(&m);
    for (size_t i = 0; i < m.n_pairs && r == 0; i++) {
        char name[NAME_MAX_P + 1];
        const struct t5g_pickle_pair *x = &m.pairs[i];
        if (x->dict != m.root)
            continue;
        memcpy(name, x->key.u.s, x->key.n);
        name[x->key.n] = '\0';
        r = give(&m, name, &x->value, see, arg);
    }
    t5g_pickle_free(&m);
    return r;
}
