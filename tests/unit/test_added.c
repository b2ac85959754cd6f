/* test_added.c: added tokens have the ids and act as transformers' AutoTokenizer has it;
 * identities.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "base/io.h"
#include "base/json.h"
#include "base/jsonstr.h"
#include "modeldir.h"
#include "text/detokenizer.h"

#include <stdlib.h>
#include <string.h>

static struct t5g_buf tiny_json, tiny_config; /* of tests/models/tiny */

static struct t5g_buf
text_of(const char *s)
{
    struct t5g_buf b = {0};
    t5g_buf_adds(&b, s);
    return b;
}

/* tokenizer.json of tiny with another list of added tokens. */
static struct t5g_buf
with_list(const char *list)
{
    struct t5g_json_walk w;
    struct t5g_buf out = text_of("{");
    assert_true(t5g_json_walk_open(&w, tiny_json.p, tiny_json.n));
    while (t5g_json_walk_next(&w)) {
        bool added = t5g_jsonstr_equal(w.key, w.key_len, "added_tokens");
        t5g_buf_adds(&out, out.n > 1 ? "," : "");
        t5g_buf_add(&out, w.key, w.key_len);
        t5g_buf_addc(&out, ':');
        t5g_buf_add(&out, added ? list : w.value, added ? strlen(list) : w.value_len);
    }
    t5g_buf_addc(&out, '}');
    return out;
}

static struct t5g_tokenizer *
open_good(const char *dir)
{
    struct t5g_err e = {0};
    struct t5g_tokenizer *t = t5g_tokenizer_open(dir, &e);
    if (t == NULL)
        fail_msg("%s", e.msg);
    return t;
}

static void
expect_ids(const struct t5g_tokenizer *t, const char *text, unsigned flags,
           const struct t5g_json *want, size_t line)
{
    struct t5g_ids got = {0};
    t5g_tokenize(t, text, strlen(text), flags, &got);
    bool same = got.n == t5g_json_size(want);
    size_t i = 0;
    for (const struct t5g_json *v = t5g_json_first(want); v != NULL && same; v = t5g_json_next(v))
        same = t5g_json_num(v) == (double)got.p[i++];
    if (!same)
        fail_msg("line %zu: '%s' (flags %u): other ids", line, text, flags);
    t5g_ids_free(&got);
}

static void
expect_text(const struct t5g_tokenizer *t, const struct t5g_json *ids, bool all, const char *want,
            size_t line)
{
    struct t5g_detok d;
    struct t5g_buf out = text_of("");
    t5g_detok_open(&d, t, all);
    for (const struct t5g_json *v = t5g_json_first(ids); v != NULL; v = t5g_json_next(v)) {
        int32_t id = (int32_t)t5g_json_num(v);
        t5g_detok_add(&d, &id, 1, &out);
    }
    t5g_detok_end(&d, &out);
    if (strcmp(out.p, want) != 0)
        fail_msg("line %zu: decoded '%s', expected '%s'", line, out.p, want);
    t5g_detok_free(&d);
    t5g_buf_free(&out);
}

static void
put_json(const char *dir, const char *name, const struct t5g_json *v)
{
    struct t5g_buf b = {0};
    if (v == NULL)
        return;
    t5g_json_print(&b, v);
    md_put(dir, name, b.p, b.n);
    t5g_buf_free(&b);
}

static void
check_line(const struct t5g_json *o, size_t line)
{
    char *dir = md_tmp();
    struct t5g_buf list = {0};
    t5g_json_print(&list, t5g_json_get(o, "list"));
    struct t5g_buf json = with_list(list.p);
    md_put(dir, "tokenizer.json", json.p, json.n);
    put_json(dir, "tokenizer_config.json", t5g_json_get(o, "config"));
    put_json(dir, "special_tokens_map.json", t5g_json_get(o, "map"));
    put_json(dir, "added_tokens.json", t5g_json_get(o, "legacy"));
    struct t5g_tokenizer *t = open_good(dir);
    for (const struct t5g_json *c = t5g_json_first(t5g_json_get(o, "cases")); c != NULL;
         c = t5g_json_next(c)) {
        const struct t5g_json *ids = t5g_json_get(c, "ids");
        const char *text = t5g_json_str(t5g_json_get(c, "text"));
        expect_ids(t, text, 0, ids, line);
        expect_ids(t, text, T5G_TOK_TEXT_ONLY, t5g_json_get(c, "text_only"), line);
        expect_text(t, ids, false, t5g_json_str(t5g_json_get(c, "skip")), line);
        expect_text(t, ids, true, t5g_json_str(t5g_json_get(c, "all")), line);
    }
    t5g_tokenizer_close(t);
    t5g_buf_free(&list);
    t5g_buf_free(&json);
    md_remove(dir);
    t5g_free(dir);
}

/* tests/oracle/added_tokens.py made the lines. */
static void
as_transformers_has_it(void **state)
{
    char *path = t5g_path_join(getenv("T5G_TESTS"), "data/added-tokens.jsonl");
    struct t5g_buf b = {0};
    struct t5g_err e = {0};
    size_t line = 0;
    (void)state;
    assert_int_equal(t5g_read_file(path, (size_t)1 << 28, &b, NULL), 0);
    for (char *p = b.p, *end; p < b.p + b.n; p = end + 1) {
        end = memchr(p, '\n', (size_t)(b.p + b.n - p));
        assert_non_null(end);
        struct t5g_json *o = t5g_json_parse(p, (size_t)(end - p), "line", &e);
        if (o == NULL)
            fail_msg("%s", e.msg);
        check_line(o, ++line);
        t5g_json_free(o);
    }
    assert_true(line >= 60);
    t5g_buf_free(&b);
    t5g_free(path);
}

/* The identity of a directory with this tokenizer.json and tokenizer_config.json (NULL: none). */
static void
identity_of(struct t5g_tokenizer_id *id, const struct t5g_buf *json, const char *config)
{
    char *dir = md_tmp();
    md_put(dir, "tokenizer.json", json->p, json->n);
    if (config != NULL)
        md_put(dir, "tokenizer_config.json", config, strlen(config));
    struct t5g_tokenizer *t = open_good(dir);
    *id = *t5g_tokenizer_id(t);
    t5g_tokenizer_close(t);
    md_remove(dir);
    t5g_free(dir);
}

/* What cannot act makes no other tokenizer, what can does. */
static void
identity_is_of_what_acts(void **state)
{
    static const struct {
        const char *from, *to;
        bool acts;
    } edits[] = {
        {"\"truncation\": null",
         "\"truncation\": {\"direction\": \"Right\", \"max_length\": 8, \"strategy\": "
         "\"LongestFirst\", \"stride\": 0}",
         false},
        {"\"version\": \"1.0\"", "\"version\":     \"1.0\"", false},
        /* GemmaTokenizer makes <mask> special in any case */
        {"\"content\": \"<mask>\",\n      \"single_word\": false,\n      \"lstrip\": false,\n      "
         "\"rstrip\": false,\n      \"normalized\": false,\n      \"special\": true",
         "\"content\": \"<mask>\",\n      \"single_word\": false,\n      \"lstrip\": false,\n      "
         "\"rstrip\": false,\n      \"normalized\": false,\n      \"special\": false",
         false},
        {"\"content\": \"<mask>\",\n      \"single_word\": false,\n      \"lstrip\": false",
         "\"content\": \"<mask>\",\n      \"single_word\": false,\n      \"lstrip\": true", true},
        {"\"<unused1>\"", "\"<used1>\"", true},
        {"\"ids\": [\n          2\n        ]", "\"ids\": [1]", true},
    };
    struct t5g_tokenizer_id id, other;
    struct t5g_err e = {0};
    (void)state;
    identity_of(&id, &tiny_json, tiny_config.p);
    assert_int_equal(strlen(id.id), 32);
    assert_int_equal(t5g_tokenizer_check(&id, id.id, &e), 0);
    assert_int_equal(t5g_tokenizer_check(&id, id.file, &e), 0); /* what earlier versions wrote */
    for (size_t i = 0; i < T5G_LEN(edits); i++) {
        struct t5g_buf json = text_of(tiny_json.p);
        md_edit(&json, edits[i].from, edits[i].to);
        identity_of(&other, &json, tiny_config.p);
        if ((strcmp(id.id, other.id) != 0) != edits[i].acts)
            fail_msg("edit %zu: the identity %s", i, edits[i].acts ? "stays" : "changes");
        t5g_buf_free(&json);
    }
    identity_of(&other, &tiny_json, "{\"extra_special_tokens\":[\"<new>\"]}");
    assert_int_equal(t5g_tokenizer_check(&id, other.id, &e), -1);
    assert_int_equal(e.code, T5G_EX_DATA);
    if (strstr(e.msg, "first difference is in the added tokens") == NULL)
        fail_msg("'%s' does not name the added tokens", e.msg);
    assert_int_equal(t5g_tokenizer_check(&id, "0123456789abcdef0123456789abcdef", &e), -1);
    assert_null(strstr(e.msg, "first difference"));

    /* Where a token is searched acts if it can overlap with another one, or holds white space. */
    static const struct {
        const char *text, *more;
        bool acts;
    } normalized[] = {
        {"<new>", "", false},
        {"zork", "", false},
        {"<ne<w>", "", true}, /* other tokens begin with < */
        {"two words", "", true},
        {"zork", ",{\"id\":701,\"content\":\"zo\",\"normalized\":false}", true},
        {"zork", ",{\"id\":701,\"content\":\"korz\",\"normalized\":false}", true},
        {"zork", ",{\"id\":701,\"content\":\"a\",\"single_word\":true}", true},
        {"zork\",\"lstrip\":true,\"x\":\"", "", true},
    };
    for (size_t i = 0; i < T5G_LEN(normalized); i++) {
        for (int flag = 0; flag < 2; flag++) {
            struct t5g_buf list = {0};
            t5g_buf_printf(&list,
                           "[{\"id\":4,\"content\":\"<mask>\",\"special\":true},{\"id\":700,"
                           "\"content\":\"%s\",\"normalized\":%s}%s]",
                           normalized[i].text, flag ? "true" : "false", normalized[i].more);
            struct t5g_buf json = with_list(list.p);
            identity_of(flag ? &other : &id, &json, "{\"tokenizer_class\":\"TokenizersBackend\"}");
            t5g_buf_free(&json);
            t5g_buf_free(&list);
        }
        if ((strcmp(id.id, other.id) != 0) != normalized[i].acts)
            fail_msg("normalized of '%s' %s", normalized[i].text,
                     normalized[i].acts ? "makes no difference" : "makes another tokenizer");
    }
}

static void
refuse(const char *list, const char *config, const char *map, const char *message)
{
    char *dir = md_tmp();
    struct t5g_err e = {0};
    struct t5g_buf json = with_list(list);
    md_put(dir, "tokenizer.json", json.p, json.n);
    if (config != NULL)
        md_put(dir, "tokenizer_config.json", config, strlen(config));
    if (map != NULL)
        md_put(dir, "special_tokens_map.json", map, strlen(map));
    assert_null(t5g_tokenizer_open(dir, &e));
    assert_int_equal(e.code, T5G_EX_DATA);
    if (strstr(e.msg, message) == NULL)
        fail_msg("'%s' does not say '%s'", e.msg, message);
    t5g_buf_free(&json);
    md_remove(dir);
    t5g_free(dir);
}

static void
what_is_not_followed_is_refused(void **state)
{
    (void)state;
#define GEMMA "\"tokenizer_class\":\"GemmaTokenizer\""
    refuse("[{\"id\":700,\"content\":\"x\",\"lstrip\":3}]", NULL, NULL, "'x': lstrip: expected");
    refuse("[{\"content\":\"x\"}]", NULL, NULL, "entry 0: content or id is missing");
    refuse("[{\"id\":700,\"content\":\"a b\"},{\"id\":701,\"content\":\"a\xe2\x96\x81"
           "b\"}]",
           NULL, NULL, "the same once normalised");
    refuse("[]", "{\"tokenizer_class\":\"LlamaTokenizerFast\"}", NULL,
           "tokenizer_class: LlamaTokenizerFast is not supported");
    refuse("[]", "{\"split_special_tokens\":true}", NULL, "split_special_tokens");
    refuse("[]", "{" GEMMA ",\"bos_token\":3}", NULL, "bos_token: expected a text");
    refuse("[]", "{" GEMMA ",\"extra_special_tokens\":[3]}", NULL,
           "extra_special_tokens: expected");
    refuse("[]", "{" GEMMA ",\"added_tokens_decoder\":{\"x\":{\"content\":\"y\"}}}", NULL,
           "added_tokens_decoder");
    refuse("[]", "{" GEMMA "}", "{\"bos_token\":[1]}", "special_tokens_map.json: bos_token");
    refuse("[]", "", NULL, "tokenizer_config.json: byte 0");
#undef GEMMA
}

static int
setup(void **state)
{
    char *dir = md_fixture("tiny");
    (void)state;
    tiny_json = md_get(dir, "tokenizer.json");
    tiny_config = md_get(dir, "tokenizer_config.json");
    t5g_free(dir);
    return 0;
}

static int
teardown(void **state)
{
    (void)state;
    t5g_buf_free(&tiny_json);
    t5g_buf_free(&tiny_config);
    return 0;
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(as_transformers_has_it),
        cmocka_unit_test(identity_is_of_what_acts),
        cmocka_unit_test(what_is_not_followed_is_refused),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
