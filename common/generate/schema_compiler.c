/* schema_compiler.c: keywords, paths and references of JSON Schema. */
#include "generate/schema_compiler.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { COUNT_MAX = 1 << 30 };

/* ---- messages and paths ---- */

int
t5g_schema_wrong(struct t5g_schema_compiler *c, const char *keyword, const char *what)
{
    return t5g_err_set(c->e, T5G_EX_DATA, "%s: '%s' %s", c->path.p, keyword, what);
}

/* Append a step to the path; returns its length before, for t5g_schema_back(). */
size_t
t5g_schema_into(struct t5g_schema_compiler *c, const char *step)
{
    size_t n = c->path.n;
    t5g_buf_addc(&c->path, '/');
    for (; *step != '\0'; step++)
        if (*step == '~' || *step == '/')
            t5g_buf_adds(&c->path, *step == '~' ? "~0" : "~1");
        else
            t5g_buf_addc(&c->path, *step);
    return n;
}

void
t5g_schema_back(struct t5g_schema_compiler *c, size_t n)
{
    c->path.n = n;
    c->path.p[n] = '\0';
}

/* ---- keywords ---- */

static bool
among(const char *const *list, const char *word)
{
    while (*list != NULL && strcmp(*list, word) != 0)
        list++;
    return *list != NULL;
}

/* They say nothing about which values are valid, or are read where they are referred to. */
static const char *const annotations[] = {
    "title", "description", "default",     "examples",   "$schema",         "$id",
    "id",    "$comment",    "format",      "deprecated", "readOnly",        "writeOnly",
    "$defs", "definitions", "contentType", "example",    "contentEncoding", "contentMediaType",
    NULL};

bool
t5g_schema_says_nothing(const char *keyword)
{
    return among(annotations, keyword);
}

static const char *const of_types[] = {"type",       "enum",        "const",
                                       "minLength",  "maxLength",   "pattern",
                                       "minimum",    "maximum",     "exclusiveMinimum",
                                       "items",      "minItems",    "exclusiveMaximum",
                                       "maxItems",   "required",    "additionalProperties",
                                       "properties", "uniqueItems", NULL};

/* Only annotations may stand beside this keyword. */
int
t5g_schema_alone(struct t5g_schema_compiler *c, const struct t5g_json *schema, const char *keyword)
{
    for (const struct t5g_json *v = t5g_json_first(schema); v != NULL; v = t5g_json_next(v)) {
        const char *other = t5g_json_key(v);
        char what[128];
        if (strcmp(other, keyword) == 0 || t5g_schema_says_nothing(other))
            continue;
        snprintf(what, sizeof what, "beside '%s' is not supported", keyword);
        return t5g_schema_wrong(c, other, what);
    }
    return 0;
}

int
t5g_schema_known(struct t5g_schema_compiler *c, const struct t5g_json *schema)
{
    for (const struct t5g_json *v = t5g_json_first(schema); v != NULL; v = t5g_json_next(v)) {
        const char *keyword = t5g_json_key(v);
        if (strcmp(keyword, "oneOf") == 0)
            return t5g_schema_wrong(
                c, keyword,
                "is not supported; if its alternatives exclude each other, write anyOf");
        if (!t5g_schema_says_nothing(keyword) && !among(of_types, keyword))
            return t5g_schema_wrong(c, keyword, "is not supported");
    }
    return 0;
}

/* A whole number from 0 on, or what it is without the keyword. */
static int
count(struct t5g_schema_compiler *c, const struct t5g_json *schema, const char *keyword,
      uint32_t *n)
{
    const struct t5g_json *v = t5g_json_get(schema, keyword);
    int64_t value;
    if (v == NULL)
        return 0;
    if (!t5g_json_int(v, 0, COUNT_MAX, &value))
        return t5g_schema_wrong(c, keyword, "is no whole number from 0 to 1073741824");
    *n = (uint32_t)value;
    return 0;
}

int
t5g_schema_counts(struct t5g_schema_compiler *c, const struct t5g_json *schema, const char *least,
                  const char *most, uint32_t *min, uint32_t *max)
{
    char what[64];
    *min = 0;
    *max = T5G_UNLIMITED;
    if (count(c, schema, least, min) < 0 || count(c, schema, most, max) < 0)
        return -1;
    snprintf(what, sizeof what, "is below '%s': no value is valid", least);
    return *max < *min ? t5g_schema_wrong(c, most, what) : 0;
}

/* ---- references ---- */

/* One step of a JSON pointer inside a reference, decoded: ~0, ~1, %XX. */
static void
step_of(struct t5g_buf *out, const char *p, size_t n)
{
    out->n = 0;
    t5g_buf_adds(out, "");
    for (size_t i = 0; i < n; i++) {
        char hex[3] = {0}, *end;
        if (p[i] == '%' && i + 2 < n) {
            memcpy(hex, p + i + 1, 2);
            char c = (char)strtol(hex, &end, 16);
            if (end == hex + 2 && c != '\0') {
                t5g_buf_addc(out, c);
                i += 2;
                continue;
            }
        }
        t5g_buf_addc(out, p[i]);
    }
    size_t k = 0;
    for (size_t i = 0; i < out->n; i++) {
        char c = out->p[i];
        if (c == '~' && i + 1 < out->n && (out->p[i + 1] == '0' || out->p[i + 1] == '1'))
            c = out->p[++i] == '0' ? '~' : '/';
        out->p[k++] = c;
    }
    out->n = k;
    out->p[k] = '\0';
}

static const struct t5g_json *
child(const struct t5g_json *v, const char *step)
{
    if (!t5g_json_is_array(v))
        return t5g_json_get(v, step);
    char *end;
    unsigned long i = strtoul(step, &end, 10);
    if (end == step || *end != '\0')
        return NULL;
    for (v = t5g_json_first(v); v != NULL && i > 0; i--)
        v = t5g_json_next(v);
    return v;
}

/* What a reference names; NULL with the error. */
const struct t5g_json *
t5g_schema_target(struct t5g_schema_compiler *c, const struct t5g_json *schema)
{
    const char *ref = t5g_json_str(t5g_json_get(schema, "$ref"));
    const struct t5g_json *v = c->root;
    struct t5g_buf step = {0};
    if (ref == NULL || ref[0] != '#' || (ref[1] != '\0' && ref[1] != '/'))
        return t5g_schema_wrong(c, "$ref", "names nothing inside the file: expected # or #/..."),
               NULL;
    for (const char *p = ref + 1; *p == '/' && v != NULL;) {
        size_t n = strcspn(++p, "/");
        step_of(&step, p, n);
        v = child(v, step.p);
        p += n;
    }
    t5g_buf_free(&step);
    if (v == NULL)
        t5g_err_set(c->e, T5G_EX_DATA, "%s: '$ref': there is no '%s'", c->path.p, ref);
    return v;
}
