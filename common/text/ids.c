/* ids.c: growable lists of token ids. */
#include "text/ids.h"

#include <string.h>

void
t5g_ids_reserve(struct t5g_ids *ids, size_t more)
{
    if (more <= ids->cap - ids->n)
        return;
    size_t cap = t5g_max(t5g_max(ids->cap * 2, ids->n + more), 64);
    int32_t *p = t5g_alloc_raw(cap, sizeof *p);
    if (ids->n > 0)
        memcpy(p, ids->p, ids->n * sizeof *p);
    t5g_free(ids->p);
    ids->p = p;
    ids->cap = cap;
}

void
t5g_ids_append(struct t5g_ids *ids, const int32_t *p, size_t n)
{
    t5g_ids_reserve(ids, n);
    for (size_t i = 0; i < n; i++)
        ids->p[ids->n++] = p[i];
}

void
t5g_ids_free(struct t5g_ids *ids)
{
    t5g_free(ids->p);
    *ids = (struct t5g_ids){0};
}
