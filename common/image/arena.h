/* arena.h: memory allocated before a picture is decoded, since the decoder can make no system
 * calls. */
#ifndef T5G_ARENA_H
#define T5G_ARENA_H

#include "base/err.h"

struct t5g_arena {
    unsigned char *p; /* [size], 16-byte aligned; belongs to the caller */
    size_t size, used;
    size_t last; /* start of the latest block, the only one that can be freed */
};

/* size bytes, 16-byte aligned, not zeroed; NULL if the arena is too small. */
static inline void *
t5g_arena_alloc(struct t5g_arena *a, size_t size)
{
    size_t at = t5g_round_up(a->used, 16);
    if (at > a->size || size > a->size - at)
        return NULL;
    a->last = at;
    a->used = at + size;
    return a->p + at;
}

/* -1 with e (65): the arena is too small. */
static inline int
t5g_arena_fail(const struct t5g_arena *a, struct t5g_err *e)
{
    return t5g_err_set(e, T5G_EX_DATA, "needs more memory than the %zu MB set aside to decode",
                       a->size >> 20);
}

#endif
