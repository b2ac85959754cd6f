/*
 * lexicon.c: what ids print, sorted.
 *
 * Sorted by the first eight bytes as a number, a byte of it at a time, then equal ones by the rest.
 */
#include "generate/lexicon.h"

#include <stdlib.h>
#include <string.h>

struct entry {
    uint64_t key; /* first eight bytes, the first of them highest */
    const char *text;
    uint32_t n;
    int32_t id;
};

static uint64_t
key_of(const char *text, size_t n)
{
    uint64_t key = 0;
    for (size_t i = 0; i < 8; i++)
        key = key << 8 | (i < n ? (unsigned char)text[i] : 0);
    return key;
}

static int
by_text(const void *a, const void *b)
{
    const struct entry *x = a, *y = b;
    int order = memcmp(x->text, y->text, t5g_min(x->n, y->n));
    if (order != 0)
        return order;
    if (x->n != y->n)
        return x->n < y->n ? -1 : 1;
    return x->id < y->id ? -1 : x->id > y->id;
}

/* Sort by key: least significant byte first, stable. Returns the array of the two that has the
 * result. */
static struct entry *
by_key(struct entry *from, struct entry *to, size_t n)
{
    for (unsigned shift = 0; shift < 64; shift += 8) {
        size_t at[257] = {0};
        for (size_t i = 0; i < n; i++)
            at[(from[i].key >> shift & 255) + 1]++;
        for (size_t b = 0; b < 256; b++)
            at[b + 1] += at[b];
        for (size_t i = 0; i < n; i++)
            to[at[from[i].key >> shift & 255]++] = from[i];
        struct entry *swap = from;
        from = to;
        to = swap;
    }
    return from;
}

static void
sort(struct entry **e, size_t n)
{
    struct entry *other = t5g_alloc_raw(n, sizeof *other), *sorted = by_key(*e, other, n);
    for (size_t i = 0, to; i < n; i = to) {
        for (to = i + 1; to < n && sorted[to].key == sorted[i].key;)
            to++;
        if (to > i + 1)
            qsort(sorted + i, to - i, sizeof *sorted, by_text);
    }
    t5g_free(sorted == other ? *e : other);
    *e = sorted;
}

static bool
among(int32_t id, const int32_t *ids, size_t n)
{
    while (n-- > 0)
        if (ids[n] == id)
            return true;
    return false;
}

/* The number of equal bytes at the beginning. */
static size_t
common(const struct entry *x, const struct entry *y)
{
    size_t n = t5g_min(t5g_min(x->n, y->n), UINT16_MAX), i = 0;
    while (i < n && x->text[i] == y->text[i])
        i++;
    return i;
}

void
t5g_lexicon_open(struct t5g_lexicon *x, const struct t5g_tokenizer *t, size_t v,
                 const int32_t *without, size_t n_without)
{
    size_t most = t5g_min(v, t5g_printed_ids(t)), n = 0, bytes = 0, len;
    struct entry *e = t5g_alloc_raw(most, sizeof *e);
    *x = (struct t5g_lexicon){0};
    for (size_t id = 0; id < most; id++) {
        const char *text = t5g_printed(t, (int32_t)id, &len);
        if (len == 0 || among((int32_t)id, without, n_without))
            continue;
        e[n++] = (struct entry){key_of(text, len), text, (uint32_t)len, (int32_t)id};
        bytes += len;
        x->longest = t5g_max(x->longest, len);
    }
    sort(&e, n);
    x->n = n;
    x->id = t5g_alloc_raw(n, sizeof *x->id);
    x->same = t5g_alloc(n + 1, sizeof *x->same);
    x->from = t5g_alloc(n + 1, sizeof *x->from);
    x->rest = t5g_alloc_raw(bytes, 1);
    for (size_t i = 0; i < n; i++) {
        size_t same = i > 0 ? common(&e[i - 1], &e[i]) : 0;
        x->id[i] = e[i].id;
        x->same[i] = (uint16_t)same;
        memcpy(x->rest + x->from[i], e[i].text + same, e[i].n - same);
        x->from[i + 1] = x->from[i] + e[i].n - (uint32_t)same;
        x->begin[(unsigned char)e[i].text[0] + 1] = (uint32_t)i + 1;
    }
    for (size_t b = 0; b < 256; b++) /* bytes that nothing begins with */
        x->begin[b + 1] = x->begin[b + 1] > x->begin[b] ? x->begin[b + 1] : x->begin[b];
    t5g_free(e);
}

void
t5g_lexicon_close(struct t5g_lexicon *x)
{
    t5g_free(x->id);
    t5g_free(x->same);
    t5g_free(x->from);
    t5g_free(x->rest);
    *x = (struct t5g_lexicon){0};
}
