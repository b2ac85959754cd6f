/* test_adapter_pattern.c: patterns of adapters match as Python's re does, or are refused. */
#include "model/adapter_pattern.h"

#include <regex.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

/* Of each, whether re.match(rf"(.*\.)?({key})$", name) matches. */
static const struct {
    const char *key, *name;
    bool matches;
} matched[] = {
    {"q_proj", "model.decoder.layers.0.self_attn.q_proj", true},
    {"q_proj", "model.decoder.layers.0.self_attn.xq_proj", false},
    {"layers.[\\d].mlp", "m.layers.3.mlp", true},
    {"layers.[\\d].mlp", "m.layers.d.mlp", false},
    {"layers.[^\\d].mlp", "m.layers.3.mlp", false},
    {"layers.[^\\d].mlp", "m.layers.d.mlp", true},
    {"[\\w]+_proj", "m.up_proj", true},
    {"[\\w-]+x", "m.a-bx", true},
    {"[\\w]+x", "m.a-bx", false},
    {"[]a]+", "m.]a", true},
    {"[^]a]+", "m.]a", false},
    {"[\\]\\\\]+", "m.]\\", true},
    {"[a^-]+", "m.a-^", true},
    {"[\\^]", "m.^", true},
    {"[\\^-]", "m.-", true},
    {"[^^]", "m.^", false},
    {"[a-c]+", "m.abc", true},
    {"[a-c]+", "m.ab-", false},
    {"[[]x", "m.[x", true},
    {"layers\\.\\d\\.mlp", "m.layers.3.mlp", true},
    {"\\D", "m.3", false},
    {"\\W", "m.-", true},
    {"a\\<b", "m.a<b", true},
    {"a\\{b\\|", "m.a{b|", true},
    {"(?:a|b){2}", "m.ab", true},
    {"(?:a|b){2}", "m.aba", false},
    {"a{,2}", "m.aa", true},
    {"a{2,}", "m.aaaa", true},
    {"a{2,}", "m.a", false},
    {"^m.a", "m.a", true},
    {"^a", "m.a", false},
    {"a|b", "m.b", true},
    {"layers.*?_proj", "m.layers.3.q_proj", true},
    {"a+?b", "m.aab", true},
    {"a+?b", "m.b", false},
    {"a{2}?b", "m.b", false},
    {"(\\w+\\.)*x_proj", "m.a.b.x_proj", true},
};

static const char *const refused[] = {
    "(?=q)",
    "[[:alpha:]]",
    "[\\s]",
    "[\\D]",
    "[a",
    "[a\\",
    "[b-a]",
    "[\\d-x]",
    "[\303\244]",
    "\\bq",
    "\\1",
    "\\A",
    "a\\",
    "a*??",
    "a++",
    "a**",
    "*a",
    "(*a)",
    "a|+",
    "a{2}{2}",
    "a{256}",
    "a{3,2}",
    "a{",
    "{2}",
    "a{x}",
    "(a{2}b){2}",
    "((.{0,255}){0,255}){0,40}",
    "a)(b",
    "(((a*)*)*)",
    "(a*){2}",
    "((.*)*.*)((.*)*.*)((.*)*.*)",
    "((((((((((((((((((a))))))))))))))))))",
    "(a",
};

static void
test_matches(void **state)
{
    (void)state;
    for (size_t i = 0; i < T5G_LEN(matched); i++) {
        struct t5g_buf b = {0};
        regex_t re;
        const char *why = t5g_adapter_pattern(&b, matched[i].key);
        if (why != NULL || regcomp(&re, b.p, REG_EXTENDED | REG_NOSUB) != 0)
            fail_msg("%s: %s", matched[i].key, why != NULL ? why : b.p);
        bool matches = regexec(&re, matched[i].name, 0, NULL, 0) == 0;
        if (matches != matched[i].matches)
            fail_msg("%s, as %s: %s", matched[i].key, b.p, matched[i].name);
        regfree(&re);
        t5g_buf_free(&b);
    }
}

static void
test_refused(void **state)
{
    (void)state;
    char big[4096] = "";
    for (size_t i = 0; i < T5G_LEN(refused); i++) {
        struct t5g_buf b = {0};
        if (t5g_adapter_pattern(&b, refused[i]) == NULL)
            fail_msg("%s: %s", refused[i], b.p);
        t5g_buf_free(&b);
    }
    memset(big, 'a', sizeof big - 1);
    struct t5g_buf b = {0};
    assert_non_null(t5g_adapter_pattern(&b, big));
    memcpy(big + 300, "{2}", 4);
    assert_non_null(t5g_adapter_pattern(&b, big));
    t5g_buf_free(&b);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_matches),
        cmocka_unit_test(test_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
