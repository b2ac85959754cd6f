/* holes.h: the map of a sparse file: runs of stored bytes, and zeros elsewhere. */
#ifndef T5G_HOLES_H
#define T5G_HOLES_H

#include "base/mem.h"

/* Zero-initialise; freed by t5g_holes_free. */
struct t5g_holes {
    struct t5g_extent {
        uint64_t at, n;
    } * v; /* [n] runs of bytes */
    size_t n, cap;
    bool half;   /* the last run has no length yet */
    bool spoilt; /* the map is invalid */
    size_t next; /* index in v, for t5g_holes_run */
};

/* Append a number to the map: the offset and the length of each run in turn. */
void t5g_holes_number(struct t5g_holes *h, uint64_t v);
void t5g_holes_spoil(struct t5g_holes *h);
void t5g_holes_clear(struct t5g_holes *h);
void t5g_holes_free(struct t5g_holes *h);

/* Whether the runs are in order, lie within a file of `size` bytes, and total `stored` bytes. */
bool t5g_holes_fit(const struct t5g_holes *h, uint64_t stored, uint64_t size);

/* Whether offset `at`, which must not decrease, has stored bytes; *run: how many bytes from there
 * are the same. */
bool t5g_holes_run(struct t5g_holes *h, uint64_t at, uint64_t size, uint64_t *run);

#endif
