/* jsondoc.c: an input document from a JSON object. */
#include "store/jsondoc.h"
#include "base/json.h"
#include "base/jsonstr.h"
#include "base/num.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ID_MAX 65536 /* bytes of an id: it goes into frame metadata, which is small */

enum { TEXT, PROMPT, ADAPTER, TARGET, IMAGES, ID, N_FIELDS };

static const char *const fields[N_FIELDS] = {"text", "prompt", "adapter", "target", "images", "id"};

/* The type of a checked value, for messages. */
static const char *
type_of(const struct t5g_json_walk *w)
{
    switch (w->value[0]) {
    case '"':
        return "a string";
    case '{':
        return "an object";
    case '[':
        return "an array";
    case 't':
    case 'f':
        return "true or false";
    case 'n':
        return "null";
    }
    return "a number";
}

/* Report a value that is not of the type `want`. raw: the text that w walks. */
static void
wrong_type(struct t5g_corpus_doc *d, const char *raw, const struct t5g_json_walk *w,
           const char *what, const char *want)
{
    t5g_err_set(&d->fault, T5G_EX_DATA, "%s: byte %zu: %.*s: expected %s, not %s", what,
                (size_t)(w->value - raw), (int)w->key_len, w->key, want, type_of(w));
}

/* Append a number as Python prints it, except that 1.0 is 1. false: out of range. */
static bool
print_number(struct t5g_buf *b, const char *p, size_t n)
{
    char text[64] = {0};
    double x;
    bool whole = strspn(p, "-0123456789") >= n;
    if (whole && !(n == 2 && memcmp(p, "-0", 2) == 0)) {
        t5g_buf_add(b, p, n);
        return true;
    }
    memcpy(text, p, t5g_min(n, sizeof text - 1)); /* checked: 63 characters at most */
    if (t5g_num_double("", text, -DBL_MAX, DBL_MAX, &x, NULL) < 0)
        return false;
    if (fabs(x) < 1e16 && x == floor(x)) {
        t5g_buf_printf(b, "%.0f", x == 0 ? 0.0 : x); /* -0.0 becomes 0 */
        return true;
    }
    int digits = 1;
    while (digits < 17 &&
           (snprintf(text, sizeof text, "%.*e", digits - 1, x), strtod(text, NULL) != x))
        digits++;
    snprintf(text, sizeof text, "%.*e", digits - 1, x);
    int exponent = atoi(strchr(text, 'e') + 1);
    if (exponent >= -4 && exponent < 16)
        t5g_buf_printf(b, "%.*f", digits - 1 - exponent, x);
    else
        t5g_buf_adds(b, text);
    return true;
}

static void
read_id(struct t5g_corpus_doc *d, const char *raw, const struct t5g_json_walk *w, const char *what)
{
    struct t5g_buf id = {0};
    t5g_buf_adds(&id, "");
    if (w->value[0] == '"')
        t5g_jsonstr_read(&id, w->value, w->value_len);
    else if (strchr("-0123456789", w->value[0]) == NULL ||
             !print_number(&id, w->value, w->value_len))
        wrong_type(d, raw, w, what, "a string or a number");
    if (memchr(id.p, '\0', id.n) != NULL) {
        t5g_err_set(&d->fault, T5G_EX_DATA, "%s: \"id\": NUL is not allowed", what);
    } else if (id.n > ID_MAX) {
        t5g_err_set(&d->fault, T5G_EX_DATA, "%s: \"id\": %zu bytes, limit %d", what, id.n, ID_MAX);
    } else if (d->fault.code == 0) {
        d->id.n = 0;
        t5g_buf_add(&d->id, id.p, id.n);
    }
    t5g_buf_free(&id);
}

static void
read_images(struct t5g_corpus_doc *d, const char *raw, const struct t5g_json_walk *w,
            const char *what, const struct t5g_object_options *o)
{
    struct t5g_json *root = t5g_json_parse(w->value, w->value_len, "\"images\"", &d->fault);
    if (root == NULL)
        t5g_err_in(&d->fault, "%s", what);
    else if (!t5g_json_is_array(root))
        wrong_type(d, raw, w, what, "an array of paths");
    for (const struct t5g_json *v = t5g_json_first(root); v != NULL && d->fault.code == 0;
         v = t5g_json_next(v)) {
        const char *path = t5g_json_str(v);
        if (path != NULL && path[0] != '\0')
            o->image(d, path, o->arg);
        else
            t5g_err_set(&d->fault, T5G_EX_DATA,
                        "%s: byte %zu: \"images\": expected an array of paths", what,
                        (size_t)(w->value - raw));
    }
    t5g_json_free(root);
}

/* "target": a text, or an array of texts. */
static void
read_targets(struct t5g_corpus_doc *d, const char *raw, const struct t5g_json_walk *w,
             const char *what)
{
    if (w->value[0] == '"') {
        t5g_jsonstr_read(t5g_corpus_doc_target(d), w->value, w->value_len);
        return;
    }
    struct t5g_json *root = t5g_json_parse(w->value, w->value_len, "\"target\"", &d->fault);
    if (root == NULL)
        t5g_err_in(&d->fault, "%s", what);
    else if (!t5g_json_is_array(root))
        wrong_type(d, raw, w, what, "a string or an array of strings");
    for (const struct t5g_json *v = t5g_json_first(root); v != NULL && d->fault.code == 0;
         v = t5g_json_next(v)) {
        if (t5g_json_str(v) != NULL)
            t5g_buf_adds(t5g_corpus_doc_target(d), t5g_json_str(v));
        else
            t5g_err_set(&d->fault, T5G_EX_DATA,
                        "%s: byte %zu: \"target\": expected a string or an array of strings", what,
                        (size_t)(w->value - raw));
    }
    t5g_json_free(root);
}

bool
t5g_object_read(struct t5g_corpus_doc *d, const char *raw, size_t n, const char *what,
                const struct t5g_object_options *o)
{
    struct t5g_json_walk w;
    bool text = false;
    if (t5g_json_check_members(raw, n, fields, N_FIELDS - !o->with_id, what, &d->fault) < 0)
        return false;
    if (!t5g_json_walk_open(&w, raw, n)) {
        t5g_err_set(&d->fault, T5G_EX_DATA, "%s: not an object", what);
        return false;
    }
    while (t5g_json_walk_next(&w)) {
        size_t field = 0;
        while (field < N_FIELDS && !t5g_jsonstr_equal(w.key, w.key_len, fields[field]))
            field++;
        if (field == N_FIELDS || (field == ID && !o->with_id) || w.value[0] == 'n')
            continue; /* null counts as absent */
        if (field <= ADAPTER && w.value[0] != '"') {
            wrong_type(d, raw, &w, what, "a string");
        } else if (field == TEXT) {
            t5g_jsonstr_read(&d->text, w.value, w.value_len);
            text = true;
        } else if (field == PROMPT) {
            t5g_jsonstr_read(&d->prompt, w.value, w.value_len);
            d->has_prompt = true;
        } else if (field == ADAPTER) {
            t5g_jsonstr_read(&d->adapter, w.value, w.value_len);
            d->has_adapter = true;
        } else if (field == TARGET) {
            read_targets(d, raw, &w, what);
        } else if (field == ID) {
            read_id(d, raw, &w, what);
        } else {
            read_images(d, raw, &w, what, o);
        }
    }
    return text;
}

bool
t5g_object_has_text(const char *raw, size_t n)
{
    struct t5g_json_walk w;
    bool text = false;
    if (t5g_json_check_members(raw, n, fields, N_FIELDS, "", NULL) < 0 ||
        !t5g_json_walk_open(&w, raw, n))
        return false;
    while (t5g_json_walk_next(&w))
        text = text || (t5g_jsonstr_equal(w.key, w.key_len, fields[TEXT]) && w.value[0] != 'n');
    return text;
}
