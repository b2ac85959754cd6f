/* ids.h: growable lists of token ids. */
#ifndef T5G_IDS_H
#define T5G_IDS_H

#include "base/mem.h"

/* Growable list of ids. Zero-initialise. */
struct t5g_ids {
    int32_t *p;
    size_t n, cap;
};

void t5g_ids_reserve(struct t5g_ids *ids, size_t more); /* room for `more` ids beyond n */
void t5g_ids_append(struct t5g_ids *ids, const int32_t *p, size_t n); /* p may not be in ids */
void t5g_ids_free(struct t5g_ids *ids);

static inline void
t5g_ids_add(struct t5g_ids *ids, int32_t id)
{
    if (ids->n == ids->cap)
        t5g_ids_reserve(ids, 1);
    ids->p[ids->n++] = id;
}

#endif
