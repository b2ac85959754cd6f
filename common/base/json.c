/* json.c: JSON trees by cJSON, which gets only text that t5g_json_check has accepted. */
#include "base/json.h"
#include "base/bug.h"
#include "base/io.h"
#include "base/jsonstr.h"

#include <cjson/cJSON.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A struct t5g_json is a cJSON under another name, so that our headers need not include cJSON's. */
static const cJSON *
node(const struct t5g_json *v)
{
    return (const void *)v;
}

static const struct t5g_json *
ours(const cJSON *v)
{
    return (const void *)v;
}

/* Without memory, the process ends: cJSON would take the text for malformed. */
static void *
allocate(size_t n)
{
    void *p = malloc(n);
    if (p == NULL)
        t5g_out_of_memory(n);
    return p;
}

struct t5g_json *
t5g_json_parse(const char *text, size_t n, const char *name, struct t5g_err *e)
{
    static const char pointer[] = "version https://git-lfs";
    if (n >= sizeof pointer && memcmp(text, pointer, sizeof pointer - 1) == 0) {
        t5g_err_set(e, T5G_EX_DATA, "%s: a Git LFS pointer: run git lfs pull", name);
        return NULL;
    }
    if (t5g_json_check(text, n, false, name, e) < 0)
        return NULL;
    static bool hooked;
    if (!hooked)
        cJSON_InitHooks(&(cJSON_Hooks){.malloc_fn = allocate, .free_fn = free});
    hooked = true;
    cJSON *root = cJSON_ParseWithLengthOpts(text, n, NULL, 0);
    if (root == NULL)
        t5g_bug("cJSON refuses a text that was checked");
    return (void *)root;
}

struct t5g_json *
t5g_json_parse_file(const char *path, size_t limit, struct t5g_err *e)
{
    struct t5g_buf b = {0};
    struct t5g_json *root = NULL;
    if (t5g_read_file(path, limit, &b, e) == 0)
        root = t5g_json_parse(b.n > 0 ? b.p : "", b.n, path, e);
    t5g_buf_free(&b);
    return root;
}

void
t5g_json_free(struct t5g_json *root)
{
    cJSON_Delete((void *)root);
}

const struct t5g_json *
t5g_json_get(const struct t5g_json *obj, const char *key)
{
    if (!t5g_json_is_object(obj))
        return NULL;
    for (const cJSON *c = node(obj)->child; c != NULL; c = c->next) {
        if (strcmp(c->string, key) == 0)
            return ours(c);
    }
    return NULL;
}

bool
t5g_json_is_object(const struct t5g_json *v)
{
    return cJSON_IsObject(node(v));
}

bool
t5g_json_is_array(const struct t5g_json *v)
{
    return cJSON_IsArray(node(v));
}

bool
t5g_json_is_string(const struct t5g_json *v)
{
    return cJSON_IsString(node(v));
}

bool
t5g_json_is_number(const struct t5g_json *v)
{
    return cJSON_IsNumber(node(v));
}

bool
t5g_json_is_bool(const struct t5g_json *v)
{
    return cJSON_IsBool(node(v));
}

bool
t5g_json_is_null(const struct t5g_json *v)
{
    return cJSON_IsNull(node(v));
}

const struct t5g_json *
t5g_json_first(const struct t5g_json *v)
{
    return t5g_json_is_object(v) || t5g_json_is_array(v) ? ours(node(v)->child) : NULL;
}

const struct t5g_json *
t5g_json_next(const struct t5g_json *v)
{
    return v != NULL ? ours(node(v)->next) : NULL;
}

size_t
t5g_json_size(const struct t5g_json *v)
{
    size_t n = 0;
    for (v = t5g_json_first(v); v != NULL; v = t5g_json_next(v))
        n++;
    return n;
}

const char *
t5g_json_key(const struct t5g_json *v)
{
    return v != NULL ? node(v)->string : NULL;
}

const char *
t5g_json_str(const struct t5g_json *v)
{
    return t5g_json_is_string(v) ? node(v)->valuestring : NULL;
}

double
t5g_json_num(const struct t5g_json *v)
{
    return t5g_json_is_number(v) ? node(v)->valuedouble : (double)NAN;
}

bool
t5g_json_true(const struct t5g_json *v)
{
    return cJSON_IsTrue(node(v));
}

bool
t5g_json_int(const struct t5g_json *v, int64_t min, int64_t max, int64_t *out)
{
    double x = t5g_json_num(v);
    if (!(fabs(x) <= 9007199254740992.0) || x != floor(x))
        return false;
    if ((int64_t)x < min || (int64_t)x > max)
        return false;
    *out = (int64_t)x;
    return true;
}

static void
print_number(struct t5g_buf *b, double x)
{
    if (fabs(x) <= 9007199254740992.0 && x == floor(x)) {
        t5g_buf_printf(b, "%.0f", x);
        return;
    }
    for (int precision = 15; precision <= 17; precision++) {
        char text[40];
        snprintf(text, sizeof text, "%.*g", precision, x);
        if (precision == 17 || strtod(text, NULL) == x) {
            t5g_buf_adds(b, text);
            return;
        }
    }
}

void
t5g_json_print(struct t5g_buf *b, const struct t5g_json *v)
{
    const char *s = t5g_json_str(v);
    if (s != NULL) {
        t5g_jsonstr_write(b, s, strlen(s));
    } else if (t5g_json_is_number(v)) {
        print_number(b, t5g_json_num(v));
    } else if (t5g_json_is_bool(v)) {
        t5g_buf_adds(b, t5g_json_true(v) ? "true" : "false");
    } else if (t5g_json_is_object(v) || t5g_json_is_array(v)) {
        bool object = t5g_json_is_object(v);
        t5g_buf_addc(b, object ? '{' : '[');
        for (const struct t5g_json *c = t5g_json_first(v); c != NULL; c = t5g_json_next(c)) {
            if (object) {
                t5g_jsonstr_write(b, t5g_json_key(c), strlen(t5g_json_key(c)));
                t5g_buf_addc(b, ':');
            }
            t5g_json_print(b, c);
            if (t5g_json_next(c) != NULL)
                t5g_buf_addc(b, ',');
        }
        t5g_buf_addc(b, object ? '}' : ']');
    } else {
        t5g_buf_adds(b, "null");
    }
}
