/* json.h: strict reading of small JSON files and frame metadata (cJSON behind it). */
#ifndef T5G_JSON_H
#define T5G_JSON_H

#include "base/mem.h"
#include "base/err.h"

struct t5g_json; /* a node; the root owns the tree */

/*
 * Parse exactly one JSON value of n bytes. Stricter than cJSON: valid UTF-8, no BOM, no NUL and no
 * \u0000, nesting up to 64, no duplicate keys within an object, no leading zeros, no trailing text,
 * finite numbers of at most 63 characters. NULL with e (65): "NAME: byte 17: ..." (counted from 0).
 * Freed by t5g_json_free.
 */
struct t5g_json *t5g_json_parse(const char *text, size_t n, const char *name, struct t5g_err *e);
struct t5g_json *t5g_json_parse_file(const char *path, size_t limit, struct t5g_err *e);
void t5g_json_free(struct t5g_json *root);

/* Member of an object by exact name; NULL if obj is NULL, not an object, or has no such member. */
const struct t5g_json *t5g_json_get(const struct t5g_json *obj, const char *key);

bool t5g_json_is_object(const struct t5g_json *v);
bool t5g_json_is_array(const struct t5g_json *v);
bool t5g_json_is_string(const struct t5g_json *v);
bool t5g_json_is_number(const struct t5g_json *v);
bool t5g_json_is_bool(const struct t5g_json *v);
bool t5g_json_is_null(const struct t5g_json *v); /* a null in the text; false for v == NULL */

/* Children of an array or object, in order: for (c = first(v); c; c = next(c)). */
const struct t5g_json *t5g_json_first(const struct t5g_json *v);
const struct t5g_json *t5g_json_next(const struct t5g_json *v);
size_t t5g_json_size(const struct t5g_json *v);     /* number of children */
const char *t5g_json_key(const struct t5g_json *v); /* name of an object's member, else NULL */

const char *t5g_json_str(
    const struct t5g_json *v);                 /* string value, else NULL; lives with the root */
double t5g_json_num(const struct t5g_json *v); /* number value, else NaN */
bool t5g_json_true(const struct t5g_json *v);  /* true only for the literal true */
/* Store an integer in min..max (magnitude up to 2^53) in *out; false for anything else. */
bool t5g_json_int(const struct t5g_json *v, int64_t min, int64_t max, int64_t *out);

/* Append a node as JSON without white space; strings are written by t5g_jsonstr_write. */
void t5g_json_print(struct t5g_buf *b, const struct t5g_json *v);

#endif
