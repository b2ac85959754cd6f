/* guard.h: buffers of noise between pages that may not be touched. */
#ifndef T5G_TEST_GUARD_H
#define T5G_TEST_GUARD_H

#include "base/dtype.h"
#include "base/mem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <sys/mman.h>
#include <cmocka.h>

struct guard {
    char *map;
    size_t size;
    void *p;
};

/* n bytes that end (or, with `front`, begin) at such a page. */
static inline struct guard
guard(size_t n, bool front)
{
    size_t page = 4096, room = (n + page - 1) / page * page;
    struct guard g = {.size = room + 2 * page};
    g.map = mmap(NULL, g.size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_true(g.map != MAP_FAILED);
    if (room > 0)
        assert_int_equal(mprotect(g.map + page, room, PROT_READ | PROT_WRITE), 0);
    g.p = front ? g.map + page : g.map + page + room - n;
    return g;
}

static inline void
release(struct guard *g)
{
    munmap(g->map, g->size);
}

/* Even in -1..1. */
static inline float
noise(void)
{
    static uint32_t s = 1;
    s ^= s << 13;
    s ^= s >> 17;
    s ^= s << 5;
    return (float)(int32_t)s / 2147483648.0f;
}

/* n floats of noise. */
static inline struct guard
floats(size_t n, bool front)
{
    struct guard g = guard(n * sizeof(float), front);
    for (size_t i = 0; i < n; i++)
        ((float *)g.p)[i] = noise();
    return g;
}

/* A weight matrix of dtype, and what it holds as f32 in *wide [n] (t5g_free). */
static inline struct guard
weights(size_t n, int dtype, bool front, float **wide)
{
    struct guard g = guard(n * t5g_dtype_size(dtype), front);
    for (size_t i = 0; i < n; i++) {
        float f = noise();
        uint16_t h = dtype == T5G_BF16 ? t5g_f32_to_bf16(f) : t5g_f32_to_f16(f);
        if (dtype == T5G_I8)
            ((int8_t *)g.p)[i] = (int8_t)(127 * f);
        else if (dtype == T5G_F32)
            memcpy((char *)g.p + 4 * i, &f, 4);
        else
            memcpy((char *)g.p + 2 * i, &h, 2);
    }
    *wide = t5g_alloc(n, sizeof **wide);
    if (dtype != T5G_I8)
        t5g_to_f32(*wide, g.p, dtype, n);
    for (size_t i = 0; dtype == T5G_I8 && i < n; i++)
        (*wide)[i] = ((int8_t *)g.p)[i];
    return g;
}

#endif
