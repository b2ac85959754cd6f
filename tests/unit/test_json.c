/* test_json.c: the strict scanner, strings with a length, the walk, and the tree. */
#include "base/json.h"
#include "base/jsonpython.h"
#include "base/jsonstr.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

static void
accepts(const char *text, size_t n)
{
    struct t5g_err e = {0};
    if (t5g_json_check(text, n, false, "x", &e) < 0)
        fail_msg("%.*s: %s", (int)n, text, e.msg);
    struct t5g_json *v = t5g_json_parse(text, n, "x", &e);
    if (v == NULL)
        fail_msg("cJSON refuses what the scanner takes: %.*s: %s", (int)n, text, e.msg);
    t5g_json_free(v);
}

static void
test_accepts(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "0",
        "-0",
        " [ ] ",
        "{}",
        "{ \"a\" : [1, 2.5, -3e2, 4E+0, 0.1e-5] }\n",
        "\"\\u0041\\ud83d\\ude00\\n\\/\"",
        "[true,false,null]",
        "{\"a\":{\"a\":1},\"b\":{\"a\":2}}",
        "{\"a\":1,\"A\":2,\"\":3,\" \":4}",
        "\"\xc3\xa9\xf0\x9f\x98\x80\x7f\"",
        "1e308",
        "1e-999",
        "123456789012345678901234567890123456789012345678901234567890123",
    };
    for (size_t i = 0; i < T5G_LEN(texts); i++)
        accepts(texts[i], strlen(texts[i]));
    accepts("[1]garbage", 3); /* the length rules, not a NUL */
    char deep[128];
    memset(deep, '[', 64);
    memset(deep + 64, ']', 64);
    accepts(deep, 128);
}

struct refused {
    const char *text, *says;
};

static void
test_refuses(void **state)
{
    (void)state;
    static const struct refused cases[] = {
        {"", "x: byte 0: end of text, expected a value"},
        {"  ", "x: byte 2: end of text, expected a value"},
        {"\xef\xbb\xbf{}", "x: byte 0: byte-order mark, expected a value"},
        {"{} x", "x: byte 3: text after the value"},
        {"nul", "x: byte 0: expected a value"},
        {"+1", "x: byte 0: expected a value"},
        {"NaN", "x: byte 0: expected a value"},
        {"'a'", "x: byte 0: expected a value"},
        {"01", "x: byte 0: number with a leading zero"},
        {"-01", "x: byte 0: number with a leading zero"},
        {"-", "x: byte 0: number without digits"},
        {"1.", "x: byte 0: number without digits after its point"},
        {".5", "x: byte 0: expected a value"},
        {"1e", "x: byte 0: number without digits in its exponent"},
        {"[1e999]", "x: byte 1: number out of range"},
        {"1234567890123456789012345678901234567890123456789012345678901234",
         "x: byte 0: number of more than 63 characters"},
        {"[1,]", "x: byte 3: expected a value"},
        {"[1", "x: byte 2: end of text inside an array"},
        {"[1 2]", "x: byte 3: expected ',' or ']'"},
        {"{\"a\":1,}", "x: byte 7: expected a key in quotes"},
        {"{\"a\"}", "x: byte 4: expected ':'"},
        {"{\"a\":1", "x: byte 6: end of text inside an object"},
        {"{a:1}", "x: byte 1: expected a key in quotes"},
        {"{\"a\":1,\"b\":2,\"a\":3}", "x: byte 13: duplicate key"},
        {"{\"a\":1,\"\\u0061\":3}", "x: byte 7: duplicate key"},
        {"{\"\\u0061\":1,\"a\":3}", "x: byte 12: duplicate key"},
        {"\"abc", "x: byte 0: string not closed"},
        {"\"a\\", "x: byte 2: string not closed"},
        {"\"a\\\"", "x: byte 0: string not closed"},
        {"\"\\x\"", "x: byte 1: unknown escape"},
        {"\"\\u12g4\"", "x: byte 1: \\u without four hex digits"},
        {"\"\\u0000\"", "x: byte 1: \\u0000 is not allowed here"},
        {"\"\\ud800\"", "x: byte 1: surrogate without its pair"},
        {"\"\\ud800\\u0041\"", "x: byte 1: surrogate without its pair"},
        {"\"\\udc00\"", "x: byte 1: surrogate without its pair"},
        {"\"a\nb\"", "x: byte 2: control character in a string, expected an escape"},
        {"\"a\xff\"", "x: byte 2: ill-formed UTF-8"},
        {"\"\xed\xa0\x80\"", "x: byte 1: ill-formed UTF-8"},
        {"\"\xc0\x80\"", "x: byte 1: ill-formed UTF-8"},
    };
    for (size_t i = 0; i < T5G_LEN(cases); i++) {
        struct t5g_err e = {0};
        assert_null(t5g_json_parse(cases[i].text, strlen(cases[i].text), "x", &e));
        assert_string_equal(e.msg, cases[i].says);
        assert_int_equal(e.code, T5G_EX_DATA);
    }
    struct t5g_err e = {0};
    assert_null(t5g_json_parse("[\0]", 3, "x", &e));
    char deep[130];
    memset(deep, '[', 65);
    memset(deep + 65, ']', 65);
    assert_null(t5g_json_parse(deep, 130, "x", &e));
    assert_string_equal(e.msg, "x: byte 64: nested more than 64 levels deep");
}

/* Many members, so that the key table grows; then one of them twice. */
static void
test_many_keys(void **state)
{
    (void)state;
    struct t5g_buf b = {0};
    struct t5g_err e = {0};
    t5g_buf_adds(&b, "{");
    for (int i = 0; i < 20000; i++)
        t5g_buf_printf(&b, "\"k%d\":{\"k%d\":1},", i, i);
    size_t n = b.n;
    t5g_buf_adds(&b, "\"last\":0}");
    assert_int_equal(t5g_json_check(b.p, b.n, false, "x", &e), 0);
    b.n = n;
    t5g_buf_adds(&b, "\"k777\":0}");
    assert_int_equal(t5g_json_check(b.p, b.n, false, "x", &e), -1);
    char says[64];
    snprintf(says, sizeof says, "x: byte %zu: duplicate key", n);
    assert_string_equal(e.msg, says);
    t5g_buf_free(&b);
}

static void
test_strings(void **state)
{
    (void)state;
    static const char raw[] =
        "\"a\\u0000b\\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e9\\ud83d\\ude00\xc3\xa9\"";
    static const char want[] = "a\0b\"\\/\b\f\n\r\t\xc3\xa9\xf0\x9f\x98\x80\xc3\xa9";
    struct t5g_err e;
    struct t5g_buf b = {0};
    assert_int_equal(t5g_json_check(raw, sizeof raw - 1, true, "x", &e), 0);
    assert_int_equal(t5g_json_check(raw, sizeof raw - 1, false, "x", &e), -1);
    t5g_jsonstr_read(&b, raw, sizeof raw - 1);
    assert_int_equal(b.n, sizeof want - 1);
    assert_memory_equal(b.p, want, b.n);

    struct t5g_buf w = {0}, back = {0};
    t5g_jsonstr_write(&w, want, sizeof want - 1);
    assert_int_equal(t5g_json_check(w.p, w.n, true, "x", &e), 0);
    t5g_jsonstr_read(&back, w.p, w.n);
    assert_int_equal(back.n, sizeof want - 1);
    assert_memory_equal(back.p, want, back.n);
    t5g_buf_free(&w);
    t5g_jsonstr_write(&w, "\x01\x7f\xff\xe2\x82z", 6);
    assert_string_equal(w.p, "\"\\u0001\\u007f\xef\xbf\xbd\xef\xbf\xbdz\"");
    t5g_buf_free(&w);
    t5g_buf_free(&back);
    t5g_buf_free(&b);

    assert_true(t5g_jsonstr_equal("\"text\"", 6, "text"));
    assert_true(t5g_jsonstr_equal("\"te\\u0078t\"", 11, "text"));
    assert_false(t5g_jsonstr_equal("\"tex\"", 5, "text"));
    assert_false(t5g_jsonstr_equal("\"texts\"", 7, "text"));
    assert_false(t5g_jsonstr_equal("\"a\\u0000\"", 9, "a"));
}

static void
test_walk(void **state)
{
    (void)state;
    static const char text[] =
        " { \"a\" : 12 , \"b\\\"\":\"x,}\\\"\" ,\"c\":{\"d\":[1,{\"e\":\"]\"}]},\"z\":true } ";
    static const char *const want[] = {"\"a\"",       "12",    "\"b\\\"\"",
                                       "\"x,}\\\"\"", "\"c\"", "{\"d\":[1,{\"e\":\"]\"}]}",
                                       "\"z\"",       "true"};
    struct t5g_json_walk w;
    size_t i = 0;
    assert_true(t5g_json_walk_open(&w, text, sizeof text - 1));
    for (; t5g_json_walk_next(&w); i += 2) {
        assert_true(i < T5G_LEN(want));
        assert_int_equal(w.key_len, strlen(want[i]));
        assert_memory_equal(w.key, want[i], w.key_len);
        assert_int_equal(w.value_len, strlen(want[i + 1]));
        assert_memory_equal(w.value, want[i + 1], w.value_len);
    }
    assert_int_equal(i, T5G_LEN(want));
    assert_true(t5g_json_walk_open(&w, "{ }", 3));
    assert_false(t5g_json_walk_next(&w));
    assert_false(t5g_json_walk_open(&w, "[1]", 3));
    assert_false(t5g_json_walk_open(&w, " ", 1));
}

static void
test_tree(void **state)
{
    (void)state;
    static const char text[] = "{\"s\":\"\\u00e9\",\"n\":0.1,\"i\":-9007199254740992,\"t\":true,"
                               "\"f\":false,\"z\":null,\"a\":[1,[],\"q\\n\"],\"o\":{}}";
    struct t5g_err e;
    int64_t i;
    struct t5g_json *v = t5g_json_parse(text, sizeof text - 1, "x", &e);
    assert_non_null(v);
    assert_string_equal(t5g_json_str(t5g_json_get(v, "s")), "\xc3\xa9");
    assert_null(t5g_json_get(v, "S"));
    assert_null(t5g_json_get(NULL, "s"));
    assert_null(t5g_json_str(t5g_json_get(v, "n")));
    assert_true(t5g_json_num(t5g_json_get(v, "n")) == 0.1);
    assert_true(isnan(t5g_json_num(t5g_json_get(v, "s"))));
    assert_true(t5g_json_int(t5g_json_get(v, "i"), INT64_MIN, 0, &i));
    assert_true(i == -9007199254740992);
    assert_false(t5g_json_int(t5g_json_get(v, "i"), 0, 5, &i));
    assert_false(t5g_json_int(t5g_json_get(v, "n"), 0, 5, &i));
    assert_false(t5g_json_int(t5g_json_get(v, "s"), 0, 5, &i));
    assert_true(t5g_json_true(t5g_json_get(v, "t")));
    assert_false(t5g_json_true(t5g_json_get(v, "f")));
    assert_true(t5g_json_is_bool(t5g_json_get(v, "f")));
    assert_true(t5g_json_is_null(t5g_json_get(v, "z")));
    assert_false(t5g_json_is_null(t5g_json_get(v, "absent")));
    assert_int_equal(t5g_json_size(t5g_json_get(v, "a")), 3);
    assert_int_equal(t5g_json_size(v), 8);
    assert_string_equal(t5g_json_key(t5g_json_next(t5g_json_first(v))), "n");
    assert_null(t5g_json_key(t5g_json_first(t5g_json_get(v, "a"))));
    struct t5g_buf b = {0};
    t5g_json_print(&b, v);
    assert_string_equal(b.p, "{\"s\":\"\xc3\xa9\",\"n\":0.1,\"i\":-9007199254740992,\"t\":true,"
                             "\"f\":false,\"z\":null,\"a\":[1,[],\"q\\n\"],\"o\":{}}");
    t5g_buf_free(&b);
    t5g_json_free(v);
    assert_null(t5g_json_parse_file("/nonexistent/x.json", 100, &e));
    assert_int_equal(e.code, T5G_EX_NOINPUT);
}

/* What Python's json writes beyond JSON becomes strings that are not taken for numbers. */
static void
test_python(void **state)
{
    static const struct {
        const char *in, *out;
    } cases[] = {
        {"{\"a\":NaN,\"b\":[Infinity,-Infinity]}",
         "{\"a\":\"NaN\",\"b\":[\"Infinity\",\"-Infinity\"]}"},
        {"[1e999,-1e999,1e308,12]", "[\"1e999\",\"-1e999\",1e308,12]"},
        {"[\"NaN 1e999 \\\" NaN\",NaN]", "[\"NaN 1e999 \\\" NaN\",\"NaN\"]"},
        {"\"\\ud800 \\udC00 \\ud83d\\uDE00 \\\\ud800\"",
         "\"\\ufffd \\ufffd \\ud83d\\uDE00 \\\\ud800\""},
        {"\"open \\", "\"open \\"},
        {"-", "-"},
        {"", ""},
    };
    (void)state;
    for (size_t i = 0; i < T5G_LEN(cases); i++) {
        struct t5g_buf b = {0};
        t5g_json_from_python(&b, cases[i].in, strlen(cases[i].in));
        assert_string_equal(b.p, cases[i].out);
        t5g_buf_free(&b);
    }
    struct t5g_buf b = {0}, digits = {0};
    for (int i = 0; i < 64; i++)
        t5g_buf_addc(&digits, '7');
    t5g_json_from_python(&b, digits.p, 64);
    assert_int_equal(b.n, 66);
    b.n = 0;
    t5g_json_from_python(&b, digits.p, 63);
    assert_int_equal(b.n, 63);
    t5g_buf_free(&b);
    t5g_buf_free(&digits);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_accepts),   cmocka_unit_test(test_refuses),
        cmocka_unit_test(test_many_keys), cmocka_unit_test(test_strings),
        cmocka_unit_test(test_walk),      cmocka_unit_test(test_tree),
        cmocka_unit_test(test_python),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
