/* added_files.c: tokens in tokenizer.json, tokenizer_config.json and the two older files. */
#include "text/added_files.h"
#include "base/num.h"

#include <stdlib.h>
#include <string.h>

static const char *const standard[] = {"bos_token", "eos_token", "unk_token", "sep_token",
                                       "pad_token", "cls_token", "mask_token"};

/* A token with a name such as bos_token. text NULL: none. */
struct named {
    const char *name;
    struct t5g_added_version v;
};

/* The names in the order of processing: the standard ones, then the model's own. */
struct names {
    struct named *v;
    size_t n, cap;
};

static void
add(struct t5g_added_versions *to, const struct t5g_added_version *v)
{
    to->v = t5g_grow(to->v, to->n, &to->cap, sizeof *to->v);
    to->v[to->n++] = *v;
}

static struct t5g_added_version
special(const char *text)
{
    return (struct t5g_added_version){.text = text, .index = -1, .plain = true, .special = true};
}

static int
read_flag(const struct t5g_json *v, const char *key, bool absent, bool *out, struct t5g_err *e)
{
    const struct t5g_json *flag = t5g_json_get(v, key);
    if (flag != NULL && !t5g_json_is_bool(flag))
        return t5g_err_set(e, T5G_EX_DATA, "added token '%s': %s: expected true or false",
                           t5g_json_str(t5g_json_get(v, "content")), key);
    *out = flag != NULL ? t5g_json_true(flag) : absent;
    return 0;
}

/* {"content": ..., flags}; always_special: special whatever the flag says. */
static int
read_version(struct t5g_added_version *v, const struct t5g_json *obj, bool always_special,
             const char *where, struct t5g_err *e)
{
    *v =
        (struct t5g_added_version){.text = t5g_json_str(t5g_json_get(obj, "content")), .index = -1};
    if (v->text == NULL)
        return t5g_err_set(e, T5G_EX_DATA, "%s: content is missing", where);
    v->special = true;
    if ((!always_special && read_flag(obj, "special", false, &v->special, e) < 0) ||
        read_flag(obj, "single_word", false, &v->single_word, e) < 0 ||
        read_flag(obj, "lstrip", false, &v->lstrip, e) < 0 ||
        read_flag(obj, "rstrip", false, &v->rstrip, e) < 0)
        return -1;
    v->implied = t5g_json_get(obj, "normalized") == NULL;
    return read_flag(obj, "normalized", !v->special, &v->normalized, e);
}

int
t5g_added_of_file(struct t5g_added_versions *out, const struct t5g_json *tokenizer,
                  struct t5g_err *e)
{
    const struct t5g_json *list = t5g_json_get(tokenizer, "added_tokens");
    size_t i = 0;
    if (list == NULL || t5g_json_is_null(list))
        return 0;
    if (!t5g_json_is_array(list))
        return t5g_err_set(e, T5G_EX_DATA, "added_tokens: expected an array");
    for (const struct t5g_json *x = t5g_json_first(list); x != NULL; x = t5g_json_next(x), i++) {
        struct t5g_added_version v;
        int64_t id;
        if (!t5g_json_is_object(x) || t5g_json_str(t5g_json_get(x, "content")) == NULL ||
            !t5g_json_int(t5g_json_get(x, "id"), 0, INT32_MAX - 1, &id))
            return t5g_err_set(e, T5G_EX_DATA, "added_tokens: entry %zu: content or id is missing",
                               i);
        if (read_version(&v, x, false, "added_tokens", e) < 0)
            return -1;
        v.index = id;
        add(out, &v);
    }
    return 0;
}

static int
by_index(const void *a, const void *b)
{
    const struct t5g_added_version *x = a, *y = b;
    if (x->index != y->index)
        return x->index < y->index ? -1 : 1;
    return x->order < y->order ? -1 : x->order > y->order;
}

/* Sort by id, as a dictionary by id is read; of several statements for one id the last counts. */
static void
settle(struct t5g_added_versions *l)
{
    size_t n = 0;
    for (size_t i = 0; i < l->n; i++)
        l->v[i].order = i;
    if (l->n > 0)
        qsort(l->v, l->n, sizeof *l->v, by_index);
    for (size_t i = 0; i < l->n; i++)
        if (i + 1 == l->n || l->v[i + 1].index != l->v[i].index)
            l->v[n++] = l->v[i];
    l->n = n;
}

/* added_tokens_decoder: {"ID": {"content": ..., flags}}. */
static int
read_decoder(struct t5g_added_versions *out, const struct t5g_json *decoder, struct t5g_err *e)
{
    static const char where[] = "tokenizer_config.json: added_tokens_decoder";
    if (!t5g_json_is_object(decoder))
        return t5g_err_set(e, T5G_EX_DATA, "%s: expected an object", where);
    for (const struct t5g_json *x = t5g_json_first(decoder); x != NULL; x = t5g_json_next(x)) {
        struct t5g_added_version v;
        uint64_t id;
        if (read_version(&v, x, false, where, e) < 0 ||
            t5g_num_u64(where, t5g_json_key(x), 0, INT32_MAX - 1, &id, e) < 0) {
            e->code = T5G_EX_DATA;
            return -1;
        }
        v.index = (int64_t)id;
        add(out, &v);
    }
    return 0;
}

static bool
has_text(const struct t5g_added_versions *l, const char *text)
{
    for (size_t i = 0; i < l->n; i++)
        if (strcmp(l->v[i].text, text) == 0)
            return true;
    return false;
}

static bool
one_of(const char *const *names, size_t n, const char *name)
{
    for (size_t i = 0; i < n; i++)
        if (strcmp(names[i], name) == 0)
            return true;
    return false;
}

static bool
is_standard(const char *key)
{
    return one_of(standard, T5G_LEN(standard), key);
}

static bool
ends_in_token(const char *key)
{
    return t5g_ends(key, "_token");
}

/* added_tokens.json, an older file: {"TEXT": ID}; tokens with a name are special. */
static int
read_legacy(struct t5g_added_versions *out, const struct t5g_json *legacy,
            const struct t5g_added_versions *named, struct t5g_err *e)
{
    for (const struct t5g_json *x = t5g_json_first(legacy); x != NULL; x = t5g_json_next(x)) {
        struct t5g_added_version v = {.text = t5g_json_key(x)};
        if (!t5g_json_int(x, 0, INT32_MAX - 1, &v.index))
            return t5g_err_set(e, T5G_EX_DATA, "added_tokens.json: '%s': expected an id", v.text);
        v.special = has_text(named, v.text);
        v.normalized = !v.special;
        add(out, &v);
    }
    return 0;
}

/* Set the name's token; an existing name keeps its place. */
static void
set_name(struct names *l, const char *name, const struct t5g_added_version *v)
{
    for (size_t i = 0; i < l->n; i++)
        if (strcmp(l->v[i].name, name) == 0) {
            l->v[i].v = *v;
            return;
        }
    l->v = t5g_grow(l->v, l->n, &l->cap, sizeof *l->v);
    l->v[l->n++] = (struct named){name, *v};
}

static bool
is_typed(const struct t5g_json *x)
{
    const char *type = t5g_json_str(t5g_json_get(x, "__type"));
    return type != NULL && strcmp(type, "AddedToken") == 0;
}

/* A token as a member's value: a string, or an object with "__type". 0: neither; -1 with e. */
static int
read_token(struct t5g_added_version *v, const struct t5g_json *x, const char *where,
           struct t5g_err *e)
{
    if (t5g_json_is_string(x))
        *v = special(t5g_json_str(x));
    else if (is_typed(x))
        return read_version(v, x, false, where, e) < 0 ? -1 : 1;
    return t5g_json_is_string(x);
}

static int
refuse_token(const char *file, const char *key, struct t5g_err *e)
{
    return t5g_err_set(e, T5G_EX_DATA, "%s: %s: expected a text, or an object with \"__type\"",
                       file, key);
}

/* The standard names, and those of the model's own whose values are objects. */
static int
read_named(struct names *out, const struct t5g_json *config, struct t5g_err *e)
{
    static const char file[] = "tokenizer_config.json";
    for (const struct t5g_json *x = t5g_json_first(config); x != NULL; x = t5g_json_next(x)) {
        const char *key = t5g_json_key(x);
        struct t5g_added_version v = {0};
        bool own = is_standard(key);
        int r = own || (ends_in_token(key) && is_typed(x)) ? read_token(&v, x, file, e) : 2;
        if (r < 0)
            return -1;
        if (r == 0 && !t5g_json_is_null(x))
            return refuse_token(file, key, e);
        if (r < 2)
            set_name(out, key, &v);
    }
    return 0;
}

/* special_tokens_map.json: its names override those of tokenizer_config.json. */
static int
read_map(struct names *out, const struct t5g_json *map, struct t5g_err *e)
{
    static const char file[] = "special_tokens_map.json";
    for (const struct t5g_json *x = t5g_json_first(map); x != NULL; x = t5g_json_next(x)) {
        const char *key = t5g_json_key(x);
        struct t5g_added_version v = {0};
        if (!ends_in_token(key))
            continue;
        if (t5g_json_is_object(x) && read_version(&v, x, true, file, e) < 0)
            return -1;
        if (t5g_json_is_string(x))
            v = special(t5g_json_str(x));
        else if (!t5g_json_is_object(x) && !(is_standard(key) && t5g_json_is_null(x)))
            return refuse_token(file, key, e);
        set_name(out, key, &v);
    }
    return 0;
}

/* The model's own names whose values are strings: next to the standard ones, or in an object. */
static int
read_own_names(struct names *out, const struct t5g_json *config, const struct t5g_json *extra,
               const struct t5g_json *map_extra, struct t5g_err *e)
{
    const struct t5g_json *from[] = {extra, map_extra};
    struct t5g_added_version v;
    size_t before = out->n;
    for (const struct t5g_json *x = t5g_json_first(config); x != NULL; x = t5g_json_next(x))
        if (ends_in_token(t5g_json_key(x)) && !is_standard(t5g_json_key(x)) &&
            t5g_json_is_string(x)) {
            v = special(t5g_json_str(x));
            set_name(out, t5g_json_key(x), &v);
        }
    bool more = out->n > before || t5g_json_size(extra) > 0;
    for (size_t i = 0; i < T5G_LEN(from) + !more; i++) {
        const struct t5g_json *obj =
            i < T5G_LEN(from) ? from[i] : t5g_json_get(config, "model_specific_special_tokens");
        for (const struct t5g_json *x = t5g_json_first(obj); x != NULL; x = t5g_json_next(x)) {
            int r = read_token(&v, x, "extra_special_tokens", e);
            if (r <= 0)
                return r < 0 ? -1 : refuse_token("extra_special_tokens", t5g_json_key(x), e);
            set_name(out, t5g_json_key(x), &v);
        }
    }
    return 0;
}

/* extra_special_tokens, or the older name if it is missing or empty. */
static const struct t5g_json *
extra_of(const struct t5g_json *config)
{
    const struct t5g_json *x = t5g_json_get(config, "extra_special_tokens");
    const struct t5g_json *old = t5g_json_get(config, "additional_special_tokens");
    return t5g_json_first(x) == NULL && old != NULL ? old : x;
}

/* A list of extra tokens. */
static int
read_extra(struct t5g_added_versions *out, const struct t5g_json *list, const char *file,
           bool plain, struct t5g_err *e)
{
    for (const struct t5g_json *x = t5g_json_first(list); x != NULL; x = t5g_json_next(x)) {
        struct t5g_added_version v = {0};
        int r;
        if (plain && t5g_json_is_object(x))
            r = read_version(&v, x, true, file, e) < 0 ? -1 : 1;
        else
            r = read_token(&v, x, file, e);
        if (r <= 0)
            return r < 0 ? -1 : refuse_token(file, "extra_special_tokens", e);
        add(out, &v);
    }
    return 0;
}

/* All tokens with a name or in a list of extra tokens. */
static int
read_specials(struct names *names, struct t5g_added_versions *extra,
              const struct t5g_added_files *f, bool old, bool gemma, struct t5g_err *e)
{
    static const struct {
        const char *name, *text;
    } defaults[] = {{"unk_token", "<unk>"},
                    {"bos_token", "<bos>"},
                    {"eos_token", "<eos>"},
                    {"pad_token", "<pad>"},
                    {"mask_token", "<mask>"}};
    const struct t5g_json *list = extra_of(f->config), *map = old ? f->map : NULL;
    const struct t5g_json *map_extra = t5g_json_get(map, "extra_special_tokens");
    struct t5g_added_version none = {0};
    for (size_t i = 0; i < T5G_LEN(standard); i++)
        set_name(names, standard[i], &none);
    for (size_t i = 0; i < T5G_LEN(defaults) && gemma; i++) {
        struct t5g_added_version v = special(defaults[i].text);
        set_name(names, defaults[i].name, &v);
    }
    bool is_list = t5g_json_is_array(list), map_list = t5g_json_is_array(map_extra);
    if (read_named(names, f->config, e) < 0 || read_map(names, map, e) < 0 ||
        read_own_names(names, f->config, is_list ? NULL : list, map_list ? NULL : map_extra, e) < 0)
        return -1;
    if (is_list && read_extra(extra, list, "tokenizer_config.json", false, e) < 0)
        return -1;
    if (map_list)
        return read_extra(extra, map_extra, "special_tokens_map.json", true, e);
    if ((list == NULL || t5g_json_is_object(list)) && map_extra == NULL)
        return read_extra(extra, t5g_json_get(map, "additional_special_tokens"),
                          "special_tokens_map.json", false, e);
    return 0;
}

/* Whether the list has the same statement from `from` on; a string is never one with flags. */
static bool
has_same(const struct t5g_added_versions *l, size_t from, const struct t5g_added_version *v)
{
    for (size_t i = from; i < l->n; i++) {
        const struct t5g_added_version *x = &l->v[i];
        if (x->plain == v->plain && strcmp(x->text, v->text) == 0 && x->lstrip == v->lstrip &&
            x->rstrip == v->rstrip && x->normalized == v->normalized)
            return true;
    }
    return false;
}

/* Append named tokens, then extra ones, that are in no list of tokens. */
static void
add_specials(struct t5g_added_versions *out, const struct names *names,
             const struct t5g_added_versions *extra, const struct t5g_added_versions *own)
{
    struct t5g_added_versions listed = *out;
    for (size_t i = 0; i < names->n + extra->n; i++) {
        struct t5g_added_version v = i < names->n ? names->v[i].v : extra->v[i - names->n];
        for (size_t k = 0; k < listed.n && v.text != NULL && i < names->n; k++)
            if (strcmp(out->v[k].text, v.text) == 0) {
                out->v[k].special = true; /* a name makes it special */
                out->v[k].normalized = out->v[k].normalized && !out->v[k].implied;
            }
        listed.v = out->v;
        if (v.text == NULL || has_text(&listed, v.text) || has_text(own, v.text) ||
            has_same(out, listed.n, &v))
            continue;
        v.special = v.special || i < names->n;
        v.normalized = v.normalized && !(v.implied && v.special);
        add(out, &v);
    }
}

int
t5g_added_of_config(struct t5g_added_versions *out, const struct t5g_added_files *f,
                    const struct t5g_added_versions *own, bool gemma, struct t5g_err *e)
{
    const struct t5g_json *decoder = t5g_json_get(f->config, "added_tokens_decoder");
    struct t5g_added_versions extra = {0}, named = {0}, none = {0};
    struct names names = {0};
    int r = read_specials(&names, &extra, f, decoder == NULL, gemma, e);
    if (r == 0 && decoder != NULL)
        r = read_decoder(out, decoder, e);
    if (r == 0 && decoder == NULL) {
        for (size_t i = 0; i < names.n; i++)
            if (names.v[i].v.text != NULL && is_standard(names.v[i].name))
                add(&named, &names.v[i].v);
        for (size_t i = 0; i < extra.n; i++)
            add(&named, &extra.v[i]);
        r = read_legacy(out, f->legacy, &named, e);
        for (size_t i = 0; i < own->n && r == 0; i++)
            add(out, &own->v[i]);
    }
    if (r == 0) {
        settle(out);
        add_specials(out, &names, &extra, gemma ? &none : own);
    }
    t5g_free(names.v);
    t5g_free(extra.v);
    t5g_free(named.v);
    return r;
}
