/* bias.c: amounts added to the scores of ids that complete given runs of ids. */
#include "generate/bias.h"
#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

struct run {
    int32_t *ids; /* [n] */
    size_t n, origin;
    float amount;
};

struct t5g_bias {
    struct run *v; /* [n]; sealed: by last id, then by length and ids */
    size_t n, cap;
};

struct t5g_bias *
t5g_bias_open(void)
{
    return t5g_alloc(1, sizeof(struct t5g_bias));
}

void
t5g_bias_close(struct t5g_bias *b)
{
    if (b == NULL)
        return;
    for (size_t i = 0; i < b->n; i++)
        t5g_free(b->v[i].ids);
    t5g_free(b->v);
    t5g_free(b);
}

void
t5g_bias_add(struct t5g_bias *b, const int32_t *ids, size_t n, float amount, size_t origin)
{
    b->v = t5g_grow(b->v, b->n, &b->cap, sizeof *b->v);
    b->v[b->n++] = (struct run){.ids = (int32_t *)(void *)t5g_memdup(ids, n * sizeof *ids),
                                .n = n,
                                .origin = origin,
                                .amount = amount};
}

static int
order(const void *x, const void *y)
{
    const struct run *a = x, *b = y;
    if (a->ids[a->n - 1] != b->ids[b->n - 1])
        return a->ids[a->n - 1] < b->ids[b->n - 1] ? -1 : 1;
    if (a->n != b->n)
        return a->n < b->n ? -1 : 1;
    int r = memcmp(a->ids, b->ids, a->n * sizeof *a->ids);
    return r != 0 ? r : (a->origin > b->origin) - (a->origin < b->origin);
}

bool
t5g_bias_seal(struct t5g_bias *b, size_t *first, size_t *second)
{
    size_t n = 0;
    bool twice = false;
    if (b->n > 0)
        qsort(b->v, b->n, sizeof *b->v, order);
    for (size_t i = 0; i < b->n; i++) {
        const struct run *last = n > 0 ? &b->v[n - 1] : NULL, *r = &b->v[i];
        if (last != NULL && last->n == r->n &&
            memcmp(last->ids, r->ids, r->n * sizeof *r->ids) == 0) {
            *first = last->origin;
            *second = r->origin;
            twice = true;
            t5g_free(b->v[i].ids);
        } else {
            b->v[n++] = b->v[i];
        }
    }
    b->n = n;
    return twice;
}

size_t
t5g_bias_count(const struct t5g_bias *b)
{
    return b->n;
}

void
t5g_bias_apply(const struct t5g_bias *b, float *scores, const int32_t *ids, size_t n)
{
    for (size_t i = 0, next; i < b->n; i = next) {
        int32_t last = b->v[i].ids[b->v[i].n - 1];
        float sum = 0; /* transformers adds all amounts of an id at once */
        for (next = i; next < b->n && b->v[next].ids[b->v[next].n - 1] == last; next++) {
            const struct run *r = &b->v[next];
            if (r->n - 1 <= n &&
                memcmp(ids + n - (r->n - 1), r->ids, (r->n - 1) * sizeof *ids) == 0)
                sum += r->amount;
        }
        scores[last] += sum;
    }
}
