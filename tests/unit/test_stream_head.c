/* test_stream_head.c: what HEAD names, and how it is compared with other HEADs and with a model. */
#include "stream/stream_head.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#define OWN "{\"id\":\"tool\",\"vn\":\"" T5G_VERSION "\""

/* A HEAD with these elements of "pg". */
static struct t5g_head
head(const char *pg)
{
    struct t5g_head h;
    struct t5g_err e = {0};
    char meta[1000];
    snprintf(meta, sizeof meta, "{\"t5g\":1,\"pg\":[%s]}", pg);
    if (t5g_head_read(&h, meta, strlen(meta), &e) < 0)
        fail_msg("%s: %s", pg, e.msg);
    return h;
}

static void
expect_meta(const struct t5g_head *in, const struct t5g_head_entry *own, const char *want)
{
    char *m = t5g_head_make(in, "tool", own);
    assert_string_equal(m, want);
    t5g_free(m);
}

static void
test_make(void **state)
{
    (void)state;
    struct t5g_err e = {0};
    struct t5g_head h, g;
    static const char in[] = "{ \"user\":{\"n\":9007199254740993}, \"t5g\":1,\"pg\":[ "
                             "{\"id\":\"a\",\"tok\":\"11\"},{\"tok\":\"22\",\"num\":\"f32\"} ] }";
    assert_int_equal(t5g_head_read(&h, in, strlen(in), &e), 0);
    assert_string_equal(h.tok, "22");
    assert_string_equal(h.num, "f32");
    const struct t5g_parts parts = {.id = {"33", "", "55"}, .source = "ba\"se"};
    struct t5g_head_entry own = {.parts = &parts, .made = T5G_BY_ENCODER | T5G_BY_VISION};
    char *m = t5g_head_make(&h, "tool", &own);
    assert_string_equal(m, "{\"user\":{\"n\":9007199254740993},\"t5g\":1,\"pg\":[ "
                           "{\"id\":\"a\",\"tok\":\"11\"},{\"tok\":\"22\",\"num\":\"f32\"}," OWN
                           ",\"encoder\":\"33\",\"source\":\"ba\\\"se\"}]}");
    assert_int_equal(t5g_head_read(&g, m, strlen(m), &e), 0);
    assert_string_equal(g.id[T5G_ID_ENCODER], "33");
    assert_string_equal(g.source[T5G_ID_ENCODER], "ba\"se");
    assert_string_equal(g.id[T5G_ID_DECODER], "");
    expect_meta(&g, &own, m); /* run again, it adds nothing */
    t5g_free(m);
    t5g_head_clear(&h);
    t5g_head_clear(&g);
    own = (struct t5g_head_entry){.tok = "11"};
    expect_meta(NULL, &own, "{\"t5g\":1,\"pg\":[" OWN ",\"tok\":\"11\"}]}");
    own = (struct t5g_head_entry){.opt = "{\"seed\":7}"};
    expect_meta(NULL, &own, "{\"t5g\":1,\"pg\":[" OWN ",\"opt\":{\"seed\":7}}]}");
    own = (struct t5g_head_entry){.parts = &parts, .made = T5G_BY_VISION, .num = "q8"};
    expect_meta(NULL, &own, "{\"t5g\":1,\"pg\":[" OWN ",\"num\":\"q8\"}]}"); /* it has no vision */
    expect_meta(NULL, NULL, "{\"t5g\":1,\"pg\":[" OWN "}]}");
}

/* Each part is from the last entry that names it, with that entry's source. */
static void
test_read(void **state)
{
    (void)state;
    struct t5g_head h =
        head("{\"vision\":\"v1\",\"source\":\"base\"},{\"encoder\":\"e1\",\"modules\":\"m1\","
             "\"source\":\"tuned\"},{\"decoder\":\"d1\"},{\"encoder\":\"e2\",\"source\":\"x\"}");
    assert_string_equal(h.id[T5G_ID_VISION], "v1");
    assert_string_equal(h.source[T5G_ID_VISION], "base");
    assert_string_equal(h.id[T5G_ID_ENCODER], "e2");
    assert_string_equal(h.source[T5G_ID_ENCODER], "x");
    assert_string_equal(h.modules, ""); /* they are the encoder's */
    assert_string_equal(h.id[T5G_ID_DECODER], "d1");
    assert_string_equal(h.source[T5G_ID_DECODER], "");
    assert_string_equal(h.model, "");
    t5g_head_clear(&h);
    h = head("{\"encoder\":\"e1\"},{\"model\":\"m\"},{\"decoder\":\"d1\"}");
    assert_string_equal(h.model, "m"); /* after which e1 is not known to be right */
    assert_string_equal(h.id[T5G_ID_ENCODER], "");
    assert_string_equal(h.id[T5G_ID_DECODER], "d1");
    t5g_head_clear(&h);
    struct t5g_err e = {0};
    static const char *const wrong[] = {"{\"encoder\":1}", "{\"source\":[]}", "{\"decoder\":null}",
                                        "{\"vision\":\"0123456789abcdef0123456789abcdef0\"}"};
    for (size_t i = 0; i < T5G_LEN(wrong); i++) {
        char meta[200];
        snprintf(meta, sizeof meta, "{\"t5g\":1,\"pg\":[%s]}", wrong[i]);
        assert_int_equal(t5g_head_read(&h, meta, strlen(meta), &e), -1);
        assert_int_equal(e.code, T5G_EX_DATA);
    }
}

#define E T5G_BY_ENCODER
#define V T5G_BY_VISION
#define D T5G_BY_DECODER

/* Two HEADs, in which they are compared, and the message, NULL: they agree. */
static void
test_agree(void **state)
{
    (void)state;
    static const struct {
        const char *a, *b;
        unsigned what;
        const char *says;
    } cases[] = {
        {"{}", "{\"tok\":\"1\",\"encoder\":\"e\",\"num\":\"q8\"}", T5G_BY_ALL, NULL},
        {"{\"tok\":\"22\"}", "{\"tok\":\"23\"}", T5G_BY_ALL,
         "b.t5g: HEAD: \"tok\" is 23, earlier input had 22 (--force"},
        {"{\"tok\":\"22\"}", "{\"tok\":\"23\"}", T5G_BY_MODEL, NULL},
        {"{\"num\":\"q8\"}", "{\"num\":\"f32\"}", T5G_BY_ALL, "\"num\" is f32"},
        {"{\"num\":\"q8\"}", "{\"num\":\"f32\"}", T5G_BY_ALL & ~(unsigned)T5G_BY_PROFILE, NULL},
        {"{\"encoder\":\"0123456789abcdef\",\"source\":\"base\"}",
         "{\"encoder\":\"fedcba9876543210\",\"source\":\"tuned\"}", E,
         "b.t5g: encoder output of another encoder: made by 'tuned' (fedcba987654), earlier input "
         "by 'base' (0123456789ab) (--force accepts it)"},
        {"{\"encoder\":\"e\",\"decoder\":\"d1\"}", "{\"encoder\":\"e\",\"decoder\":\"d2\"}", E | V,
         NULL},
        {"{\"encoder\":\"e\",\"decoder\":\"d1\"}", "{\"encoder\":\"e\",\"decoder\":\"d2\"}",
         T5G_BY_ALL, "b.t5g: output of another decoder: made by d2, earlier input by d1"},
        {"{\"vision\":\"v1\",\"source\":\"s\"}", "{\"vision\":\"v2\",\"source\":\"s\"}", E | V,
         "image features of another vision part: made by 's' (v2), earlier input by 's' (v1)"},
        {"{\"vision\":\"v1\"}", "{\"encoder\":\"e\"}", T5G_BY_ALL, NULL},
        {"{\"model\":\"m\"}", "{\"model\":\"m\"}", T5G_BY_ALL, NULL},
        {"{\"model\":\"m\"}", "{\"model\":\"n\"}", T5G_BY_ALL,
         "made with another model: n, earlier input with m"},
        {"{\"model\":\"m\"}", "{\"encoder\":\"e\"}", T5G_BY_ALL,
         "earlier input was made by an earlier version"},
        {"{\"encoder\":\"e\"}", "{\"model\":\"m\"}", T5G_BY_ALL,
         "b.t5g: made by an earlier version"},
        {"{\"decoder\":\"d\"}", "{\"model\":\"m\"}", E, NULL},
        {"{\"model\":\"m\"}", "{\"tok\":\"1\"}", T5G_BY_ALL, NULL},
        {"{\"model\":\"m\"},{\"encoder\":\"e\"}", "{\"encoder\":\"e\"}", T5G_BY_ALL, NULL},
        {"{\"encoder\":\"e\",\"modules\":\"m\"}", "{\"encoder\":\"e\"}", E, NULL},
        {"{\"encoder\":\"e\",\"modules\":\"m\"}", "{\"encoder\":\"e\"}", E | T5G_BY_MODULES,
         "other modules after the encoder: no modules, earlier input m "},
        {"{\"encoder\":\"e\",\"modules\":\"m\"}", "{\"encoder\":\"e\",\"modules\":\"m\"}",
         E | T5G_BY_MODULES, NULL},
        {"{\"encoder\":\"e\",\"modules\":\"m\"}", "{\"tok\":\"1\"}", E | T5G_BY_MODULES, NULL},
    };
    for (size_t i = 0; i < T5G_LEN(cases); i++) {
        struct t5g_head a = head(cases[i].a), b = head(cases[i].b);
        struct t5g_err e = {0};
        int r = t5g_head_agree(&a, &b, cases[i].what, "b.t5g", &e);
        if (r != (cases[i].says != NULL ? -1 : 0) ||
            (r < 0 && (e.code != T5G_EX_DATA || strstr(e.msg, cases[i].says) == NULL)))
            fail_msg("%s and %s: %s", cases[i].a, cases[i].b, e.msg);
        t5g_head_clear(&a);
        t5g_head_clear(&b);
    }
}

/* A HEAD before a model with the encoder e, vision part v and decoder d. */
static void
test_check(void **state)
{
    (void)state;
    static const struct t5g_parts ours = {.id = {"e", "v", "d"}, .source = "tuned"};
    static const struct {
        const char *pg;
        unsigned what;
        const char *says;
    } cases[] = {
        {"{}", E | V, NULL},
        {"{\"encoder\":\"e\",\"source\":\"base\"},{\"decoder\":\"x\"}", E | V, NULL},
        {"{\"encoder\":\"x\",\"source\":\"base\"}", E | V,
         "encoder output of another encoder: made by 'base' (x), this model is 'tuned' (e) "
         "(--force accepts it)"},
        {"{\"encoder\":\"x\"}", V, NULL},
        {"{\"vision\":\"x\",\"source\":\"base\"},{\"encoder\":\"e\"}", E | V,
         "image features of another vision part: made by 'base' (x), this model is 'tuned' (v)"},
        {"{\"decoder\":\"x\"}", D, "output of another decoder: made by x, this"},
        {"{\"model\":\"0123456789abcdef\"}", E | V,
         "made by an earlier version, which had one identity for a whole model (0123456789ab): "
         "whether that was the same encoder as that of 'tuned' is not known (--force accepts it)"},
        {"{\"model\":\"m\"}", V, "the same vision part as that of"},
        {"{\"model\":\"m\"},{\"encoder\":\"e\"}", E | V, NULL},
        {"{\"model\":\"m\"},{\"vision\":\"v\"}", E | V, "made by an earlier version"},
        {"{\"encoder\":\"e\"},{\"model\":\"m\"}", E | V, "made by an earlier version"},
        {"{\"model\":\"m\"}", 0, NULL},
    };
    for (size_t i = 0; i < T5G_LEN(cases); i++) {
        struct t5g_head h = head(cases[i].pg);
        struct t5g_err e = {0};
        int r = t5g_head_check(&h, &ours, cases[i].what, &e);
        if (r != (cases[i].says != NULL ? -1 : 0) ||
            (r < 0 && (e.code != T5G_EX_DATA || strstr(e.msg, cases[i].says) == NULL)))
            fail_msg("%s: %s", cases[i].pg, e.msg);
        t5g_head_clear(&h);
    }
    struct t5g_parts text = {.id = {"e", "", ""}}; /* without a vision part there is no other */
    struct t5g_head h = head("{\"vision\":\"x\"},{\"encoder\":\"e\"}");
    assert_int_equal(t5g_head_check(&h, &text, E | V, NULL), 0);
    t5g_head_clear(&h);
}

static void
test_made_by(void **state)
{
    (void)state;
    assert_int_equal(t5g_made_by("embedding"), E | V | T5G_BY_MODULES);
    assert_int_equal(t5g_made_by("encoder.out"), E | V);
    assert_int_equal(t5g_made_by("encoder.out.scale"), E | V);
    assert_int_equal(t5g_made_by("hidden.3"), E | V);
    assert_int_equal(t5g_made_by("image.feat"), V);
    assert_int_equal(t5g_made_by("decode.ids"), E | V | D);
    assert_int_equal(t5g_made_by("label.logits"), E | V | D);
    assert_int_equal(t5g_made_by("input.ids"), 0);
    assert_int_equal(t5g_made_by("theirs"), 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_make),  cmocka_unit_test(test_read),    cmocka_unit_test(test_agree),
        cmocka_unit_test(test_check), cmocka_unit_test(test_made_by),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
