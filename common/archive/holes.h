/* holes.h: where the bytes of a sparse file stand; the rest of it are zeros. */
#ifndef T5G_HOLES_H
#define T5G_HOLES_H

#include "base/mem.h"

/* Zero-initialise; t5g_holes_free releases. */
struct t5g_holes {
    struct t5g_extent {
        uint64_t at, n;
    } * v; /* [n] runs of bytes */
    size_t n, cap;
    bool half;   /* the last has no length yet */
    bool spoilt; /* it makes no sense */
    size_t next; /* of v, for t5g_holes_run */
};

/* Offsets and lengths of runs as they are read, in turn. */
void t5g_holes_number(struct t5g_holes *h, uint64_t v);
void t5g_holes_spoil(struct t5g_holes *h);
void t5g_holes_clear(struct t5g_holes *h);
void t5g_holes_free(struct t5g_holes *h);

/* The runs are in order, within `size` bytes of a file, and `stored` bytes together. */
bool t5g_holes_fit(const struct t5g_holes *h, uint64_t stored, uint64_t size);

/* Whether there are bytes at `at` (which never goes back), and for how long it stays so. */
bool t5g_holes_run(struct t5g_holes *h, uint64_t at, uint64_t size, uint64_t *run);

#endif
