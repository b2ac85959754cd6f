/* arena.h: memory allocated before a picture is decoded, since the decoder can make no system
 * calls. */
#ifndef T5G_ARENA_H
#define T5G_ARENA_H

#include "base/base.h"

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

#endif
