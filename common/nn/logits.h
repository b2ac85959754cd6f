/* logits.h: what rows of logits are looked through for, four numbers at a time. */
#ifndef T5G_LOGITS_H
#define T5G_LOGITS_H

#include "base/base.h"

#include <math.h>

/* As wide as registers of every CPU: gcc makes wider comparisons one by one. */
typedef float t5g_floats4 __attribute__((vector_size(16), aligned(4), may_alias));
typedef int32_t t5g_words4 __attribute__((vector_size(16), aligned(4), may_alias));

/* Whether an element of w is not 0. */
static inline bool
t5g_any4(t5g_words4 w)
{
    return (w[0] | w[1] | w[2] | w[3]) != 0;
}

/* Whether x [n] are all finite: the exponent of a number that is not has all bits. */
static inline bool
t5g_all_finite(const float *x, size_t n)
{
    t5g_words4 bad = {0};
    size_t i = 0;
    for (; i + 4 <= n; i += 4)
        bad |= (*(const t5g_words4 *)(x + i) & INT32_C(0x7f800000)) == INT32_C(0x7f800000);
    bool rest = true;
    for (; i < n; i++)
        rest = rest && isfinite(x[i]);
    return rest && !t5g_any4(bad);
}

/* Whether one of x [n] is larger than `than`. */
static inline bool
t5g_any_larger(const float *x, size_t n, float than)
{
    t5g_words4 larger = {0};
    size_t i = 0;
    for (; i + 4 <= n; i += 4)
        larger |= *(const t5g_floats4 *)(x + i) > than;
    bool rest = false;
    for (; i < n; i++)
        rest = rest || x[i] > than;
    return rest || t5g_any4(larger);
}

#endif
