/*
 * double_array.c: place the children of every node (Aoe 1989). All children of a node are in one
 * block of 256 units, because they differ in the last byte of their place only. Places are looked
 * for in the newest blocks, so the time does not grow with the array.
 */
#include "text/double_array.h"

#include <stdlib.h>
#include <string.h>

enum { OPEN = 16, WORDS = 4 }; /* blocks looked at; words of 64 bits for a block */

/* Bits of a block's units: occupied; the base of some node. */
struct block {
    uint64_t taken[WORDS], bases[WORDS];
    size_t n_taken;
};

struct builder {
    struct t5g_buf *out;
    size_t start; /* where the units begin in out */
    const struct t5g_scored *v;
    struct block *blocks;
    size_t n, cap;
};

static struct t5g_unit *
unit_at(struct builder *b, size_t i)
{
    return (struct t5g_unit *)(void *)(b->out->p + b->start) + i;
}

static bool
has(const uint64_t *bits, unsigned i)
{
    return (bits[i / 64] >> i % 64 & 1) != 0;
}

static void
put(uint64_t *bits, unsigned i)
{
    bits[i / 64] |= (uint64_t)1 << i % 64;
}

static void
add_block(struct builder *b)
{
    static const struct t5g_unit none = {.label_id = T5G_NO_LABEL << 23 | T5G_NO_PIECE};
    b->blocks = t5g_grow(b->blocks, b->n, &b->cap, sizeof *b->blocks);
    b->blocks[b->n++] = (struct block){{0}, {0}, 0};
    for (size_t i = 0; i < 256; i++)
        t5g_buf_add(b->out, &none, sizeof none);
}

/* A base within the block at which all labels [n] are free, or -1. */
static int
base_in(const struct block *x, const unsigned char *labels, size_t n)
{
    if (256 - x->n_taken < n)
        return -1;
    for (unsigned base = 0; base < 256; base++) {
        size_t k = 0;
        if (has(x->bases, base))
            continue;
        while (k < n && !has(x->taken, base ^ labels[k]))
            k++;
        if (k == n)
            return (int)base;
    }
    return -1;
}

static uint32_t
place(struct builder *b, const unsigned char *labels, size_t n)
{
    int base = -1;
    size_t at = b->n > OPEN ? b->n - OPEN : 1;
    while (at < b->n && (base = base_in(&b->blocks[at], labels, n)) < 0)
        at++;
    if (base < 0) {
        add_block(b);
        base = 0;
    }
    struct block *x = &b->blocks[at];
    put(x->bases, (unsigned)base);
    for (size_t i = 0; i < n; i++)
        put(x->taken, (unsigned)base ^ labels[i]);
    x->n_taken += n;
    return (uint32_t)(at * 256 + (unsigned)base);
}

/* Fill unit i for pieces [from, to), which share their first `depth` bytes. */
static void
fill(struct builder *b, size_t i, size_t from, size_t to, size_t depth)
{
    unsigned char labels[256];
    size_t n = 0;
    for (; from < to && b->v[from].n == depth; from++) {
        struct t5g_unit *u = unit_at(b, i); /* the last of equal ones stays */
        u->label_id = (u->label_id & ~T5G_NO_PIECE) | (uint32_t)b->v[from].id;
        u->score = b->v[from].score;
    }
    for (size_t at = from; at < to; at++) {
        unsigned char c = (unsigned char)b->v[at].text[depth];
        if (n == 0 || labels[n - 1] != c)
            labels[n++] = c;
    }
    if (n == 0)
        return;
    uint32_t base = place(b, labels, n);
    unit_at(b, i)->base = base;
    for (size_t k = 0; k < n; k++)
        unit_at(b, base ^ labels[k])->label_id = (uint32_t)labels[k] << 23 | T5G_NO_PIECE;
    for (size_t k = 0, at = from; k < n; k++) {
        size_t start = at;
        while (at < to && (unsigned char)b->v[at].text[depth] == labels[k])
            at++;
        fill(b, base ^ labels[k], start, at, depth + 1);
    }
}

static int
by_text(const void *a, const void *b)
{
    const struct t5g_scored *x = a, *y = b;
    int r = memcmp(x->text, y->text, t5g_min(x->n, y->n));
    if (r != 0)
        return r;
    if (x->n != y->n)
        return x->n < y->n ? -1 : 1;
    return x->id < y->id ? -1 : x->id > y->id;
}

void
t5g_double_array(struct t5g_buf *out, struct t5g_scored *v, size_t n)
{
    struct builder b = {.out = out, .start = out->n, .v = v};
    size_t from = 0;
    if (n > 0)
        qsort(v, n, sizeof *v, by_text);
    while (from < n && v[from].n == 0)
        from++;
    add_block(&b);
    fill(&b, 0, from, n, 0);
    t5g_free(b.blocks);
}
