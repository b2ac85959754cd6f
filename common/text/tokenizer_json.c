/* tokenizer_json.c: read and check the parts of tokenizer.json around the model. */
#include "text/tokenizer_json.h"
#include "text/added.h"
#include "text/table.h"
#include "text/unigram_json.h"

#include <string.h>

/* Whether a member is absent or null. */
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
    return is(t5g_json_get(v, "type"), "Replace") &&
           is(t5g_json_get(t5g_json_get(v, "pattern"), "String"), from) &&
           is(t5g_json_get(v, "content"), to);
}

static int
read_normalizer(struct t5g_pipeline *p, const struct t5g_json *root, struct t5g_err *e)
{
    const struct t5g_json *n = t5g_json_get(root, "normalizer"),
                          *pre = t5g_json_get(root, "pre_tokenizer");
    p->space_is_bar = !absent(n);
    if (!absent(n) && !is_replace(n, " ", T5G_BAR))
        return refuse(e, "normalizer", "Replace of \" \" by U+2581, or null");
    if (absent(pre))
        return 0;
    /* The normalizer leaves no space to split at; without it, the split would matter. */
    if (!p->space_is_bar || !is(t5g_json_get(pre, "type"), "Split") ||
        !is(t5g_json_get(t5g_json_get(pre, "pattern"), "String"), " ") ||
        !is_false(t5g_json_get(pre, "invert")))
        return refuse(e, "pre_tokenizer",
                      "Split at \" \" after a normalizer that leaves none, or null");
    return 0;
}

static int
read_decoder(const struct t5g_pipeline *p, const struct t5g_json *root, struct t5g_err *e)
{
    static const char expected[] = "Sequence of Replace (U+2581 by \" \"), ByteFallback, Fuse";
    const struct t5g_json *d = t5g_json_get(root, "decoder"), *list = t5g_json_get(d, "decoders");
    if (!is(t5g_json_get(d, "type"), "Sequence") || !t5g_json_is_array(list))
        return refuse(e, "decoder", expected);
    const struct t5g_json *v = t5g_json_first(list);
    if (p->space_is_bar) {
        if (v == NULL || !is_replace(v, T5G_BAR, " "))
            return refuse(e, "decoder", expected);
        v = t5g_json_next(v);
    }
    if (v == NULL || !is(t5g_json_get(v, "type"), "ByteFallback"))
        return refuse(e, "decoder", expected);
    v = t5g_json_next(v);
    if (v == NULL || !is(t5g_json_get(v, "type"), "Fuse") || t5g_json_next(v) != NULL)
        return refuse(e, "decoder", expected);
    return 0;
}

/* The ids of one special token of the template. */
static int
add_special(struct t5g_ids *to, const struct t5g_json *post, const char *name, struct t5g_err *e)
{
    const struct t5g_json *ids =
        t5g_json_get(t5g_json_get(t5g_json_get(post, "special_tokens"), name), "ids");
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
    const struct t5g_json *post = t5g_json_get(root, "post_processor");
    bool seen = false;
    if (absent(post))
        return 0;
    if (!is(t5g_json_get(post, "type"), "TemplateProcessing") ||
        !t5g_json_is_array(t5g_json_get(post, "single")))
        return refuse(e, "post_processor", "TemplateProcessing, or null");
    for (const struct t5g_json *v = t5g_json_first(t5g_json_get(post, "single")); v != NULL;
         v = t5g_json_next(v)) {
        const char *name = t5g_json_str(t5g_json_get(t5g_json_get(v, "SpecialToken"), "id"));
        if (name != NULL) {
            if (add_special(seen ? &p->after : &p->before, post, name, e) < 0)
                return -1;
        } else if (is(t5g_json_get(t5g_json_get(v, "Sequence"), "id"), "A") && !seen) {
            seen = true;
        } else {
            return refuse(e, "post_processor.single", "special tokens around one sequence A");
        }
    }
    return seen ? 0 : refuse(e, "post_processor.single", "special tokens around one sequence A");
}

/*
 * How transformers' AutoTokenizer would build the tokenizer: from tokenizer.json as it is, or, with
 * the class GemmaTokenizer, anew from vocabulary and merges. T5Tokenizer is taken as the file says,
 * though 5.18 builds it anew with a pipeline of its own. Other classes have their own rules.
 */
static int
read_class(struct t5g_pipeline *p, const struct t5g_json *config, struct t5g_err *e)
{
    static const char *const as_it_is[] = {"PreTrainedTokenizer", "TokenizersBackend",
                                           "T5Tokenizer", "ByT5Tokenizer"};
    static const char file[] = "tokenizer_config.json";
    const char *name = t5g_json_str(t5g_json_get(config, "tokenizer_class"));
    size_t n = name != NULL ? strlen(name) : 0;
    if (n > 4 && strcmp(name + n - 4, "Fast") == 0)
        n -= 4;
    if (n == 13 && strncmp(name, "ByT5Tokenizer", n) == 0) {
        bool clean = t5g_json_true(t5g_json_get(config, "clean_up_tokenization_spaces"));
        p->pre = T5G_PRE_PYTHON;
        p->decode = T5G_DECODE_IGNORE | (clean ? T5G_DECODE_CLEAN_UP : 0u);
    }
    p->gemma = n == 14 && strncmp(name, "GemmaTokenizer", n) == 0;
    bool known = name == NULL || p->gemma;
    for (size_t i = 0; i < T5G_LEN(as_it_is); i++)
        known = known || (strlen(as_it_is[i]) == n && strncmp(name, as_it_is[i], n) == 0);
    if (!known)
        return t5g_err_set(e, T5G_EX_DATA,
                           "%s: tokenizer_class: %s is not supported, expected GemmaTokenizer, "
                           "T5Tokenizer, PreTrainedTokenizerFast or TokenizersBackend",
                           file, name);
    if (!is_false(t5g_json_get(config, "split_special_tokens")))
        return t5g_err_set(e, T5G_EX_DATA,
                           "%s: split_special_tokens: not supported, expected false", file);
    return 0;
}

int
t5g_pipeline_read(struct t5g_pipeline *p, const struct t5g_json *root,
                  const struct t5g_json *config, struct t5g_err *e)
{
    *p = (struct t5g_pipeline){.space_is_bar = true};
    if (!t5g_json_is_object(root))
        return t5g_err_set(e, T5G_EX_DATA, "not an object");
    if (read_class(p, config, e) < 0)
        return -1;
    p->unigram = is(t5g_json_get(t5g_json_get(root, "model"), "type"), "Unigram") && !p->gemma;
    if (p->unigram) {
        if (t5g_json_true(t5g_json_get(config, "clean_up_tokenization_spaces")))
            p->decode |= T5G_DECODE_CLEAN_UP;
        return t5g_unigram_pipeline(p, root, e) < 0 ? -1 : read_post(p, root, e);
    }
    /* GemmaTokenizer has its own normalizer and decoder, whatever the file says. */
    if (!p->gemma && (read_normalizer(p, root, e) < 0 || read_decoder(p, root, e) < 0))
        return -1;
    p->bar_is_space = p->space_is_bar;
    p->bytes = true;
    return read_post(p, root, e);
}

void
t5g_pipeline_clear(struct t5g_pipeline *p)
{
    t5g_ids_free(&p->before);
    t5g_ids_free(&p->after);
    t5g_buf_free(&p->steps);
    t5g_buf_free(&p->strings);
    t5g_buf_free(&p->charsmap);
}
