/* keys.c: a hash set with open addressing; the low four bits of each hash hold its marks. */
#include "store/keys.h"
#include "base/hash.h"

enum { MARKS = 15 };

struct t5g_keys {
    uint64_t *slot; /* [cap] 0: free */
    size_t n, cap;
};

struct t5g_keys *
t5g_keys_open(void)
{
    struct t5g_keys *k = t5g_alloc(1, sizeof *k);
    k->cap = 1024;
    k->slot = t5g_alloc(k->cap, sizeof *k->slot);
    return k;
}

void
t5g_keys_close(struct t5g_keys *k)
{
    if (k == NULL)
        return;
    t5g_free(k->slot);
    t5g_free(k);
}

/* The slot of the hash, or the free one for it. */
static uint64_t *
find(const struct t5g_keys *k, uint64_t hash)
{
    size_t i = (hash >> 4) & (k->cap - 1);
    while (k->slot[i] != 0 && (k->slot[i] & ~(uint64_t)MARKS) != hash)
        i = (i + 1) & (k->cap - 1);
    return &k->slot[i];
}

static void
grow(struct t5g_keys *k)
{
    uint64_t *old = k->slot;
    size_t n = k->cap;
    k->cap *= 2;
    k->slot = t5g_alloc(k->cap, sizeof *k->slot);
    for (size_t i = 0; i < n; i++)
        if (old[i] != 0)
            *find(k, old[i] & ~(uint64_t)MARKS) = old[i];
    t5g_free(old);
}

unsigned
t5g_keys_mark(struct t5g_keys *k, const char *p, size_t n, unsigned add)
{
    uint64_t hash = t5g_hash64(p, n) & ~(uint64_t)MARKS;
    hash = hash != 0 ? hash : MARKS + 1;
    uint64_t *slot = find(k, hash);
    unsigned marks = (unsigned)*slot & MARKS;
    if (add == 0)
        return marks;
    k->n += *slot == 0;
    *slot = hash | marks | add;
    if (2 * k->n >= k->cap)
        grow(k);
    return marks;
}
