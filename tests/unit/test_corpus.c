/* test_corpus.c: documents from files, lines, NUL-separated texts and JSON lines. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "base/io.h"
#include "store/corpus.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* "id=text|prompt;" of every document of a corpus whose only file holds bytes[0..n); "!" marks a
 * fault. */
static char *
read_all(const char *bytes, size_t n, enum t5g_corpus_mode mode, bool keep_newline)
{
    char dir[] = "/tmp/t5g-test-XXXXXX";
    assert_non_null(mkdtemp(dir));
    char *path = t5g_path_join(dir, "f");
    assert_int_equal(t5g_write_file(path, bytes, n, NULL), 0);
    struct t5g_corpus *c = t5g_corpus_open(&(struct t5g_corpus_options){
        .paths = &path, .n_paths = 1, .mode = mode, .keep_newline = keep_newline});
    struct t5g_corpus_doc d = {0};
    struct t5g_buf out = {0};
    t5g_buf_adds(&out, "");
    while (t5g_corpus_next(c, &d, NULL) == 1) {
        t5g_buf_add(&out, d.id.p, d.id.n);
        if (d.fault.code != 0) {
            t5g_buf_adds(&out, "!;");
            continue;
        }
        t5g_buf_addc(&out, '=');
        t5g_buf_add(&out, d.text.p, d.text.n);
        if (d.has_prompt)
            t5g_buf_printf(&out, "|%s", d.prompt.p);
        t5g_buf_addc(&out, ';');
    }
    t5g_corpus_doc_free(&d);
    t5g_corpus_close(c);
    unlink(path);
    rmdir(dir);
    t5g_free(path);
    return out.p;
}

static void
expect(const char *bytes, size_t n, enum t5g_corpus_mode mode, bool keep, const char *want)
{
    char *got = read_all(bytes, n, mode, keep);
    assert_string_equal(got, want);
    t5g_free(got);
}

static void
whole_files(void **state)
{
    (void)state;
    expect("", 0, T5G_CORPUS_FILE, false, "f=;");
    expect("a\nb\n", 4, T5G_CORPUS_FILE, false, "f=a\nb;");
    expect("a\n\n", 3, T5G_CORPUS_FILE, false, "f=a\n;");
    expect("a\n", 2, T5G_CORPUS_FILE, true, "f=a\n;");
    expect("\n", 1, T5G_CORPUS_FILE, false, "f=;");
}

static void
lines(void **state)
{
    (void)state;
    expect("", 0, T5G_CORPUS_LINE, false, "");
    expect("\n", 1, T5G_CORPUS_LINE, false, "f:1=;");
    expect("a\n\nb", 4, T5G_CORPUS_LINE, false, "f:1=a;f:2=;f:3=b;");
    expect("a\r\n", 3, T5G_CORPUS_LINE, false, "f:1=a\r;");
    expect("a\0b\n\0", 5, T5G_CORPUS_NUL, false, "f:1=a;f:2=b\n;");
    size_t n = (1 << 18) + 3; /* longer than one read */
    char *big = malloc(n), *want = malloc(n + 20);
    assert_true(big != NULL && want != NULL);
    memset(big, 'x', n);
    big[n - 2] = '\n';
    strcpy(want, "f:1=");
    memset(want + 4, 'x', n - 2);
    strcpy(want + 4 + n - 2, ";f:2=x;");
    expect(big, n, T5G_CORPUS_LINE, false, want);
    free(big);
    free(want);
}

static void
json_lines(void **state)
{
    (void)state;
#define J(text, want) expect(text, sizeof text - 1, T5G_CORPUS_JSONL, false, want)
    J("{\"text\":\"a\\u00e9\"}\n", "f:1=a\xc3\xa9;");
    J("{\"text\":\"a\",\"id\":\"x\",\"prompt\":\"p\"}", "x=a|p;");
    J("{\"id\":17,\"text\":\"\",\"other\":[1,{\"text\":\"no\"}]}\n", "17=;");
    J("not json\n{\"text\":\"b\"}\n", "f:1!;f:2=b;");
    J("[]\n{}\n{\"text\":1}\n{\"text\":\"a\",\"id\":[]}\n\n", "f:1!;f:2!;f:3!;f:4!;f:5!;");
    J("{\"text\":\"a\",\"prompt\":null,\"id\":null,\"images\":null}\n{\"text\":null}",
      "f:1=a;f:2!;");
    J("{\"text\":\"a\"}\r\n{\"text\":\"b\"}\r\n", "f:1=a;f:2=b;");
    J("{\"text\":\"a\",\"text\":\"b\"}\n{\"text\":\"\\ud800\"}\n", "f:1!;f:2!;");
    J("{\"text\":\"x\",\"id\":\"a\\u0000b\"}\n", "f:1!;");
#undef J
    char *got = read_all("{\"text\":\"a\\u0000b\"}", 19, T5G_CORPUS_JSONL, false);
    assert_memory_equal(got, "f:1=a\0b;", 9);
    t5g_free(got);
}

/* What Python's json takes, and what it prints for a number. */
static void
json_lines_of_others(void **state)
{
    (void)state;
#define J(text, want) expect(text, sizeof text - 1, T5G_CORPUS_JSONL, false, want)
    static const char *const ids[][2] = {
        {"1.0", "1"},
        {"1e0", "1"},
        {"-0", "0"},
        {"-0.0", "0"},
        {"1.5", "1.5"},
        {"1E2", "100"},
        {"1e-5", "1e-05"},
        {"0.0001", "0.0001"},
        {"1e22", "1e+22"},
        {"123.456", "123.456"},
        {"0.1", "0.1"},
        {"-2.50", "-2.5"},
        {"1e16", "1e+16"},
        {"1.25e300", "1.25e+300"},
        {"123456789012345678901234567890", "123456789012345678901234567890"},
    };
    for (size_t i = 0; i < T5G_LEN(ids); i++) {
        struct t5g_buf line = {0}, want = {0};
        t5g_buf_printf(&line, "{\"text\":\"a\",\"id\":%s}", ids[i][0]);
        t5g_buf_printf(&want, "%s=a;", ids[i][1]);
        expect(line.p, line.n, T5G_CORPUS_JSONL, false, want.p);
        t5g_buf_free(&line);
        t5g_buf_free(&want);
    }
    J("{\"id\":1e999,\"text\":\"a\"}\n{\"id\":NaN,\"text\":\"a\"}\n{\"id\":true,\"text\":\"a\"}",
      "f:1!;f:2!;f:3!;");
    /* A member that is not read may be anything that ends. */
    J("{\"a\":NaN,\"b\":[Infinity,-Infinity],\"c\":1e999,\"text\":\"x\",\"d\":\"\\ud800\"}",
      "f:1=x;");
    J("{\"a\":1,\"a\":2,\"\\udc00\":3,\"\\ud800\\n\":{\"a\":[],\"a\":{}},\"te\\u0078t\":\"x\"}",
      "f:1=x;");
    J("{\"n\":1234567890123456789012345678901234567890123456789012345678901234567890,\"text\":"
      "\"x\"}",
      "f:1=x;");
    J("{\"m\":[{\"text\":\"no\"},[],{}],\"text\":\"x\",\"z\":\"\\u0000\"}", "f:1=x;");
    /* ... and nothing that does not. */
    J("{\"text\":\"x\",\"m\":[1,2}\n{\"text\":\"x\",\"m\":[1,]}\n{\"text\":\"x\",\"m\":{\"a\" 1}}\n"
      "{\"text\":\"x\",\"m\":[1 "
      "2]}\n{\"text\":\"x\",\"m\":01}\n{\"text\":\"x\",\"m\":nope}\n{\"text\":\"x\",\"m\":\n"
      "{\"text\":\"x\",\"m\":[,1]}\n{\"text\":\"x\",\"m\":{,}}\n{\"text\":\"x\",\"m\":{\"a\":1,}}"
      "\n",
      "f:1!;f:2!;f:3!;f:4!;f:5!;f:6!;f:7!;f:8!;f:9!;f:10!;");
    /* A member that is read comes once, and is whole. */
    J("{\"id\":1,\"id\":2,\"text\":\"x\"}\n{\"text\":\"x\",\"te\\u0078t\":\"y\"}\n{\"text\":"
      "\"\\ud800\"}\n"
      "{\"prompt\":\"\\udfff\",\"text\":\"a\"}\n",
      "f:1!;f:2!;f:3!;f:4!;");
    /* A mark may stand before the first line alone. */
    J("\xef\xbb\xbf{\"text\":\"a\"}\n\xef\xbb\xbf{\"text\":\"a\"}", "f:1=a;f:2!;");
    expect("\xef\xbb\xbf"
           "a\nb",
           6, T5G_CORPUS_LINE, false,
           "f:1=\xef\xbb\xbf"
           "a;f:2=b;");
#undef J
    static const char *const brackets[] = {"[", "]", "{\"a\":", "}"};
    for (size_t k = 0; k < 4; k += 2) {
        struct t5g_buf line = {0};
        t5g_buf_adds(&line, "{\"text\":\"a\",\"m\":");
        for (int i = 0; i < 1000000; i++)
            t5g_buf_adds(&line, brackets[k]);
        t5g_buf_adds(&line, "1");
        for (int i = 0; i < 1000000; i++)
            t5g_buf_adds(&line, brackets[k + 1]);
        expect(line.p, line.n, T5G_CORPUS_JSONL, false, "f:1!;");
        t5g_buf_adds(&line, "}");
        expect(line.p, line.n, T5G_CORPUS_JSONL, false, "f:1=a;");
        t5g_buf_free(&line);
    }
}

static void
texts_first_then_files(void **state)
{
    (void)state;
    char a[] = "one", b[] = "two", path[] = "/nowhere/at/all";
    char *texts[] = {a, b}, *paths[] = {path};
    struct t5g_corpus *c = t5g_corpus_open(
        &(struct t5g_corpus_options){.paths = paths, .n_paths = 1, .texts = texts, .n_texts = 2});
    struct t5g_corpus_doc d = {0};
    struct t5g_err e;
    assert_int_equal(t5g_corpus_next(c, &d, &e), 1);
    assert_string_equal(d.id.p, "e1");
    assert_int_equal(t5g_corpus_next(c, &d, &e), 1);
    assert_string_equal(d.text.p, "two");
    assert_int_equal(t5g_corpus_next(c, &d, &e), 1); /* fails alone */
    assert_int_equal(d.fault.code, T5G_EX_NOINPUT);
    assert_string_equal(d.id.p, "all");
    assert_int_equal(t5g_corpus_next(c, &d, &e), 0);
    t5g_corpus_doc_free(&d);
    t5g_corpus_close(c);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whole_files),
        cmocka_unit_test(lines),
        cmocka_unit_test(json_lines),
        cmocka_unit_test(json_lines_of_others),
        cmocka_unit_test(texts_first_then_files),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
