/* schema_scalars.c: strings, numbers and given values of JSON Schema to nodes. */
#include "generate/json_nodes.h"
#include "generate/regex.h"
#include "generate/schema_compiler.h"

#include <math.h>
#include <string.h>

/* ---- strings, numbers ---- */

int
t5g_schema_string(struct t5g_schema_compiler *c, const struct t5g_json *schema, uint32_t next,
                  uint32_t *node)
{
    const struct t5g_json *pattern = t5g_json_get(schema, "pattern");
    uint32_t min, max;
    if (t5g_schema_counts(c, schema, "minLength", "maxLength", &min, &max) < 0)
        return -1;
    if (pattern == NULL) {
        *node = t5g_node_json_string(c->a, min, max, next);
        return 0;
    }
    const char *re = t5g_json_str(pattern);
    if (re == NULL)
        return t5g_schema_wrong(c, "pattern", "is no string");
    struct t5g_regex *r = t5g_regex_parse(re, strlen(re), T5G_EX_DATA, c->e);
    if (r == NULL)
        return t5g_err_in(c->e, "%s: 'pattern'", c->path.p);
    uint32_t end = t5g_node_byte(c->a, '"', next);
    bool too_large = false;
    if (min > 0 || max != T5G_UNLIMITED)
        end = t5g_regex_counted_node(c->a, r, min, max, end, &too_large);
    else
        end = t5g_regex_json_node(c->a, r, end);
    t5g_regex_free(r);
    if (too_large)
        return t5g_schema_wrong(c, "pattern",
                                "is too large beside 'minLength' or 'maxLength': its characters "
                                "times their number are more than 16384");
    *node = t5g_node_byte(c->a, '"', end);
    return 0;
}

/* A limit of whole numbers: rounded to the inside, and moved by one if it is exclusive. */
static int
limit(struct t5g_schema_compiler *c, const struct t5g_json *schema, const char *keyword, bool upper,
      bool exclusive, int64_t *to)
{
    const struct t5g_json *v = t5g_json_get(schema, keyword);
    if (v == NULL)
        return 0;
    double x = t5g_json_num(v), inside = upper ? floor(x) : ceil(x);
    if (!(fabs(x) < 0x1p53))
        return t5g_schema_wrong(c, keyword, "is no number between -2^53 and 2^53");
    if (exclusive && inside <= x && inside >= x)
        inside += upper ? -1 : 1;
    int64_t n = (int64_t)inside;
    if (upper ? n < *to : n > *to)
        *to = n;
    return 0;
}

int
t5g_schema_whole(struct t5g_schema_compiler *c, const struct t5g_json *schema, uint32_t next,
                 uint32_t *node)
{
    struct t5g_whole_range r = {INT64_MIN, INT64_MAX};
    if (limit(c, schema, "minimum", false, false, &r.min) < 0 ||
        limit(c, schema, "exclusiveMinimum", false, true, &r.min) < 0 ||
        limit(c, schema, "maximum", true, false, &r.max) < 0 ||
        limit(c, schema, "exclusiveMaximum", true, true, &r.max) < 0)
        return -1;
    if (r.min > r.max)
        return t5g_err_set(c->e, T5G_EX_DATA, "%s: no whole number is between its limits",
                           c->path.p);
    *node = t5g_node_json_whole(c->a, r, next);
    return 0;
}

int
t5g_schema_number(struct t5g_schema_compiler *c, const struct t5g_json *schema, uint32_t next,
                  uint32_t *node)
{
    static const char *const limits[] = {"minimum", "maximum", "exclusiveMinimum",
                                         "exclusiveMaximum"};
    for (size_t i = 0; i < T5G_LEN(limits); i++)
        if (t5g_json_get(schema, limits[i]) != NULL)
            return t5g_schema_wrong(c, limits[i], "is supported for type integer only");
    *node = t5g_node_json_number(c->a, next);
    return 0;
}

/* ---- given values ---- */

static bool
has_type(const struct t5g_json *v, const char *type)
{
    double x = t5g_json_num(v);
    switch (type[0]) {
    case 's':
        return t5g_json_is_string(v);
    case 'b':
        return t5g_json_is_bool(v);
    case 'o':
        return t5g_json_is_object(v);
    case 'a':
        return t5g_json_is_array(v);
    case 'i':
        return t5g_json_is_number(v) && floor(x) >= x;
    default:
        return type[1] == 'u' && type[2] == 'm' ? t5g_json_is_number(v) : t5g_json_is_null(v);
    }
}

/* Whether every number in v is below 2^53: beyond, JSON text and double may differ. */
static bool
is_exact(const struct t5g_json *v)
{
    if (t5g_json_is_number(v))
        return fabs(t5g_json_num(v)) < 0x1p53;
    for (const struct t5g_json *x = t5g_json_first(v); x != NULL; x = t5g_json_next(x))
        if (!is_exact(x))
            return false;
    return true;
}

/* The values of enum or const that have one of the types. */
int
t5g_schema_values(struct t5g_schema_compiler *c, const struct t5g_json *schema,
                  const char *const *types, size_t n_types, uint32_t next, uint32_t *node)
{
    const struct t5g_json *one = t5g_json_get(schema, "const");
    const struct t5g_json *list = t5g_json_get(schema, "enum");
    size_t n = one != NULL ? 1 : t5g_json_size(list), kept = 0;
    if (one != NULL && list != NULL)
        return t5g_schema_wrong(c, "enum", "beside 'const' is not supported");
    if (one == NULL && !t5g_json_is_array(list))
        return t5g_schema_wrong(c, "enum", "is no array");
    for (const struct t5g_json *v = t5g_json_first(schema); v != NULL; v = t5g_json_next(v))
        if (!t5g_schema_says_nothing(t5g_json_key(v)) && v != one && v != list &&
            strcmp(t5g_json_key(v), "type") != 0)
            return t5g_schema_wrong(c, t5g_json_key(v),
                                    "beside 'enum' or 'const' is not supported");
    if (!is_exact(one != NULL ? one : list))
        return t5g_schema_wrong(c, one != NULL ? "const" : "enum",
                                "has a number beyond 2^53, which is not exact");
    const struct t5g_json **values = t5g_alloc(n, sizeof *values);
    for (const struct t5g_json *v = one != NULL ? one : t5g_json_first(list); v != NULL;
         v = one != NULL ? NULL : t5g_json_next(v)) {
        bool fits = n_types == 0;
        for (size_t i = 0; i < n_types; i++)
            fits = fits || has_type(v, types[i]);
        if (fits)
            values[kept++] = v;
    }
    *node = t5g_node_json_values(c->a, values, kept, next);
    t5g_free(values);
    return kept > 0
               ? 0
               : t5g_schema_wrong(c, one != NULL ? "const" : "enum", "has no value that is valid");
}
