/* unigram_json.c: the parts around a unigram model, as steps and flags. */
#include "text/unigram_json.h"
#include "base/base64.h"
#include "text/added.h"
#include "text/charsmap.h"
#include "text/table.h"

#include <string.h>

#define STEPS_MAX 16

static bool
is(const struct t5g_json *v, const char *text)
{
    const char *s = t5g_json_str(v);
    return s != NULL && strcmp(s, text) == 0;
}

static bool
is_type(const struct t5g_json *v, const char *type)
{
    return is(t5g_json_get(v, "type"), type);
}

static bool
absent(const struct t5g_json *v)
{
    return v == NULL || t5g_json_is_null(v);
}

/* Name the type that is not supported. */
static int
refuse(const char *what, const struct t5g_json *v, const char *expected, struct t5g_err *e)
{
    const char *type = t5g_json_str(t5g_json_get(v, "type"));
    return t5g_err_set(e, T5G_EX_DATA, "%s: %s%snot supported, expected %s", what,
                       type != NULL ? type : "", type != NULL ? ": " : "", expected);
}

/* The items of a Sequence, or v alone: the first, and then the next. */
static const struct t5g_json *
first_of(const struct t5g_json *v, const char *list)
{
    if (absent(v))
        return NULL;
    return is_type(v, "Sequence") ? t5g_json_first(t5g_json_get(v, list)) : v;
}

static const struct t5g_json *
next_of(const struct t5g_json *whole, const struct t5g_json *v)
{
    return v == whole ? NULL : t5g_json_next(v);
}

static uint32_t
keep_text(struct t5g_pipeline *p, const char *s)
{
    uint32_t at = (uint32_t)p->strings.n;
    t5g_buf_adds(&p->strings, s);
    return at;
}

/* Append a charsmap, which must be the only one, as a step. */
static int
add_charsmap(struct t5g_pipeline *p, const void *blob, size_t n, struct t5g_err *e)
{
    struct t5g_step step = {.op = T5G_STEP_CHARSMAP};
    struct t5g_charsmap m;
    if (p->charsmap.n > 0)
        return t5g_err_set(e, T5G_EX_DATA, "two Precompiled: not supported, expected one");
    t5g_buf_add(&p->charsmap, blob, n);
    if (t5g_charsmap_open(&m, p->charsmap.p, p->charsmap.n, NULL, e) < 0)
        return -1;
    t5g_buf_add(&p->steps, &step, sizeof step);
    return 0;
}

static int
read_precompiled(struct t5g_pipeline *p, const struct t5g_json *v, struct t5g_err *e)
{
    const char *s = t5g_json_str(t5g_json_get(v, "precompiled_charsmap"));
    struct t5g_buf blob = {0};
    int r = s != NULL ? t5g_base64_read(&blob, s, strlen(s)) : -1;
    if (r < 0)
        t5g_err_set(e, T5G_EX_DATA, "precompiled_charsmap: not base64");
    else
        r = add_charsmap(p, blob.p, blob.n, e);
    t5g_buf_free(&blob);
    return r < 0 ? t5g_err_in(e, "normalizer") : 0;
}

static int
read_replace(struct t5g_pipeline *p, const struct t5g_json *v, struct t5g_err *e)
{
    const struct t5g_json *pattern = t5g_json_get(v, "pattern");
    const char *from = t5g_json_str(t5g_json_get(pattern, "String")),
               *to = t5g_json_str(t5g_json_get(v, "content"));
    struct t5g_step step = {.op = T5G_STEP_REPLACE};
    if (from == NULL && is(t5g_json_get(pattern, "Regex"), " {2,}"))
        step.op = T5G_STEP_SPACES;
    else if (from == NULL || from[0] == '\0')
        return refuse("normalizer", v, "a pattern of String, or of Regex \" {2,}\"", e);
    if (to == NULL)
        return refuse("normalizer", v, "a content", e);
    if (from != NULL) {
        step.from = keep_text(p, from);
        step.from_len = (uint32_t)strlen(from);
    }
    step.to = keep_text(p, to);
    step.to_len = (uint32_t)strlen(to);
    t5g_buf_add(&p->steps, &step, sizeof step);
    return 0;
}

static int
read_normalizer(struct t5g_pipeline *p, const struct t5g_json *n, struct t5g_err *e)
{
    for (const struct t5g_json *v = first_of(n, "normalizers"); v != NULL; v = next_of(n, v)) {
        struct t5g_step strip = {.op = T5G_STEP_STRIP};
        int r = 0;
        if (p->steps.n / sizeof strip >= STEPS_MAX)
            return t5g_err_set(e, T5G_EX_DATA, "normalizer: more than %d steps", STEPS_MAX);
        if (is_type(v, "Precompiled")) {
            r = read_precompiled(p, v, e);
        } else if (is_type(v, "Replace")) {
            r = read_replace(p, v, e);
        } else if (is_type(v, "Strip")) {
            strip.left = t5g_json_true(t5g_json_get(v, "strip_left"));
            strip.right = t5g_json_true(t5g_json_get(v, "strip_right"));
            t5g_buf_add(&p->steps, &strip, sizeof strip);
        } else {
            r = refuse("normalizer", v, "Precompiled, Strip, Replace or a Sequence of them", e);
        }
        if (r < 0)
            return -1;
    }
    return 0;
}

/* Metaspace: T5G_PRE_* of it in *pre. Its absent members are always and true. */
static int
read_metaspace(unsigned *pre, const char *what, const struct t5g_json *v, struct t5g_err *e)
{
    const struct t5g_json *scheme = t5g_json_get(v, "prepend_scheme"),
                          *split = t5g_json_get(v, "split"),
                          *prefix = t5g_json_get(v, "add_prefix_space");
    bool never = is(scheme, "never"), begin = is(scheme, "first");
    if (!is(t5g_json_get(v, "replacement"), T5G_BAR))
        return refuse(what, v, "the replacement U+2581", e);
    if ((scheme != NULL && !never && !begin && !is(scheme, "always")) ||
        (t5g_json_is_bool(prefix) && !t5g_json_true(prefix) && !never))
        return refuse(what, v, "a prepend_scheme always, first or never", e);
    *pre |= T5G_PRE_BARS | (never ? 0u : begin ? T5G_PRE_FIRST : T5G_PRE_ALWAYS);
    *pre |= absent(split) || t5g_json_true(split) ? T5G_PRE_SPLIT : 0u;
    return 0;
}

/* Whether a step may move where the text begins: then "first" means something else. */
static bool
moves_begin(const struct t5g_pipeline *p)
{
    const struct t5g_step *s = (const void *)p->steps.p;
    for (size_t i = 0; i < p->steps.n / sizeof *s; i++)
        if (s[i].op == T5G_STEP_CHARSMAP || (s[i].op == T5G_STEP_STRIP && s[i].left) ||
            (s[i].op != T5G_STEP_STRIP && s[i].to_len == 0))
            return true;
    return (p->pre & T5G_PRE_WORDS) != 0;
}

static int
read_pre(struct t5g_pipeline *p, const struct t5g_json *pre, struct t5g_err *e)
{
    static const char what[] = "pre_tokenizer",
                      expected[] = "WhitespaceSplit, Metaspace or both in a Sequence";
    for (const struct t5g_json *v = first_of(pre, "pretokenizers"); v != NULL;
         v = next_of(pre, v)) {
        if (is_type(v, "WhitespaceSplit") && p->pre == 0) {
            p->pre |= T5G_PRE_WORDS;
        } else if (is_type(v, "Metaspace") && (p->pre & T5G_PRE_BARS) == 0) {
            if (read_metaspace(&p->pre, what, v, e) < 0)
                return -1;
        } else {
            return refuse(what, v, expected, e);
        }
    }
    if ((p->pre & T5G_PRE_FIRST) != 0 && moves_begin(p))
        return t5g_err_set(e, T5G_EX_DATA,
                           "%s: prepend_scheme first after what moves the beginning of the text: "
                           "not supported, expected always or never",
                           what);
    return 0;
}

static bool
is_bar_to_space(const struct t5g_json *v)
{
    return is_type(v, "Replace") &&
           is(t5g_json_get(t5g_json_get(v, "pattern"), "String"), T5G_BAR) &&
           is(t5g_json_get(v, "content"), " ");
}

static int
read_decoder(struct t5g_pipeline *p, const struct t5g_json *d, struct t5g_err *e)
{
    static const char what[] = "decoder",
                      expected[] =
                          "Metaspace, Replace (U+2581 by \" \"), ByteFallback, Fuse in a Sequence";
    bool fused = false;
    if (absent(d))
        return refuse(what, d, expected, e);
    for (const struct t5g_json *v = first_of(d, "decoders"); v != NULL; v = next_of(d, v)) {
        unsigned meta = 0;
        if (is_type(v, "Metaspace") && !p->bar_is_space && !fused) {
            if (read_metaspace(&meta, what, v, e) < 0)
                return -1;
            p->bar_is_space = true;
            p->decode |= (meta & (T5G_PRE_ALWAYS | T5G_PRE_FIRST)) != 0 ? T5G_DECODE_FIRST : 0u;
            p->decode |= p->bytes ? T5G_DECODE_BYTES : 0u;
        } else if (is_bar_to_space(v) && !p->bar_is_space && !fused) {
            p->bar_is_space = true;
            p->decode |= p->bytes ? T5G_DECODE_BYTES : 0u;
        } else if (is_type(v, "ByteFallback") && !p->bytes && !fused) {
            p->bytes = true;
        } else if (is_type(v, "Fuse") && !fused) {
            fused = true;
        } else {
            return refuse(what, v, expected, e);
        }
    }
    return 0;
}

int
t5g_unigram_pipeline(struct t5g_pipeline *p, const struct t5g_json *root, struct t5g_err *e)
{
    p->space_is_bar = false;
    return read_normalizer(p, t5g_json_get(root, "normalizer"), e) < 0 ||
                   read_pre(p, t5g_json_get(root, "pre_tokenizer"), e) < 0 ||
                   read_decoder(p, t5g_json_get(root, "decoder"), e) < 0
               ? -1
               : 0;
}
