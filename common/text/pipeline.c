/* pipeline.c: the parts of tokenizer.json around the model, checked. */
#include "text/pipeline.h"

#include <string.h>

#define BAR       "\xe2\x96\x81" /* U+2581 */
#define ADDED_MAX 1024           /* bytes of an added token: bounds the depth of the trie */

static const struct t5g_json *
get(const struct t5g_json *v, const char *key)
{
    return t5g_json_get(v, key);
}

/* Member is absent or null. */
static bool
absent(const struct t5g_json *v)
{
    return v == NULL || t5g_json_is_null(v);
}

static bool
is(const struct t5g_json *v, const char *text)
{
    const char *s = t5g_json_str(v);
    return s != NULL && strcmp(s, text) == 0;
}

static bool
is_false(const struct t5g_json *v)
{
    return v == NULL || (t5g_json_is_bool(v) && !t5g_json_true(v));
}

static int
refuse(struct t5g_err *e, const char *what, const char *expected)
{
    return t5g_err_set(e, T5G_EX_DATA, "%s: not supported, expected %s", what, expected);
}

/* {"type": "Replace", "pattern": {"String": from}, "content": to} */
static bool
is_replace(const struct t5g_json *v, const char *from, const char *to)
{
    return is(get(v, "type"), "Replace") && is(get(get(v, "pattern"), "String"), from) &&
           is(get(v, "content"), to);
}

static int
read_normalizer(struct t5g_pipeline *p, const struct t5g_json *root, struct t5g_err *e)
{
    const struct t5g_json *n = get(root, "normalizer"), *pre = get(root, "pre_tokenizer");
    p->space_is_bar = !absent(n);
    if (!absent(n) && !is_replace(n, " ", BAR))
        return refuse(e, "normalizer", "Replace of \" \" by U+2581, or null");
    if (absent(pre))
        return 0;
    /* After the normalizer there is no space left to split at: without it, the split would matter.
     */
    if (!p->space_is_bar || !is(get(pre, "type"), "Split") ||
        !is(get(get(pre, "pattern"), "String"), " ") || !is_false(get(pre, "invert")))
        return refuse(e, "pre_tokenizer",
                      "Split at \" \" after a normalizer that leaves none, or null");
    return 0;
}

static int
read_decoder(const struct t5g_pipeline *p, const struct t5g_json *root, struct t5g_err *e)
{
    static const char expected[] = "Sequence of Replace (U+2581 by \" \"), ByteFallback, Fuse";
    const struct t5g_json *d = get(root, "decoder"), *list = get(d, "decoders");
    if (!is(get(d, "type"), "Sequence") || !t5g_json_is_array(list))
        return refuse(e, "decoder", expected);
    const struct t5g_json *v = t5g_json_first(list);
    if (p->space_is_bar) {
        if (v == NULL || !is_replace(v, BAR, " "))
            return refuse(e, "decoder", expected);
        v = t5g_json_next(v);
    }
    if (v == NULL || !is(get(v, "type"), "ByteFallback"))
        return refuse(e, "decoder", expected);
    v = t5g_json_next(v);
    if (v == NULL || !is(get(v, "type"), "Fuse") || t5g_json_next(v) != NULL)
        return refuse(e, "decoder", expected);
    return 0;
}

/* The ids of one special token of the template. */
static int
add_special(struct t5g_ids *to, const struct t5g_json *post, const char *name, struct t5g_err *e)
{
    const struct t5g_json *ids = get(get(get(post, "special_tokens"), name), "ids");
    int64_t id;
    if (!t5g_json_is_array(ids))
        return t5g_err_set(e, T5G_EX_DATA, "post_processor.special_tokens: '%s': ids: missing",
                           name);
    for (const struct t5g_json *v = t5g_json_first(ids); v != NULL; v = t5g_json_next(v)) {
        if (!t5g_json_int(v, 0, INT32_MAX - 1, &id))
            return t5g_err_set(e, T5G_EX_DATA, "post_processor.special_tokens: '%s': not an id",
                               name);
        t5g_ids_add(to, (int32_t)id);
    }
    return 0;
}

static int
read_post(struct t5g_pipeline *p, const struct t5g_json *root, struct t5g_err *e)
{
    const struct t5g_json *post = get(root, "post_processor");
    bool seen = false;
    if (absent(post))
        return 0;
    if (!is(get(post, "type"), "TemplateProcessing") || !t5g_json_is_array(get(post, "single")))
        return refuse(e, "post_processor", "TemplateProcessing, or null");
    for (const struct t5g_json *v = t5g_json_first(get(post, "single")); v != NULL;
         v = t5g_json_next(v)) {
        const char *name = t5g_json_str(get(get(v, "SpecialToken"), "id"));
        if (name != NULL) {
            if (add_special(seen ? &p->after : &p->before, post, name, e) < 0)
                return -1;
        } else if (is(get(get(v, "Sequence"), "id"), "A") && !seen) {
            seen = true;
        } else {
            return refuse(e, "post_processor.single", "special tokens around one sequence A");
        }
    }
    return seen ? 0 : refuse(e, "post_processor.single", "special tokens around one sequence A");
}

/* "<bos>", or {"content": "<bos>", ...}. */
static const char *
token_name(const struct t5g_json *v)
{
    return t5g_json_is_object(v) ? t5g_json_str(get(v, "content")) : t5g_json_str(v);
}

static void
mark(struct t5g_pipeline *p, const char *name)
{
    for (size_t i = 0; name != NULL && i < p->n_added; i++)
        if (strcmp(p->added[i].text, name) == 0)
            p->added[i].special = true;
}

/*
 * transformers' GemmaTokenizer registers as special what tokenizer_config.json names (bos_token,
 * mask_token, ..., extra_special_tokens), and <mask> in any case, whatever tokenizer.json says of
 * them.
 */
static void
mark_specials(struct t5g_pipeline *p, const struct t5g_json *config)
{
    mark(p, "<mask>");
    for (const struct t5g_json *v = t5g_json_first(config); v != NULL; v = t5g_json_next(v)) {
        const char *key = t5g_json_key(v);
        size_t n = key != NULL ? strlen(key) : 0;
        bool list = key != NULL && (strcmp(key, "extra_special_tokens") == 0 ||
                                    strcmp(key, "additional_special_tokens") == 0);
        if (n > 6 && strcmp(key + n - 6, "_token") == 0)
            mark(p, token_name(v));
        for (const struct t5g_json *x = list ? t5g_json_first(v) : NULL; x != NULL;
             x = t5g_json_next(x))
            mark(p, token_name(x));
    }
}

static int
read_added(struct t5g_pipeline *p, const struct t5g_json *root, struct t5g_err *e)
{
    const struct t5g_json *list = get(root, "added_tokens");
    static const char *const flags[] = {"single_word", "lstrip", "rstrip", "normalized"};
    if (absent(list))
        return 0;
    if (!t5g_json_is_array(list))
        return t5g_err_set(e, T5G_EX_DATA, "added_tokens: expected an array");
    p->added = t5g_alloc(t5g_json_size(list), sizeof *p->added);
    for (const struct t5g_json *v = t5g_json_first(list); v != NULL; v = t5g_json_next(v)) {
        const char *text = t5g_json_str(get(v, "content"));
        int64_t id;
        if (text == NULL || text[0] == '\0' || !t5g_json_int(get(v, "id"), 0, INT32_MAX - 1, &id))
            return t5g_err_set(e, T5G_EX_DATA, "added_tokens: entry %zu: content or id is missing",
                               p->n_added);
        if (strlen(text) > ADDED_MAX)
            return t5g_err_set(e, T5G_EX_DATA, "added_tokens: entry %zu: %zu bytes, limit %d",
                               p->n_added, strlen(text), ADDED_MAX);
        for (size_t i = 0; i < T5G_LEN(flags); i++)
            if (!is_false(get(v, flags[i])))
                return t5g_err_set(e, T5G_EX_DATA,
                                   "added_tokens: '%s': %s: not supported, expected false", text,
                                   flags[i]);
        p->added[p->n_added++] =
            (struct t5g_added){text, strlen(text), (int32_t)id, t5g_json_true(get(v, "special"))};
    }
    return 0;
}

int
t5g_pipeline_read(struct t5g_pipeline *p, const struct t5g_json *root,
                  const struct t5g_json *config, struct t5g_err *e)
{
    *p = (struct t5g_pipeline){0};
    if (!t5g_json_is_object(root))
        return t5g_err_set(e, T5G_EX_DATA, "not an object");
    if (read_normalizer(p, root, e) < 0 || read_decoder(p, root, e) < 0 ||
        read_post(p, root, e) < 0 || read_added(p, root, e) < 0)
        return -1;
    mark_specials(p, config);
    return 0;
}

void
t5g_pipeline_clear(struct t5g_pipeline *p)
{
    t5g_free(p->added);
    t5g_ids_free(&p->before);
    t5g_ids_free(&p->after);
}
