/* object.c: a document of the corpus from a JSON object. */
#include "store/object.h"
#include "base/json.h"
#include "base/jsonstr.h"

#include <string.h>

#define ID_MAX 65536 /* bytes of an id: it travels in frame metadata, which is small */

static void
read_id(struct t5g_corpus_doc *d, const struct t5g_json_walk *w, bool string, const char *what)
{
    struct t5g_buf id = {0};
    t5g_buf_adds(&id, "");
    if (string)
        t5g_jsonstr_read(&id, w->value, w->value_len);
    else
        t5g_buf_add(&id, w->value, w->value_len);
    if (memchr(id.p, '\0', id.n) != NULL) {
        t5g_err_set(&d->fault, T5G_EX_DATA, "%s: \"id\": NUL is not allowed", what);
    } else if (id.n > ID_MAX) {
        t5g_err_set(&d->fault, T5G_EX_DATA, "%s: \"id\": %zu bytes, limit %d", what, id.n, ID_MAX);
    } else {
        d->id.n = 0;
        t5g_buf_add(&d->id, id.p, id.n);
    }
    t5g_buf_free(&id);
}

static void
read_images(struct t5g_corpus_doc *d, const struct t5g_json_walk *w, const char *what,
            const struct t5g_object_options *o)
{
    struct t5g_json *root = t5g_json_parse(w->value, w->value_len, "\"images\"", &d->fault);
    if (root == NULL)
        t5g_err_in(&d->fault, "%s", what);
    else if (!t5g_json_is_array(root))
        t5g_err_set(&d->fault, T5G_EX_DATA, "%s: \"images\": expected an array of paths", what);
    for (const struct t5g_json *v = t5g_json_first(root); v != NULL && d->fault.code == 0;
         v = t5g_json_next(v)) {
        const char *path = t5g_json_str(v);
        if (path != NULL && path[0] != '\0')
            o->image(d, path, o->arg);
        else
            t5g_err_set(&d->fault, T5G_EX_DATA, "%s: \"images\": expected an array of paths", what);
    }
    t5g_json_free(root);
}

bool
t5g_object_read(struct t5g_corpus_doc *d, const char *raw, size_t n, const char *what,
                const struct t5g_object_options *o)
{
    struct t5g_json_walk w;
    bool text = false;
    if (t5g_json_check(raw, n, true, what, &d->fault) < 0)
        return false;
    if (!t5g_json_walk_open(&w, raw, n)) {
        t5g_err_set(&d->fault, T5G_EX_DATA, "%s: not an object", what);
        return false;
    }
    while (t5g_json_walk_next(&w)) {
        bool string = w.value[0] == '"', is_id = t5g_jsonstr_equal(w.key, w.key_len, "id");
        bool integer = strspn(w.value, "-0123456789") >= w.value_len;
        bool is_text = t5g_jsonstr_equal(w.key, w.key_len, "text");
        bool is_prompt = t5g_jsonstr_equal(w.key, w.key_len, "prompt");
        if (is_text && string) {
            t5g_jsonstr_read(&d->text, w.value, w.value_len);
            text = true;
        } else if (is_prompt && string) {
            t5g_jsonstr_read(&d->prompt, w.value, w.value_len);
            d->has_prompt = true;
        } else if (is_id && o->with_id && (string || integer)) {
            read_id(d, &w, string, what);
        } else if (t5g_jsonstr_equal(w.key, w.key_len, "images")) {
            read_images(d, &w, what, o);
        } else if (is_text || is_prompt || (is_id && o->with_id)) {
            t5g_err_set(&d->fault, T5G_EX_DATA, "%s: %.*s: expected a string", what, (int)w.key_len,
                        w.key);
        }
    }
    return text;
}
