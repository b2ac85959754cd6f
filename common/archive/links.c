/* links.c: the targets of hard links. */
#include "archive/links.h"
#include "base/hash.h"

#include <string.h>

enum { EACH = 64 }; /* bytes counted per member beside its own, to bound many empty ones */

struct place {
    uint64_t hash; /* of the name; 0: free */
    uint64_t at;   /* offset in the archive; or the member's number, for kept bytes */
};

struct t5g_links {
    struct place *places; /* [cap_places] open addressing */
    size_t n_places, cap_places;
    struct t5g_buf *kept; /* [cap_kept] ring: numbers oldest to next - 1, at i % cap_kept */
    size_t cap_kept, bytes;
    uint64_t oldest, next;
};

struct t5g_links *
t5g_links_open(void)
{
    return t5g_alloc(1, sizeof(struct t5g_links));
}

void
t5g_links_close(struct t5g_links *l)
{
    if (l == NULL)
        return;
    for (; l->oldest < l->next; l->oldest++)
        t5g_buf_free(&l->kept[l->oldest % l->cap_kept]);
    t5g_free(l->kept);
    t5g_free(l->places);
    t5g_free(l);
}

static uint64_t
hash_of(const char *name)
{
    uint64_t hash = t5g_hash64(name, strlen(name));
    return hash != 0 ? hash : 1;
}

/* The slot of the hash, or the free one for it. */
static struct place *
slot(const struct t5g_links *l, uint64_t hash)
{
    size_t i = hash & (l->cap_places - 1);
    while (l->places[i].hash != 0 && l->places[i].hash != hash)
        i = (i + 1) & (l->cap_places - 1);
    return &l->places[i];
}

/* Make room for one more place, dropping places before `from`, whose bytes are no longer kept. */
static void
make_room(struct t5g_links *l, uint64_t from)
{
    struct place *old = l->places;
    size_t n = l->cap_places, live = 0;
    if (2 * l->n_places < n)
        return;
    for (size_t i = 0; i < n; i++)
        live += old[i].hash != 0 && old[i].at >= from;
    l->cap_places = n == 0 ? 1024 : 4 * live > n ? 2 * n : n;
    l->places = t5g_alloc(l->cap_places, sizeof *l->places);
    l->n_places = live;
    for (size_t i = 0; i < n; i++)
        if (old[i].hash != 0 && old[i].at >= from)
            *slot(l, old[i].hash) = old[i];
    t5g_free(old);
}

static void
set_place(struct t5g_links *l, const char *name, uint64_t at, uint64_t from)
{
    make_room(l, from);
    uint64_t hash = hash_of(name);
    struct place *p = slot(l, hash);
    l->n_places += p->hash == 0;
    *p = (struct place){hash, at};
}

void
t5g_links_place(struct t5g_links *l, const char *name, uint64_t at)
{
    set_place(l, name, at, 0);
}

bool
t5g_links_find_place(const struct t5g_links *l, const char *name, uint64_t *at)
{
    if (l->cap_places == 0)
        return false;
    const struct place *p = slot(l, hash_of(name));
    *at = p->at;
    return p->hash != 0;
}

void
t5g_links_keep(struct t5g_links *l, const char *name, const void *p, size_t n)
{
    size_t have = n <= T5G_LINKS_ONE ? n : 0; /* larger ones are only recorded as not kept */
    for (; l->oldest < l->next && l->bytes + have + EACH > T5G_LINKS_ALL; l->oldest++) {
        struct t5g_buf *b = &l->kept[l->oldest % l->cap_kept];
        l->bytes -= b->n + EACH;
        t5g_buf_free(b);
    }
    if (l->next - l->oldest == l->cap_kept) {
        size_t cap = 2 * l->cap_kept + 64;
        struct t5g_buf *more = t5g_alloc(cap, sizeof *more);
        for (uint64_t i = l->oldest; i < l->next; i++)
            more[i % cap] = l->kept[i % l->cap_kept];
        t5g_free(l->kept);
        l->kept = more;
        l->cap_kept = cap;
    }
    struct t5g_buf *b = &l->kept[l->next % l->cap_kept];
    *b = (struct t5g_buf){0};
    if (n <= T5G_LINKS_ONE)
        t5g_buf_add(b, p, n);
    l->bytes += b->n + EACH;
    set_place(l, name, l->next, l->oldest);
    l->next++;
}

const struct t5g_buf *
t5g_links_find_kept(const struct t5g_links *l, const char *name)
{
    uint64_t at;
    if (!t5g_links_find_place(l, name, &at) || at < l->oldest)
        return NULL;
    const struct t5g_buf *b = &l->kept[at % l->cap_kept];
    return b->p != NULL ? b : NULL;
}
