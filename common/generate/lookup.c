/* lookup.c: guess the next ids from the document. */
#include "generate/lookup.h"

#include <string.h>

enum { LONGEST = 4, SHORTEST = 2 };

size_t
t5g_lookup(const int32_t *source, size_t n_source, const int32_t *ids, size_t len, int32_t *draft,
           size_t n)
{
    for (size_t k = LONGEST; k >= SHORTEST; k--) {
        if (k > len)
            continue;
        const int32_t *last = ids + len - k;
        for (size_t i = 0; i + k < n_source; i++)
            if (memcmp(source + i, last, k * sizeof *last) == 0) {
                n = t5g_min(n, n_source - i - k);
                memcpy(draft, source + i + k, n * sizeof *draft);
                return n;
            }
        for (size_t i = len - k; i-- > 0;)
            if (memcmp(ids + i, last, k * sizeof *last) == 0) {
                n = t5g_min(n, len - i - k);
                memcpy(draft, ids + i + k, n * sizeof *draft);
                return n;
            }
    }
    return 0;
}
