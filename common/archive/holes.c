/* holes.c: the maps of sparse files. */
#include "archive/holes.h"

#include <string.h>

#define RUNS_MAX ((size_t)1 << 20)

void
t5g_holes_number(struct t5g_holes *h, uint64_t v)
{
    if (h->half) {
        h->v[h->n - 1].n = v;
        h->half = false;
        return;
    }
    h->spoilt = h->spoilt || h->n == RUNS_MAX;
    if (h->spoilt)
        return;
    h->v = t5g_grow(h->v, h->n, &h->cap, sizeof *h->v);
    h->v[h->n++] = (struct t5g_extent){.at = v};
    h->half = true;
}

void
t5g_holes_spoil(struct t5g_holes *h)
{
    h->spoilt = true;
}

void
t5g_holes_clear(struct t5g_holes *h)
{
    h->n = h->next = 0;
    h->half = h->spoilt = false;
}

void
t5g_holes_free(struct t5g_holes *h)
{
    t5g_free(h->v);
    *h = (struct t5g_holes){0};
}

bool
t5g_holes_fit(const struct t5g_holes *h, uint64_t stored, uint64_t size)
{
    uint64_t end = 0, sum = 0;
    if (h->spoilt || h->half)
        return false;
    for (size_t i = 0; i < h->n; i++) {
        const struct t5g_extent *x = &h->v[i];
        if (x->at < end || x->at > size || x->n > size - x->at)
            return false;
        end = x->at + x->n;
        sum += x->n;
    }
    return sum == stored;
}

bool
t5g_holes_run(struct t5g_holes *h, uint64_t at, uint64_t size, uint64_t *run)
{
    while (h->next < h->n && at >= h->v[h->next].at + h->v[h->next].n)
        h->next++;
    if (h->next == h->n) {
        *run = size - at;
        return false;
    }
    const struct t5g_extent *x = &h->v[h->next];
    *run = at < x->at ? x->at - at : x->at + x->n - at;
    return at >= x->at;
}
