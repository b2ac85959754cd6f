/* regex.h: regular expressions over code points: the dialect of t5g-decode(1), CONSTRAINTS. */
#ifndef T5G_REGEX_H
#define T5G_REGEX_H

#include "generate/charset.h"

struct t5g_regex;

/*
 * Parse text [n]. NULL with e (code as given): "byte N: what", for a syntax error or a feature that
 * is not supported, which it names.
 */
struct t5g_regex *t5g_regex_parse(const char *text, size_t n, int code, struct t5g_err *e);
void t5g_regex_free(struct t5g_regex *r);

/* A whole text that matches, then next. */
uint32_t t5g_regex_node(struct t5g_automaton *a, const struct t5g_regex *r, uint32_t next);

/*
 * The characters of a JSON string, in any of their spellings, that has a match somewhere: where the
 * expression is not anchored with ^ and $, any characters may stand before and after it.
 */
uint32_t t5g_regex_json_node(struct t5g_automaton *a, const struct t5g_regex *r, uint32_t next);

/*
 * regex_counted.c: the same with min to max characters (T5G_UNLIMITED) in all. *too_large: the
 * expression's characters times this number are too many; nothing is made.
 */
uint32_t t5g_regex_counted_node(struct t5g_automaton *a, const struct t5g_regex *r, uint32_t min,
                                uint32_t max, uint32_t next, bool *too_large);

#endif
