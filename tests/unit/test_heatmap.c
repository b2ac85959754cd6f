/* Drawings of attention, base64, texts of tokens, and options as JSON: what command lines do not
 * reach. */
#include "base/base64.h"
#include "base/json.h"
#include "cli/used_options.h"
#include "convert/heatmap.h"
#include "text/token_texts.h"

#include "golden.h"

#include <stdlib.h>

static void
test_base64(void **state)
{
    static const char *const vectors[][2] = {{"", ""},
                                             {"f", "Zg=="},
                                             {"fo", "Zm8="},
                                             {"foo", "Zm9v"},
                                             {"foob", "Zm9vYg=="},
                                             {"fooba", "Zm9vYmE="},
                                             {"foobar", "Zm9vYmFy"}};
    (void)state;
    for (size_t i = 0; i < T5G_LEN(vectors); i++) { /* RFC 4648, section 10 */
        struct t5g_buf b = {0};
        t5g_buf_adds(&b, "");
        t5g_base64(&b, (const unsigned char *)vectors[i][0], strlen(vectors[i][0]));
        assert_string_equal(b.p, vectors[i][1]);
        b.n = 0;
        assert_int_equal(t5g_base64_read(&b, vectors[i][1], strlen(vectors[i][1])), 0);
        assert_int_equal(b.n, strlen(vectors[i][0]));
        assert_memory_equal(b.p, vectors[i][0], b.n);
        t5g_buf_free(&b);
    }
    static const char *const bad[] = {
        "Zg", "Zg=", "Zg==Zg==", "Z===", "====", "Zh==", "Zm9=", "Zm9v\n", "Zm-v", "Z=9v", " Zg="};
    for (size_t i = 0; i < T5G_LEN(bad); i++) {
        struct t5g_buf b = {0};
        assert_int_equal(t5g_base64_read(&b, bad[i], strlen(bad[i])), -1);
        t5g_buf_free(&b);
    }
    struct t5g_buf b = {0};
    t5g_base64(&b, (const unsigned char *)"\xff\xfe\xfd\xfc", 4);
    assert_string_equal(b.p, "//79/A==");
    t5g_buf_free(&b);
}

static size_t
count(const struct t5g_buf *svg, const char *what)
{
    size_t n = 0;
    for (const char *s = svg->p; (s = strstr(s, what)) != NULL; s++)
        n++;
    return n;
}

/* All limits, rows beside pictures, and texts that are not characters of XML. */
static void
test_draw(void **state)
{
    enum { ROWS = 23, TOKENS = 5 };
    struct t5g_buf rows[ROWS] = {0}, tokens[TOKENS] = {0};
    float weights[TOKENS * ROWS];
    static const unsigned char file[] = "GIF89a and no more";
    /* at the beginning, behind each other, and at the end */
    const struct t5g_heatmap_picture pictures[] = {
        {0, 2, file, sizeof file}, {4, 2, NULL, 0}, {19, 2, file + 1, sizeof file - 1}};
    (void)state;
    for (size_t i = 0; i < ROWS; i++)
        t5g_buf_printf(&rows[i], "row%zu", i);
    t5g_buf_add(&tokens[0], "\xef\xbf\xbe\xef\xbf\xbf\0\x1b\xff<", 10);
    for (size_t i = 0; i < TOKENS * ROWS; i++)
        weights[i] = (float)(i % 7) / 7;
    for (size_t most = 0; most < 30; most++)
        for (size_t n_pictures = 0; n_pictures <= T5G_LEN(pictures); n_pictures++) {
            struct t5g_heatmap h = {.title = "a\nb",
                                    .rows = rows,
                                    .n_rows = ROWS,
                                    .tokens = tokens,
                                    .n_tokens = TOKENS,
                                    .weights = weights,
                                    .pictures = pictures,
                                    .n_pictures = n_pictures,
                                    .most = most};
            struct t5g_buf svg = {0};
            t5g_heatmap_draw(&h, &svg);
            assert_int_equal(count(&svg, "rotate(-60)"), t5g_min(TOKENS, t5g_max(most, 1)));
            assert_int_equal(count(&svg, ">[picture "), n_pictures);
            assert_int_equal(count(&svg, "<image "), n_pictures > 0);
            /* a line for each run of rows between pictures more than asked for, at most */
            assert_true(count(&svg, "text-anchor") <= t5g_max(most, n_pictures + 1) + n_pictures);
            assert_non_null(strstr(svg.p, "\xef\xbf\xbd\xef\xbf\xbd\\x00\\x1b\\xff&lt;"));
            assert_int_equal(count(&svg, "<rect"), count(&svg, "</rect>") + 2 + n_pictures);
            t5g_buf_free(&svg);
        }
    for (size_t i = 0; i < ROWS; i++)
        t5g_buf_free(&rows[i]);
    t5g_buf_free(&tokens[0]);
}

/* Nothing is drawn of nothing, and weights that are all 0 are white. */
static void
test_draw_nothing(void **state)
{
    struct t5g_buf row = {0}, svg = {0};
    float zero = 0;
    (void)state;
    t5g_heatmap_draw(&(struct t5g_heatmap){.title = ""}, &svg);
    t5g_heatmap_draw(&(struct t5g_heatmap){.title = "",
                                           .rows = &row,
                                           .n_rows = 1,
                                           .tokens = &row,
                                           .n_tokens = 1,
                                           .weights = &zero,
                                           .most = 9},
                     &svg);
    assert_int_equal(count(&svg, "</svg>"), 2);
    assert_int_equal(count(&svg, "<title>"), 0);
    t5g_buf_free(&svg);
}

/* Texts of tokens make up the text; bytes are with the last one of their run. */
static void
test_token_texts(void **state)
{
    struct t5g_err e;
    struct t5g_buf dir = {0}, all = {0}, *texts;
    (void)state;
    t5g_buf_printf(&dir, "%s/models/tiny", getenv("T5G_TESTS"));
    struct t5g_tokenizer *t = t5g_tokenizer_open(dir.p, &e);
    assert_non_null(t);
    static const char text[] = "<bos>a \xf0\x9f\x98\x80 b\n\xe6\x97\xa5";
    struct t5g_ids ids = {0};
    t5g_tokenize(t, text, sizeof text - 1, T5G_TOK_BARE, &ids);
    t5g_ids_add(&ids, 1 << 20); /* no token */
    texts = t5g_alloc(ids.n, sizeof *texts);
    t5g_token_texts(t, ids.p, ids.n, texts);
    bool whole = false;
    for (size_t i = 0; i < ids.n; i++) {
        whole = whole || (texts[i].n == 4 && memcmp(texts[i].p, "\xf0\x9f\x98\x80", 4) == 0);
        t5g_buf_add(&all, texts[i].p, texts[i].n);
        t5g_buf_free(&texts[i]);
    }
    assert_true(whole);
    assert_string_equal(all.p, text);
    t5g_token_texts(t, NULL, 0, texts);
    t5g_free(texts);
    t5g_ids_free(&ids);
    t5g_buf_free(&all);
    t5g_buf_free(&dir);
    t5g_tokenizer_close(t);
}

static void
test_given(void **state)
{
    static uint64_t n = 7;
    static double x = 0.1;
    static const struct t5g_option options[] = {
        {'n', "number", "N", T5G_OPT_U64, &n, "", 0, 9},
        {0, "part", "X", T5G_OPT_DOUBLE, &x, "", 0, 9},
        {0, "words", "WORD", T5G_OPT_LIST, NULL, "", 0, 0},
        {0, "file", "FILE", T5G_OPT_STRING, NULL, "", 0, 0},
    };
    const char *const none[] = {NULL}, *const except[] = {"number", "part", "words", NULL};
    struct t5g_buf b = {0};
    (void)state;
    assert_false(t5g_used_json(&b, none));
    t5g_used_add(&options[1], "0.1");
    t5g_used_add(&options[2], "a\"");
    t5g_used_add(&options[0], "5");
    t5g_used_add(&options[2], "\xff");
    assert_null(t5g_used_first(except));
    /* A file is named by what was read from it, here by somebody else. */
    t5g_used_add(&options[3], "/no/such/file");
    t5g_used_contents("/another/file", "ffffffffffffffffffffffffffffffff");
    t5g_used_contents("/no/such/file", "0123456789abcdef0123456789abcdef");
    assert_true(t5g_used_json(&b, none));
    assert_string_equal(b.p, "{\"part\":0.1,\"words\":[\"a\\\"\",\"\xef\xbf\xbd\"],\"number\":7,"
                             "\"file\":\"0123456789abcdef0123456789abcdef\"}");
    assert_string_equal(t5g_used_first(except), "file");
    /* What is long is a hash. */
    char *much = t5g_alloc(1 << 17, 1);
    memset(much, 'a', (1 << 17) - 1);
    t5g_used_add(&options[2], much);
    b.n = 0;
    assert_true(t5g_used_json(&b, none));
    assert_true(b.n < 200);
    struct t5g_json *j = t5g_json_parse(b.p, b.n, "given", NULL);
    assert_int_equal(strlen(t5g_json_str(t5g_json_get(j, "words"))), 32);
    t5g_json_free(j);
    t5g_free(much);
    t5g_buf_free(&b);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_base64),       cmocka_unit_test(test_draw),
        cmocka_unit_test(test_draw_nothing), cmocka_unit_test(test_token_texts),
        cmocka_unit_test(test_given),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
