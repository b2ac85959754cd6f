/* json_nodes.h: values of JSON without white space, as nodes of an automaton. */
#ifndef T5G_JSON_NODES_H
#define T5G_JSON_NODES_H

#include "base/json.h"
#include "generate/automaton.h"

/* A string of min to max characters (T5G_UNLIMITED), in any of its spellings, with its quotes. */
uint32_t t5g_node_json_string(struct t5g_automaton *a, uint32_t min, uint32_t max, uint32_t next);

/* A number of at most 17 digits before the point, 17 after it, and an exponent of two. */
uint32_t t5g_node_json_number(struct t5g_automaton *a, uint32_t next);

/* INT64_MIN, INT64_MAX: no limit but that of 17 digits. */
struct t5g_whole_range {
    int64_t min, max;
};

/* A whole number of the range, without a sign if it is 0, exponent, fraction or leading zeros. */
uint32_t t5g_node_json_whole(struct t5g_automaton *a, struct t5g_whole_range range, uint32_t next);

/* One of these values [n], each in one spelling: that of t5g_json_print. */
uint32_t t5g_node_json_values(struct t5g_automaton *a, const struct t5g_json *const *values,
                              size_t n, uint32_t next);

/* The name of an object's member, in one spelling, and a colon. */
uint32_t t5g_node_json_name(struct t5g_automaton *a, const char *name, uint32_t next);

#endif
