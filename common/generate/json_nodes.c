/* json_nodes.c: values of JSON without white space, as nodes of an automaton. */
#include "generate/json_nodes.h"
#include "base/jsonstr.h"
#include "generate/charset.h"
#include "generate/wordtree.h"

#include <string.h>

enum { DIGITS = 17 };

uint32_t
t5g_node_json_string(struct t5g_automaton *a, uint32_t min, uint32_t max, uint32_t next)
{
    uint32_t end = t5g_node_byte(a, '"', next);
    if (a->json_char == T5G_NODE_NONE) {
        struct t5g_charset all = {0};
        t5g_charset_invert(&all);
        a->json_char = t5g_node_json_char(a, &all, T5G_NODE_RETURN);
        t5g_charset_free(&all);
    }
    uint32_t inside = t5g_node_loop(a, a->json_char, a->json_char, min, max, false, end);
    return t5g_node_byte(a, '"', inside);
}

static uint32_t
digit(struct t5g_automaton *a, char from, uint32_t next)
{
    return t5g_node_bytes(a, &(struct t5g_edge){(uint8_t)from, '9', next}, 1);
}

static uint32_t
either(struct t5g_automaton *a, uint32_t x, uint32_t y)
{
    return t5g_node_fork(a, (uint32_t[]){x, y}, 2);
}

/* Up to n digits. */
static uint32_t
digits(struct t5g_automaton *a, unsigned n, uint32_t next)
{
    uint32_t node = next;
    while (n-- > 0)
        node = either(a, digit(a, '0', node), next);
    return node;
}

uint32_t
t5g_node_json_number(struct t5g_automaton *a, uint32_t next)
{
    uint32_t power = digit(a, '0', digits(a, 1, next));
    uint32_t sign = either(
        a, power, t5g_node_bytes(a, (struct t5g_edge[]){{'+', '+', power}, {'-', '-', power}}, 2));
    uint32_t exponent =
        t5g_node_bytes(a, (struct t5g_edge[]){{'E', 'E', sign}, {'e', 'e', sign}}, 2);
    uint32_t scaled = either(a, exponent, next);
    uint32_t fraction = t5g_node_byte(a, '.', digit(a, '0', digits(a, DIGITS - 1, scaled)));
    uint32_t after = either(a, fraction, scaled);
    uint32_t whole =
        either(a, t5g_node_byte(a, '0', after), digit(a, '1', digits(a, DIGITS - 1, after)));
    return either(a, whole, t5g_node_byte(a, '-', whole));
}

/* ---- whole numbers ---- */

/* n digits that count to lo..hi. */
static uint32_t
block(struct t5g_automaton *a, uint64_t lo, uint64_t hi, unsigned n, uint32_t next)
{
    struct t5g_edge edges[10];
    uint64_t width = 1;
    uint32_t whole = T5G_NODE_NONE;
    if (n == 0)
        return next;
    for (unsigned i = 1; i < n; i++)
        width *= 10;
    for (uint64_t d = 0; d < 10; d++) {
        uint64_t first = d * width, last = first + width - 1;
        uint32_t to = T5G_NODE_NONE;
        if (first >= lo && last <= hi) {
            if (whole == T5G_NODE_NONE)
                whole = block(a, 0, width - 1, n - 1, next);
            to = whole;
        } else if (first <= hi && last >= lo) {
            to = block(a, (first < lo ? lo : first) - first, (last > hi ? hi : last) - first, n - 1,
                       next);
        }
        edges[d] = (struct t5g_edge){(uint8_t)('0' + d), (uint8_t)('0' + d), to};
    }
    return t5g_node_bytes(a, edges, 10);
}

/* A number from lo >= 1 to hi, of at most DIGITS digits. */
static uint32_t
positive(struct t5g_automaton *a, uint64_t lo, uint64_t hi, uint32_t next)
{
    uint32_t node = T5G_NODE_NONE;
    uint64_t first = 1; /* of n digits */
    for (unsigned n = 1; n <= DIGITS; n++, first *= 10) {
        uint64_t last = first * 10 - 1, from = lo > first ? lo : first, to = hi < last ? hi : last;
        if (from <= to)
            node = either(a, node, block(a, from, to, n, next));
    }
    return node;
}

uint32_t
t5g_node_json_whole(struct t5g_automaton *a, struct t5g_whole_range r, uint32_t next)
{
    uint32_t node = T5G_NODE_NONE;
    if (r.min <= 0 && r.max >= 0)
        node = t5g_node_byte(a, '0', next);
    if (r.max > 0)
        node = either(a, node, positive(a, r.min > 1 ? (uint64_t)r.min : 1, (uint64_t)r.max, next));
    if (r.min < 0) {
        uint64_t lo = r.max < -1 ? (uint64_t)-r.max : 1, hi = 0 - (uint64_t)r.min;
        node = either(a, node, t5g_node_byte(a, '-', positive(a, lo, hi, next)));
    }
    return node;
}

/* ---- given values ---- */

uint32_t
t5g_node_json_values(struct t5g_automaton *a, const struct t5g_json *const *values, size_t n,
                     uint32_t next)
{
    struct t5g_word *words = t5g_alloc(n, sizeof *words);
    struct t5g_buf *texts = t5g_alloc(n, sizeof *texts);
    for (size_t i = 0; i < n; i++) {
        t5g_json_print(&texts[i], values[i]);
        words[i] = (struct t5g_word){texts[i].p, texts[i].n};
    }
    uint32_t node = t5g_node_words(a, words, n, next);
    for (size_t i = 0; i < n; i++)
        t5g_buf_free(&texts[i]);
    t5g_free(texts);
    t5g_free(words);
    return node;
}

uint32_t
t5g_node_json_name(struct t5g_automaton *a, const char *name, uint32_t next)
{
    struct t5g_buf b = {0};
    t5g_jsonstr_write(&b, name, strlen(name));
    t5g_buf_addc(&b, ':');
    next = t5g_node_text(a, b.p, b.n, next);
    t5g_buf_free(&b);
    return next;
}
