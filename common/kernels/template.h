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

#endif
