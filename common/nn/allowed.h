/* allowed.h: the ids that may be chosen. */
#ifndef T5G_ALLOWED_H
#define T5G_ALLOWED_H

#include "base/base.h"

/* Few ids as a list, many as bits. */
struct t5g_allowed {
    const int32_t *ids;   /* [n] ascending; NULL: see bits */
    size_t n;             /* number of ids in either case */
    const uint64_t *bits; /* [(v + 63) / 64] */
    bool lost;            /* n is 0 because it is not known which may */
};

static inline bool
t5g_allowed_has(const struct t5g_allowed *a, int32_t id)
{
    if (a->ids == NULL)
        return (a->bits[id / 64] >> id % 64 & 1) != 0;
    size_t from = 0, to = a->n;
    while (from < to) {
        size_t mid = (from + to) / 2;
        if (a->ids[mid] < id)
            from = mid + 1;
        else
            to = mid;
    }
    return from < a->n && a->ids[from] == id;
}

#endif
