/* fields.c: typed getters over a JSON object. */
#include "model/fields.h"

#include <stdarg.h>
#include <stdio.h>

void
t5g_fields_fail(struct t5g_fields *f, struct t5g_place p, const char *key, const char *fmt, ...)
{
    if (f->failed)
        return;
    char what[512];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(what, sizeof what, fmt, ap);
    va_end(ap);
    f->failed = true;
    t5g_err_set(f->e, T5G_EX_DATA, "%s: %s%s: %s", f->path, p.where, key, what);
}

const struct t5g_json *
t5g_field(struct t5g_place p, const char *key)
{
    const struct t5g_json *v = t5g_json_get(p.obj, key);
    return t5g_json_is_null(v) ? NULL : v;
}

static void
fail_value(struct t5g_fields *f, struct t5g_place p, const char *key, const struct t5g_json *v,
           const char *expected)
{
    struct t5g_buf b = {0};
    t5g_json_print(&b, v);
    if (b.n > 60) { /* the beginning is enough to recognise it */
        b.n = 60;
        t5g_buf_adds(&b, "...");
    }
    t5g_fields_fail(f, p, key, "%s, expected %s", b.p, expected);
    t5g_buf_free(&b);
}

int64_t
t5g_field_int_or(struct t5g_fields *f, struct t5g_place p, const char *key, int64_t min,
                 int64_t max, int64_t absent)
{
    const struct t5g_json *v = t5g_field(p, key);
    int64_t x;
    if (f->failed || v == NULL)
        return absent;
    if (t5g_json_int(v, min, max, &x))
        return x;
    char expected[80];
    snprintf(expected, sizeof expected, "a whole number from %lld to %lld", (long long)min,
             (long long)max);
    fail_value(f, p, key, v, expected);
    return absent;
}

size_t
t5g_field_size(struct t5g_fields *f, struct t5g_place p, const char *key, size_t min, size_t max)
{
    if (!f->failed && t5g_field(p, key) == NULL)
        t5g_fields_fail(f, p, key, "missing");
    return (size_t)t5g_field_int_or(f, p, key, (int64_t)min, (int64_t)max, (int64_t)min);
}

double
t5g_field_num(struct t5g_fields *f, struct t5g_place p, const char *key, double above, double max)
{
    const struct t5g_json *v = t5g_field(p, key);
    if (f->failed)
        return 1;
    if (v == NULL) {
        t5g_fields_fail(f, p, key, "missing");
        return 1;
    }
    double x = t5g_json_num(v);
    if (x > above && x <= max)
        return x;
    char expected[80];
    snprintf(expected, sizeof expected, "a number above %g, at most %g", above, max);
    fail_value(f, p, key, v, expected);
    return 1;
}

bool
t5g_field_bool_or(struct t5g_fields *f, struct t5g_place p, const char *key, bool absent)
{
    const struct t5g_json *v = t5g_field(p, key);
    if (f->failed || v == NULL)
        return absent;
    if (!t5g_json_is_bool(v))
        fail_value(f, p, key, v, "true or false");
    return t5g_json_true(v);
}

const char *
t5g_field_str(struct t5g_fields *f, struct t5g_place p, const char *key)
{
    const struct t5g_json *v = t5g_field(p, key);
    if (f->failed || v == NULL)
        return NULL;
    if (!t5g_json_is_string(v))
        fail_value(f, p, key, v, "a string");
    return t5g_json_str(v);
}

struct t5g_place
t5g_field_object(struct t5g_fields *f, struct t5g_place p, const char *key, const char *where)
{
    const struct t5g_json *v = t5g_field(p, key);
    if (!f->failed && v == NULL)
        t5g_fields_fail(f, p, key, "missing");
    else if (!f->failed && !t5g_json_is_object(v))
        fail_value(f, p, key, v, "an object");
    return (struct t5g_place){.obj = v, .where = where};
}
