/* template.h: what files of every instruction set begin with. */
#ifndef T5G_TEMPLATE_H
#define T5G_TEMPLATE_H

#include "base/dtype.h"

/*
 * A function that becomes part of every caller, so that what a caller passes as a constant (a
 * tile's size, a dtype) is one inside.
 */
#define TEMPLATE static inline __attribute__((always_inline))

/* Bytes of an element of f32, bf16, f16 or i8. */
TEMPLATE size_t
item_size(int dtype)
{
    return dtype == T5G_F32 ? 4 : dtype == T5G_I8 ? 1 : 2;
}

/*
 * Weights of the next rows, `bytes` of them, in the order in which they lie in memory: faster than
 * in the order in which a block of rows is read.
 */
TEMPLATE void
prefetch_next(const char *from, size_t bytes)
{
    for (size_t i = 0; i < bytes; i += 64)
        __builtin_prefetch(from + i);
}

#endif
