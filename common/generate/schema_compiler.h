/* schema_compiler.h: inside of the compiler of JSON Schema, for its files. */
#ifndef T5G_SCHEMA_COMPILER_H
#define T5G_SCHEMA_COMPILER_H

#include "base/json.h"
#include "generate/automaton.h"

/* A schema that is referred to. */
struct t5g_schema_rule {
    const struct t5g_json *schema;
    const char *path; /* lives with the root */
    uint32_t number;
};

struct t5g_schema_compiler {
    struct t5g_automaton *a;
    const struct t5g_json *root;
    struct t5g_buf path;          /* of the schema at work, as a reference: # and a JSON pointer */
    struct t5g_schema_rule *rule; /* [n_rules], of which `done` are compiled */
    size_t n_rules, cap_rules, done;
    struct t5g_err *e;
};

/* ---- schema_compiler.c ---- */

/* Set the error "PATH: 'KEYWORD' WHAT" (65). -1. */
int t5g_schema_wrong(struct t5g_schema_compiler *c, const char *keyword, const char *what);

/* Append a step to the path; returns its length before, for t5g_schema_back. */
size_t t5g_schema_into(struct t5g_schema_compiler *c, const char *step);
void t5g_schema_back(struct t5g_schema_compiler *c, size_t n);

/* A keyword that says nothing about which values are valid, or is read where it is referred to. */
bool t5g_schema_says_nothing(const char *keyword);

/* -1 with the error: others than these stand beside this keyword. */
int t5g_schema_alone(struct t5g_schema_compiler *c, const struct t5g_json *schema,
                     const char *keyword);

/* -1 with the error: a keyword is not one of those for values of some type. */
int t5g_schema_known(struct t5g_schema_compiler *c, const struct t5g_json *schema);

/* Two keywords that limit a number of things: 0 and T5G_UNLIMITED without them. -1 with the error.
 */
int t5g_schema_counts(struct t5g_schema_compiler *c, const struct t5g_json *schema,
                      const char *least, const char *most, uint32_t *min, uint32_t *max);

/* What the schema's $ref names; NULL with the error. */
const struct t5g_json *t5g_schema_target(struct t5g_schema_compiler *c,
                                         const struct t5g_json *schema);

/* ---- schema_scalars.c: a value of one type, then next. -1 with the error. ---- */

int t5g_schema_string(struct t5g_schema_compiler *c, const struct t5g_json *schema, uint32_t next,
                      uint32_t *node);
int t5g_schema_whole(struct t5g_schema_compiler *c, const struct t5g_json *schema, uint32_t next,
                     uint32_t *node);
int t5g_schema_number(struct t5g_schema_compiler *c, const struct t5g_json *schema, uint32_t next,
                      uint32_t *node);
/* The values of enum or const that have one of the types; n_types 0: all. */
int t5g_schema_values(struct t5g_schema_compiler *c, const struct t5g_json *schema,
                      const char *const *types, size_t n_types, uint32_t next, uint32_t *node);

#endif
