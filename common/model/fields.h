/* fields.h: members of a configuration object, with types and ranges checked. */
#ifndef T5G_FIELDS_H
#define T5G_FIELDS_H

#include "base/json.h"

/*
 * Where the getters report errors. After the first error every getter returns a harmless value at
 * once, so that a reader can get all fields and then check `failed` once.
 */
struct t5g_fields {
    const char *path; /* of the file, for messages */
    struct t5g_err *e;
    bool failed;
};

/* An object of the file; `where` is its place in messages, "decoder." or "". */
struct t5g_place {
    const struct t5g_json *obj;
    const char *where;
};

/* Record "PATH: WHEREkey: ..." (65). */
void t5g_fields_fail(struct t5g_fields *f, struct t5g_place p, const char *key, const char *fmt,
                     ...) T5G_PRINTF(4, 5);

/* Member `key`, or NULL when it is absent or null: the two mean the same in these files. */
const struct t5g_json *t5g_field(struct t5g_place p, const char *key);

/* A required whole number in min..max. */
size_t t5g_field_size(struct t5g_fields *f, struct t5g_place p, const char *key, size_t min,
                      size_t max);

/* As t5g_field_size, but `absent` if there is none. */
int64_t t5g_field_int_or(struct t5g_fields *f, struct t5g_place p, const char *key, int64_t min,
                         int64_t max, int64_t absent);

/* A required number above `above`, at most max. */
double t5g_field_num(struct t5g_fields *f, struct t5g_place p, const char *key, double above,
                     double max);

/* true or false, `absent` if there is none. */
bool t5g_field_bool_or(struct t5g_fields *f, struct t5g_place p, const char *key, bool absent);

/* A string, NULL if there is none; lives with the tree. */
const char *t5g_field_str(struct t5g_fields *f, struct t5g_place p, const char *key);

/* A required object. */
struct t5g_place t5g_field_object(struct t5g_fields *f, struct t5g_place p, const char *key,
                                  const char *where);

#endif
