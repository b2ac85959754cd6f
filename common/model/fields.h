/* fields.h: members of a configuration object, type- and range-checked; the first fault sticks. */
#ifndef T5G_FIELDS_H
#define T5G_FIELDS_H

#include "base/json.h"

/*
 * Where the getters report. After the first fault every getter returns a harmless value at once, so
 * that a reader can ask for all fields and look at `failed` once.
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

/* A whole number in min..max that must be there. */
size_t t5g_field_size(struct t5g_fields *f, struct t5g_place p, const char *key, size_t min,
                      size_t max);

/* As t5g_field_size, `absent` when it is not there. */
int64_t t5g_field_int_or(struct t5g_fields *f, struct t5g_place p, const char *key, int64_t min,
                         int64_t max, int64_t absent);

/* A number in min..max, with exclusive min; must be there. */
double t5g_field_num(struct t5g_fields *f, struct t5g_place p, const char *key, double above,
                     double max);

/* true or false, `absent` when it is not there. */
bool t5g_field_bool_or(struct t5g_fields *f, struct t5g_place p, const char *key, bool absent);

/* A string, NULL when it is not there; lives with the tree. */
const char *t5g_field_str(struct t5g_fields *f, struct t5g_place p, const char *key);

/* An object that must be there. */
struct t5g_place t5g_field_object(struct t5g_fields *f, struct t5g_place p, const char *key,
                                  const char *where);

#endif
