/*
 * charset.c: sets of characters, and their encodings as nodes.
 *
 * Both encodings are trees over blocks of code points: a leading byte or hex digit names a block,
 * the next one a part of it. A block that is in the set as a whole has one node whatever the block,
 * because equal nodes are one.
 */
#include "generate/charset.h"

#include <stdlib.h>
#include <string.h>

enum { LAST = 0x10ffff, HIGH = 0xd800, LOW = 0xdc00, SURROGATES_END = 0xdfff };

void
t5g_charset_add(struct t5g_charset *s, uint32_t lo, uint32_t hi)
{
    s->range = t5g_grow(s->range, s->n, &s->cap, sizeof *s->range);
    s->range[s->n++] = (struct t5g_range){lo, hi};
}

static int
by_lo(const void *a, const void *b)
{
    const struct t5g_range *x = a, *y = b;
    return x->lo < y->lo ? -1 : x->lo > y->lo;
}

void
t5g_charset_invert(struct t5g_charset *s)
{
    struct t5g_charset out = {0};
    uint32_t from = 0;
    for (size_t i = 0; i < s->n; i++) {
        if (s->range[i].lo > from)
            t5g_charset_add(&out, from, s->range[i].lo - 1);
        from = s->range[i].hi + 1;
    }
    if (from <= LAST)
        t5g_charset_add(&out, from, LAST);
    t5g_charset_free(s);
    *s = out;
    t5g_charset_tidy(s);
}

/* Append what a tidy set may have of lo..hi; ranges come in ascending order. */
static void
append(struct t5g_charset *s, uint32_t lo, uint32_t hi)
{
    if (lo > hi)
        return;
    if (s->n > 0 && lo <= s->range[s->n - 1].hi + 1) {
        if (hi > s->range[s->n - 1].hi)
            s->range[s->n - 1].hi = hi;
        return;
    }
    t5g_charset_add(s, lo, hi);
}

void
t5g_charset_tidy(struct t5g_charset *s)
{
    struct t5g_charset out = {0};
    if (s->n > 0)
        qsort(s->range, s->n, sizeof *s->range, by_lo);
    for (size_t i = 0; i < s->n; i++) {
        struct t5g_range r = s->range[i];
        append(&out, r.lo, r.hi < HIGH ? r.hi : HIGH - 1);
        append(&out, r.lo > SURROGATES_END ? r.lo : SURROGATES_END + 1, r.hi);
    }
    t5g_charset_free(s);
    *s = out;
}

void
t5g_charset_free(struct t5g_charset *s)
{
    t5g_free(s->range);
    *s = (struct t5g_charset){0};
}

enum part { NOTHING, SOME, ALL };

/* How much of lo..hi is in the set. */
static enum part
part_of(const struct t5g_charset *s, uint32_t lo, uint32_t hi)
{
    size_t from = 0, to = s->n; /* the first range that ends at lo or later */
    while (from < to) {
        size_t mid = (from + to) / 2;
        if (s->range[mid].hi < lo)
            from = mid + 1;
        else
            to = mid;
    }
    if (from == s->n || s->range[from].lo > hi)
        return NOTHING;
    return s->range[from].lo <= lo && s->range[from].hi >= hi ? ALL : SOME;
}

static bool
has(const struct t5g_charset *s, uint32_t c)
{
    return part_of(s, c, c) == ALL;
}

/* ---- UTF-8 ---- */

/* n continuation bytes of the block of code points at `base`, of which those below `least` have a
 * shorter encoding. */
static uint32_t
tail(struct t5g_automaton *a, const struct t5g_charset *s, uint32_t base, unsigned n,
     uint32_t least, uint32_t next)
{
    struct t5g_edge edges[64];
    if (n == 0)
        return next;
    uint32_t width = (uint32_t)1 << 6 * (n - 1);
    uint32_t whole = T5G_NODE_NONE; /* what follows a part that is in the set as a whole */
    for (uint32_t i = 0; i < 64; i++) {
        uint32_t lo = base + i * width, hi = lo + width - 1, to = T5G_NODE_NONE;
        if (hi >= least && lo <= LAST) {
            enum part part = part_of(s, lo, hi);
            if (lo < least && part == ALL)
                part = SOME;
            if (part == ALL && whole != T5G_NODE_NONE)
                to = whole;
            else if (part != NOTHING)
                to = tail(a, s, lo, n - 1, least, next);
            if (part == ALL)
                whole = to;
        }
        edges[i] = (struct t5g_edge){(uint8_t)(0x80 + i), (uint8_t)(0x80 + i), to};
    }
    return t5g_node_bytes(a, edges, 64);
}

/* The edges of leading bytes, all 256 of them. */
static void
leads(struct t5g_automaton *a, const struct t5g_charset *s, uint32_t next,
      struct t5g_edge edges[256])
{
    static const struct {
        uint32_t from, to, least; /* leading bytes; the first code point */
    } length[] = {{0xc2, 0xdf, 0x80}, {0xe0, 0xef, 0x800}, {0xf0, 0xf4, 0x10000}};
    for (uint32_t b = 0; b < 256; b++)
        edges[b] =
            (struct t5g_edge){(uint8_t)b, (uint8_t)b, b < 0x80 && has(s, b) ? next : T5G_NODE_NONE};
    for (unsigned n = 1; n <= 3; n++) {
        uint32_t width = (uint32_t)1 << 6 * n, whole = T5G_NODE_NONE;
        for (uint32_t b = length[n - 1].from; b <= length[n - 1].to; b++) {
            uint32_t lo = (b & (0x3fu >> n)) * width, hi = lo + width - 1;
            enum part part = part_of(s, lo, hi);
            if (part == ALL && lo < length[n - 1].least)
                part = SOME;
            if (part == ALL && whole != T5G_NODE_NONE)
                edges[b].to = whole;
            else if (part != NOTHING)
                edges[b].to = tail(a, s, lo, n, length[n - 1].least, next);
            if (part == ALL)
                whole = edges[b].to;
        }
    }
}

uint32_t
t5g_node_char(struct t5g_automaton *a, const struct t5g_charset *s, uint32_t next)
{
    struct t5g_edge edges[256];
    if (next == T5G_NODE_NONE) /* nothing shows what is done already: all characters would be */
        return T5G_NODE_NONE;
    leads(a, s, next, edges);
    return t5g_node_bytes(a, edges, 256);
}

/* ---- JSON strings ---- */

/* The node that hex digit i of 0..15 leads to is to[i]. */
static uint32_t
digit(struct t5g_automaton *a, const uint32_t to[16])
{
    struct t5g_edge edges[22];
    for (size_t i = 0; i < 22; i++) {
        size_t value = i < 16 ? i : i - 6;
        uint8_t byte = (uint8_t)(i < 10 ? '0' + i : i < 16 ? 'A' + i - 10 : 'a' + i - 16);
        edges[i] = (struct t5g_edge){byte, byte, to[value]};
    }
    return t5g_node_bytes(a, edges, 22);
}

/* n hex digits of a code unit that count the block of code points at base, of those in s. */
static uint32_t
digits(struct t5g_automaton *a, const struct t5g_charset *s, uint32_t base, unsigned n,
       uint32_t next)
{
    uint32_t to[16], width = (uint32_t)1 << 4 * (n - 1), whole = T5G_NODE_NONE;
    for (uint32_t i = 0; i < 16; i++) {
        uint32_t lo = base + i * width;
        enum part part = part_of(s, lo, lo + width - 1);
        if (part == ALL && whole != T5G_NODE_NONE)
            to[i] = whole;
        else if (part == NOTHING)
            to[i] = T5G_NODE_NONE;
        else
            to[i] = n == 1 ? next : digits(a, s, lo, n - 1, next);
        if (part == ALL)
            whole = to[i];
    }
    return digit(a, to);
}

/* The second code unit of a pair, \uDC00 to \uDFFF, for the 1024 code points at base. */
static uint32_t
second(struct t5g_automaton *a, const struct t5g_charset *s, uint32_t base, uint32_t next)
{
    uint32_t to[16] = {0}, d[16] = {0};
    for (uint32_t i = 0; i < 4; i++)
        to[0xc + i] = digits(a, s, base + (i << 8), 2, next);
    d[0xd] = digit(a, to);
    return t5g_node_text(a, "\\u", 2, digit(a, d));
}

/* n hex digits of a first code unit, of which 2^(4 n) begin at number `from` of 0..1023. */
static uint32_t
first(struct t5g_automaton *a, const struct t5g_charset *s, uint32_t from, unsigned n,
      uint32_t next)
{
    uint32_t base = 0x10000 + from * 1024;
    if (n == 0)
        return second(a, s, base, next);
    uint32_t to[16], width = (uint32_t)1 << 4 * (n - 1), whole = T5G_NODE_NONE;
    for (uint32_t i = 0; i < 16; i++) {
        uint32_t lo = base + i * width * 1024;
        enum part part = part_of(s, lo, lo + width * 1024 - 1);
        if (part == ALL && whole != T5G_NODE_NONE)
            to[i] = whole;
        else
            to[i] = part == NOTHING ? T5G_NODE_NONE : first(a, s, from + i * width, n - 1, next);
        if (part == ALL)
            whole = to[i];
    }
    return digit(a, to);
}

/* What follows \u. */
static uint32_t
code_unit(struct t5g_automaton *a, const struct t5g_charset *s, uint32_t next)
{
    uint32_t to[16], d[16];
    for (uint32_t i = 0; i < 16; i++)
        to[i] = part_of(s, i << 12, (i << 12) + 0xfff) == NOTHING ? T5G_NODE_NONE
                                                                  : digits(a, s, i << 12, 3, next);
    for (uint32_t i = 0; i < 16; i++) {
        if (i < 8)
            d[i] = digits(a, s, HIGH - 0x800 + (i << 8), 2, next);
        else if (i < 12)
            d[i] = first(a, s, (i - 8) << 8, 2, next);
        else
            d[i] = T5G_NODE_NONE;
    }
    to[0xd] = digit(a, d);
    return digit(a, to);
}

uint32_t
t5g_node_json_char(struct t5g_automaton *a, const struct t5g_charset *s, uint32_t next)
{
    static const char escaped[] = "\"/\\bfnrtu"; /* ascending */
    static const char meant[] = "\"/\\\b\f\n\r\t";
    struct t5g_edge edges[256], escapes[sizeof escaped - 1];
    if (next == T5G_NODE_NONE)
        return T5G_NODE_NONE;
    for (size_t i = 0; i < sizeof escaped - 1; i++) {
        bool plain = i + 1 < sizeof escaped - 1;
        uint32_t to = !plain                            ? code_unit(a, s, next)
                      : has(s, (unsigned char)meant[i]) ? next
                                                        : T5G_NODE_NONE;
        escapes[i] = (struct t5g_edge){(uint8_t)escaped[i], (uint8_t)escaped[i], to};
    }
    leads(a, s, next, edges);
    for (size_t b = 0; b < 0x20; b++)
        edges[b].to = T5G_NODE_NONE;
    edges['"'].to = T5G_NODE_NONE;
    edges['\\'].to = t5g_node_bytes(a, escapes, sizeof escaped - 1);
    return t5g_node_bytes(a, edges, 256);
}

/* ---- sets that come again ---- */

uint32_t
t5g_node_json_body(struct t5g_automaton *a, const struct t5g_charset *s)
{
    size_t size = s->n * sizeof *s->range;
    uint64_t h = s->n;
    for (size_t i = 0; i < s->n; i++)
        h = (h ^ ((uint64_t)s->range[i].lo << 32 | s->range[i].hi)) * UINT64_C(0x9e3779b97f4a7c15);
    if (a->set_nodes == NULL)
        a->set_nodes = t5g_alloc(T5G_SET_NODES, sizeof *a->set_nodes);
    struct t5g_set_node *x = &a->set_nodes[(h >> 32) % T5G_SET_NODES];
    if (x->node != T5G_NODE_NONE && x->n == s->n &&
        (size == 0 || memcmp(x->ranges, s->range, size) == 0))
        return x->node;
    t5g_free(x->ranges);
    *x = (struct t5g_set_node){t5g_memdup(s->range, size), s->n,
                               t5g_node_json_char(a, s, T5G_NODE_RETURN)};
    return x->node;
}
