/* arena.h: memory set aside before a picture is decoded; where it is decoded nothing can be asked
 * of the system. */
#ifndef T5G_ARENA_H
#define T5G_ARENA_H

#include "base/base.h"

struct t5g_arena {
    unsigned char *p; /* [size], 16-byte aligned; its owner's */
    size_t size, used;
    size_t last; /* start of the latest block, which alone can grow or be given back */
};

/* size bytes, 16-byte aligned, not zeroed; NULL when they are not there. */
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

#endif
