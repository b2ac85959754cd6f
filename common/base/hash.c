/* hash.c: XXH3 through the xxHash library. */
#include "base/hash.h"
#include "base/bug.h"
#include "base/mem.h"

#include <stdio.h>
#include <stdlib.h>
#define XXH_STATIC_LINKING_ONLY /* allows a state on the stack */
#include <xxhash.h>

uint64_t
t5g_hash64(const void *p, size_t n)
{
    return XXH3_64bits(n > 0 ? p : "", n);
}

uint64_t
t5g_hash64_two(const void *p, size_t n, const void *q, size_t m)
{
    XXH3_state_t state;
    XXH3_64bits_reset(&state);
    if (n > 0)
        XXH3_64bits_update(&state, p, n);
    if (m > 0)
        XXH3_64bits_update(&state, q, m);
    return XXH3_64bits_digest(&state);
}

/* High half, then low half, as xxh128sum prints them. */
static void
put_hex(char out[T5G_HEX128], XXH128_hash_t h)
{
    snprintf(out, T5G_HEX128, "%016llx%016llx", (unsigned long long)h.high64,
             (unsigned long long)h.low64);
}

void
t5g_hash128_hex(char out[T5G_HEX128], const void *p, size_t n)
{
    put_hex(out, XXH3_128bits(n > 0 ? p : "", n));
}

/* One state serves both widths: they differ only in the final step. */
struct t5g_hash {
    XXH3_state_t *state;
};

struct t5g_hash *
t5g_hash_open(void)
{
    struct t5g_hash *h = t5g_alloc(1, sizeof *h);
    h->state = XXH3_createState();
    if (h->state == NULL)
        t5g_out_of_memory(1024);
    t5g_hash_reset(h);
    return h;
}

void
t5g_hash_reset(struct t5g_hash *h)
{
    XXH3_128bits_reset(h->state);
}

void
t5g_hash_add(struct t5g_hash *h, const void *p, size_t n)
{
    if (n > 0)
        XXH3_128bits_update(h->state, p, n);
}

uint64_t
t5g_hash_get64(const struct t5g_hash *h)
{
    return XXH3_64bits_digest(h->state);
}

void
t5g_hash_get128_hex(const struct t5g_hash *h, char out[T5G_HEX128])
{
    put_hex(out, XXH3_128bits_digest(h->state));
}

void
t5g_hash_close(struct t5g_hash *h)
{
    if (h == NULL)
        return;
    XXH3_freeState(h->state);
    t5g_free(h);
}
