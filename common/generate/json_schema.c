/*
 * json_schema.c: a JSON Schema to nodes, made from their ends: a schema is compiled with the node
 * that follows its value. What is referred to is a rule, compiled once, and called.
 */
#include "generate/json_schema.h"
#include "base/io.h"
#include "generate/json_nodes.h"
#include "generate/schema_compiler.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FILE_MAX = 1 << 20, CHAIN_MAX = T5G_CALLS_MAX };

static int compile(struct t5g_schema_compiler *c, const struct t5g_json *schema, uint32_t next,
                   uint32_t *node);

/* ---- references ---- */

/* The schema at the end of a chain of references, and in *path the last of these; NULL with the
 * error. */
static const struct t5g_json *
follow(struct t5g_schema_compiler *c, const struct t5g_json *schema, const char **path)
{
    for (size_t i = 0; t5g_json_get(schema, "$ref") != NULL; i++) {
        if (t5g_schema_alone(c, schema, "$ref") < 0)
            return NULL;
        if (i == CHAIN_MAX)
            return t5g_schema_wrong(c, "$ref", "leads to more than 256 references, or to itself"),
                   NULL;
        *path = t5g_json_str(t5g_json_get(schema, "$ref"));
        if ((schema = t5g_schema_target(c, schema)) == NULL)
            return NULL;
    }
    return schema;
}

static int
compile_ref(struct t5g_schema_compiler *c, const struct t5g_json *schema, uint32_t next,
            uint32_t *node)
{
    const char *path = "";
    const struct t5g_json *to = follow(c, schema, &path);
    size_t i = 0;
    if (to == NULL)
        return -1;
    while (i < c->n_rules && c->rule[i].schema != to)
        i++;
    if (i == c->n_rules) {
        c->rule = t5g_grow(c->rule, c->n_rules, &c->cap_rules, sizeof *c->rule);
        c->rule[c->n_rules++] =
            (struct t5g_schema_rule){.schema = to, .path = path, .number = t5g_rule_new(c->a)};
    }
    *node = t5g_node_call(c->a, c->rule[i].number, next);
    return 0;
}

/* ---- arrays and objects ---- */

static int
compile_array(struct t5g_schema_compiler *c, const struct t5g_json *schema, uint32_t next,
              uint32_t *node)
{
    const struct t5g_json *items = t5g_json_get(schema, "items");
    const struct t5g_json *unique = t5g_json_get(schema, "uniqueItems");
    uint32_t min, max, item, after, end = t5g_node_byte(c->a, ']', next);
    if (t5g_schema_counts(c, schema, "minItems", "maxItems", &min, &max) < 0)
        return -1;
    if (unique != NULL && (!t5g_json_is_bool(unique) || t5g_json_true(unique)))
        return t5g_schema_wrong(c, "uniqueItems", "is not supported");
    if (items == NULL)
        return t5g_schema_wrong(c, "items", "is missing: arrays of anything are not supported");
    bool many = min <= 1 && max == T5G_UNLIMITED;
    after = many ? t5g_node_later(c->a) : (uint32_t)T5G_NODE_RETURN;
    size_t n = t5g_schema_into(c, "items");
    if (compile(c, items, after, &item) < 0)
        return -1;
    t5g_schema_back(c, n);
    uint32_t again = t5g_node_byte(c->a, ',', item), first = item;
    if (many)
        t5g_node_set(c->a, after, again, end);
    else
        first = t5g_node_loop(c->a, item, again, min, max, false, end);
    if (many && min == 0)
        first = t5g_node_fork(c->a, (uint32_t[]){item, end}, 2);
    *node = t5g_node_byte(c->a, '[', first);
    return 0;
}

static int
by_name(const void *a, const void *b)
{
    const char *const *x = a, *const *y = b;
    return strcmp(*x, *y);
}

/* The sorted names that are required [*n]; NULL with the error. */
static const char **
required_names(struct t5g_schema_compiler *c, const struct t5g_json *schema, size_t *n)
{
    const struct t5g_json *list = t5g_json_get(schema, "required");
    const char **names = t5g_alloc(t5g_json_size(list), sizeof *names);
    *n = 0;
    for (const struct t5g_json *v = t5g_json_first(list); v != NULL; v = t5g_json_next(v))
        if ((names[(*n)++] = t5g_json_str(v)) == NULL)
            list = v; /* no list of names */
    if (list != NULL && !t5g_json_is_array(list)) {
        t5g_free(names);
        return t5g_schema_wrong(c, "required", "is no list of names"), NULL;
    }
    if (*n > 0)
        qsort(names, *n, sizeof *names, by_name);
    return names;
}

/* The members of an object, from the last to the first: of each the value, then what follows when
 * some member stands before, or none. */
static int
compile_members(struct t5g_schema_compiler *c, const struct t5g_json **member, size_t n,
                const char *const *required, size_t n_required, uint32_t end, uint32_t *node)
{
    uint32_t some = end, none = end; /* from this member on */
    size_t met = 0;
    while (n-- > 0) {
        const char *name = t5g_json_key(member[n]);
        bool must = n_required > 0 &&
                    bsearch(&name, required, n_required, sizeof *required, by_name) != NULL;
        uint32_t value;
        size_t at = t5g_schema_into(c, "properties"), there = t5g_schema_into(c, name);
        if (compile(c, member[n], some, &value) < 0)
            return -1;
        (void)there;
        t5g_schema_back(c, at);
        value = t5g_node_json_name(c->a, name, value);
        uint32_t further = t5g_node_byte(c->a, ',', value);
        some = must ? further : t5g_node_fork(c->a, (uint32_t[]){further, some}, 2);
        none = must ? value : t5g_node_fork(c->a, (uint32_t[]){value, none}, 2);
        met += must;
    }
    *node = none;
    size_t distinct = 0;
    for (size_t i = 0; i < n_required; i++)
        distinct += i == 0 || strcmp(required[i], required[i - 1]) != 0;
    return met == distinct
               ? 0
               : t5g_schema_wrong(c, "required", "has a name that is not in 'properties'");
}

static int
compile_object(struct t5g_schema_compiler *c, const struct t5g_json *schema, uint32_t next,
               uint32_t *node)
{
    const struct t5g_json *properties = t5g_json_get(schema, "properties");
    const struct t5g_json *others = t5g_json_get(schema, "additionalProperties");
    size_t n = t5g_json_size(properties), n_required, i = 0;
    if (others != NULL && !t5g_json_is_bool(others))
        return t5g_schema_wrong(c, "additionalProperties", "is supported as true or false only");
    if (properties != NULL && !t5g_json_is_object(properties))
        return t5g_schema_wrong(c, "properties", "is no object");
    const char **required = required_names(c, schema, &n_required);
    if (required == NULL)
        return -1;
    const struct t5g_json **member = t5g_alloc(n, sizeof *member);
    for (const struct t5g_json *v = t5g_json_first(properties); v != NULL; v = t5g_json_next(v))
        member[i++] = v;
    uint32_t inside, end = t5g_node_byte(c->a, '}', next);
    int r = compile_members(c, member, n, required, n_required, end, &inside);
    t5g_free(member);
    t5g_free(required);
    *node = r == 0 ? t5g_node_byte(c->a, '{', inside) : (uint32_t)T5G_NODE_NONE;
    return r;
}

/* ---- schemas ---- */

static int
compile_type(struct t5g_schema_compiler *c, const struct t5g_json *schema, const char *type,
             uint32_t next, uint32_t *node)
{
    static const struct {
        const char *type;
        int (*compile)(struct t5g_schema_compiler *c, const struct t5g_json *schema, uint32_t next,
                       uint32_t *node);
    } types[] = {{"string", t5g_schema_string},
                 {"integer", t5g_schema_whole},
                 {"number", t5g_schema_number},
                 {"array", compile_array},
                 {"object", compile_object}};
    for (size_t i = 0; i < T5G_LEN(types); i++)
        if (strcmp(type, types[i].type) == 0)
            return types[i].compile(c, schema, next, node);
    if (strcmp(type, "null") == 0) {
        *node = t5g_node_text(c->a, "null", 4, next);
    } else if (strcmp(type, "boolean") == 0) {
        uint32_t yes = t5g_node_text(c->a, "true", 4, next);
        uint32_t no = t5g_node_text(c->a, "false", 5, next);
        *node = t5g_node_fork(c->a, (uint32_t[]){yes, no}, 2);
    } else {
        return t5g_err_set(c->e, T5G_EX_DATA, "%s: there is no type '%s'", c->path.p, type);
    }
    return 0;
}

/* The types [*n] of a schema, at most 8; with none stated, what its keywords are about. */
static int
types_of(struct t5g_schema_compiler *c, const struct t5g_json *schema, const char *types[8],
         size_t *n)
{
    const struct t5g_json *type = t5g_json_get(schema, "type");
    *n = 0;
    if (type == NULL && t5g_json_get(schema, "properties") != NULL)
        types[(*n)++] = "object";
    else if (type == NULL && t5g_json_get(schema, "items") != NULL)
        types[(*n)++] = "array";
    else if (t5g_json_str(type) != NULL)
        types[(*n)++] = t5g_json_str(type);
    else if (type != NULL && (!t5g_json_is_array(type) || t5g_json_size(type) > 8))
        return t5g_schema_wrong(c, "type", "is no type and no list of types");
    for (const struct t5g_json *v = t5g_json_first(type); v != NULL; v = t5g_json_next(v))
        if ((types[(*n)++] = t5g_json_str(v)) == NULL)
            return t5g_schema_wrong(c, "type", "is no type and no list of types");
    for (size_t i = 1; i < *n; i++)
        for (size_t k = 0; k < i; k++)
            if (strcmp(types[i], types[k]) == 0)
                return t5g_schema_wrong(c, "type", "names a type twice");
    return 0;
}

static int
compile_types(struct t5g_schema_compiler *c, const struct t5g_json *schema, uint32_t next,
              uint32_t *node)
{
    const char *types[8];
    uint32_t nodes[8];
    size_t n;
    if (t5g_schema_known(c, schema) < 0 || types_of(c, schema, types, &n) < 0)
        return -1;
    if (t5g_json_get(schema, "enum") != NULL || t5g_json_get(schema, "const") != NULL)
        return t5g_schema_values(c, schema, types, n, next, node);
    if (n == 0)
        return t5g_err_set(c->e, T5G_EX_DATA,
                           "%s: a schema without 'type', 'enum', 'const', 'anyOf' and '$ref', for "
                           "any value, is not supported",
                           c->path.p);
    for (size_t i = 0; i < n; i++)
        if (compile_type(c, schema, types[i], next, &nodes[i]) < 0)
            return -1;
    *node = t5g_node_fork(c->a, nodes, n);
    return 0;
}

/* anyOf, and allOf of one schema. */
static int
compile_any(struct t5g_schema_compiler *c, const struct t5g_json *schema, const char *keyword,
            uint32_t next, uint32_t *node)
{
    const struct t5g_json *list = t5g_json_get(schema, keyword);
    struct t5g_buf nodes = {0};
    size_t n = t5g_json_size(list), i = 0;
    char number[24];
    if (t5g_schema_alone(c, schema, keyword) < 0)
        return -1;
    if (!t5g_json_is_array(list) || n == 0)
        return t5g_schema_wrong(c, keyword, "is no list of schemas");
    if (strcmp(keyword, "allOf") == 0 && n > 1)
        return t5g_schema_wrong(c, keyword, "is supported with one schema only");
    size_t at = t5g_schema_into(c, keyword);
    for (const struct t5g_json *v = t5g_json_first(list); v != NULL; v = t5g_json_next(v)) {
        uint32_t one;
        snprintf(number, sizeof number, "%zu", i++);
        size_t here = t5g_schema_into(c, number);
        if (compile(c, v, next, &one) < 0) {
            t5g_buf_free(&nodes);
            return -1;
        }
        t5g_schema_back(c, here);
        t5g_buf_add(&nodes, &one, sizeof one);
    }
    t5g_schema_back(c, at);
    *node = t5g_node_fork(c->a, (const uint32_t *)(const void *)nodes.p, n);
    t5g_buf_free(&nodes);
    return 0;
}

static int
compile(struct t5g_schema_compiler *c, const struct t5g_json *schema, uint32_t next, uint32_t *node)
{
    *node = T5G_NODE_NONE;
    if (c->a->full)
        return 0; /* t5g_automaton_finish says so */
    if (t5g_json_is_bool(schema) && !t5g_json_true(schema))
        return 0; /* nothing is valid */
    if (!t5g_json_is_object(schema))
        return t5g_err_set(c->e, T5G_EX_DATA, "%s: %s", c->path.p,
                           t5g_json_is_bool(schema) ? "true, for any value, is not supported"
                                                    : "not a schema: expected an object");
    if (t5g_json_get(schema, "$ref") != NULL)
        return compile_ref(c, schema, next, node);
    if (t5g_json_get(schema, "anyOf") != NULL)
        return compile_any(c, schema, "anyOf", next, node);
    if (t5g_json_get(schema, "allOf") != NULL)
        return compile_any(c, schema, "allOf", next, node);
    return compile_types(c, schema, next, node);
}

/* The root, then what it refers to, until nothing is left. */
static int
compile_all(struct t5g_schema_compiler *c, uint32_t *start)
{
    t5g_buf_adds(&c->path, "#");
    if (compile(c, c->root, T5G_NODE_RETURN, start) < 0)
        return -1;
    for (; c->done < c->n_rules; c->done++) {
        struct t5g_schema_rule r = c->rule[c->done];
        uint32_t node;
        c->path.n = 0;
        t5g_buf_adds(&c->path, r.path);
        if (compile(c, r.schema, T5G_NODE_RETURN, &node) < 0)
            return -1;
        t5g_rule_set(c->a, r.number, node);
    }
    return 0;
}

struct t5g_automaton *
t5g_json_schema_parse(const char *text, size_t n, const char *name, struct t5g_err *e)
{
    struct t5g_json *root = t5g_json_parse(text, n, name, e);
    if (root == NULL)
        return NULL;
    struct t5g_schema_compiler c = {.a = t5g_automaton_open(), .root = root, .e = e};
    uint32_t start;
    bool good = compile_all(&c, &start) == 0 && t5g_automaton_finish(c.a, start, e) == 0;
    t5g_free(c.rule);
    t5g_buf_free(&c.path);
    t5g_json_free(root);
    if (good)
        return c.a;
    t5g_err_in(e, "%s", name);
    t5g_automaton_close(c.a);
    return NULL;
}

struct t5g_automaton *
t5g_json_schema_open(const char *path, struct t5g_err *e)
{
    struct t5g_buf b = {0};
    struct t5g_automaton *a = NULL;
    if (t5g_read_input(path, FILE_MAX, &b, e) == 0)
        a = t5g_json_schema_parse(b.n > 0 ? b.p : "", b.n, t5g_input_name(path), e);
    t5g_buf_free(&b);
    return a;
}
