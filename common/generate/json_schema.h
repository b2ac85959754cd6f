/* json_schema.h: JSON Schema, as far as t5g-decode(1), JSON SCHEMA, has it, to an automaton. */
#ifndef T5G_JSON_SCHEMA_H
#define T5G_JSON_SCHEMA_H

#include "generate/automaton.h"

/*
 * The automaton of JSON texts without white space that are valid under a schema [n]. NULL with e
 * (65): "NAME: #/properties/x: what", naming a keyword that is not supported, or no text is valid.
 */
struct t5g_automaton *t5g_json_schema_parse(const char *text, size_t n, const char *name,
                                            struct t5g_err *e);

/* The same from a file, "-" for stdin, of at most 1 MiB. NULL with e (65, 66, 74, 77). */
struct t5g_automaton *t5g_json_schema_open(const char *path, struct t5g_err *e);

#endif
