/* charset.h: sets of characters, and one character of a set as bytes of a text or a JSON string. */
#ifndef T5G_CHARSET_H
#define T5G_CHARSET_H

#include "generate/automaton.h"

struct t5g_range {
    uint32_t lo, hi;
};

/* Code points. Zero-initialise; the ranges are ascending and disjoint after t5g_charset_tidy. */
struct t5g_charset {
    struct t5g_range *range; /* [n] */
    size_t n, cap;
};

void t5g_charset_add(struct t5g_charset *s, uint32_t lo, uint32_t hi);
/* All characters but those of s, which is tidy and becomes so. */
void t5g_charset_invert(struct t5g_charset *s);
/* Sort, join, and take out surrogates, which no text has. */
void t5g_charset_tidy(struct t5g_charset *s);
void t5g_charset_free(struct t5g_charset *s);

/* One character of s (tidy) as UTF-8. */
uint32_t t5g_node_char(struct t5g_automaton *a, const struct t5g_charset *s, uint32_t next);

/*
 * One character of s (tidy) inside a JSON string, in any of its spellings: itself, unless it is a
 * control character, a quote or a backslash; a short escape; \uXXXX with hex digits in either case,
 * or two of them for a character above U+FFFF.
 */
uint32_t t5g_node_json_char(struct t5g_automaton *a, const struct t5g_charset *s, uint32_t next);

/* The same, to RETURN, which costs little if the last sets that were asked for have an equal one.
 */
uint32_t t5g_node_json_body(struct t5g_automaton *a, const struct t5g_charset *s);

#endif
