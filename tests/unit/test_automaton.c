/* test_automaton.c: calls of rules, characters of JSON strings, and lists of choices. */
#include "base/json.h"
#include "base/utf8.h"
#include "constrained.h"
#include "generate/regex.h"
#include "generate/wordtree.h"
#include "text/printed.h"

enum { STEPS = 14, LONG_WALK = 160 };

/* ---- calls ---- */

/* Open brackets, a, as many closing ones. */
static bool
nest_matches(const void *arg, const struct t5g_buf *text, bool *whole)
{
    size_t open = 0, close = 0;
    bool middle = false;
    (void)arg;
    for (size_t i = 0; i < text->n; i++) {
        char c = text->p[i];
        if ((c == '(' && middle) || (c == 'a' && middle) || (c == ')' && !middle) ||
            strchr("(a)", c) == NULL || c == 0)
            return false;
        open += c == '(';
        close += c == ')';
        middle = middle || c == 'a';
    }
    *whole = middle && open == close;
    return close <= open && open <= T5G_CALLS_MAX - 1;
}

static int32_t
id_of(char c)
{
    size_t n;
    for (int32_t id = 0;; id++) {
        const char *s = t5g_printed(tokenizer, id, &n);
        if (n == 1 && *s == c)
            return id;
    }
}

/* A rule that calls itself, as deep as calls may nest. */
static void
test_calls(void **state)
{
    struct t5g_automaton *a = t5g_automaton_open();
    struct t5g_err e = {0};
    uint32_t rule = t5g_rule_new(a);
    uint32_t inner = t5g_node_call(a, rule, t5g_node_byte(a, ')', T5G_NODE_RETURN));
    t5g_rule_set(a, rule,
                 t5g_node_fork(a,
                               (uint32_t[]){t5g_node_byte(a, '(', inner),
                                            t5g_node_byte(a, 'a', T5G_NODE_RETURN)},
                               2));
    uint32_t start = t5g_node_call(a, rule, T5G_NODE_RETURN);
    (void)state;
    assert_int_equal(t5g_automaton_finish(a, start, &e), 0);
    struct t5g_constraint *c = t5g_constraint_open(a, tokenizer, &tiny.m->config, &e);
    struct judge j = {nest_matches, NULL, "brackets"};
    for (int i = 0; i < 5; i++)
        walk(c, &j, STEPS, true);
    int32_t ids[T5G_CALLS_MAX];
    struct t5g_place at = {0};
    for (size_t i = 0; i < T5G_CALLS_MAX; i++)
        ids[i] = id_of('(');
    assert_true(t5g_allowed_has(t5g_constraint_allowed(c, &at, ids, T5G_CALLS_MAX - 2), ids[0]));
    const struct t5g_allowed *last = t5g_constraint_allowed(c, &at, ids, T5G_CALLS_MAX - 1);
    assert_false(t5g_allowed_has(last, ids[0]));
    assert_true(t5g_allowed_has(last, id_of('a')));
    t5g_constraint_close(c);
    /* Nothing ends. */
    a = t5g_automaton_open();
    rule = t5g_rule_new(a);
    t5g_rule_set(a, rule, t5g_node_byte(a, '(', t5g_node_call(a, rule, T5G_NODE_RETURN)));
    start = t5g_node_call(a, rule, T5G_NODE_RETURN);
    assert_int_equal(t5g_automaton_finish(a, start, &e), -1);
    assert_string_equal(e.msg, "no text matches it");
    t5g_automaton_close(a);
}

/* ---- JSON strings ---- */

/* Whole: a JSON string with two of a, quote, U+00E9, U+1F600 side by side. */
static bool
string_matches(const void *arg, const struct t5g_buf *text, bool *whole)
{
    static const uint32_t set[] = {'a', '"', 0xe9, 0x1f600};
    struct t5g_json *v = t5g_json_parse(text->p != NULL ? text->p : "", text->n, "s", NULL);
    size_t side = 0;
    (void)arg;
    *whole = false;
    if (v == NULL)
        return true;
    const unsigned char *s = (const unsigned char *)t5g_json_str(v);
    while (*s != 0) {
        uint32_t c = t5g_utf8_next(&s);
        bool in_set = false;
        for (size_t i = 0; i < T5G_LEN(set); i++)
            in_set = in_set || set[i] == c;
        side = in_set ? side + 1 : 0;
        *whole = *whole || side >= 2;
    }
    t5g_json_free(v);
    return true;
}

static void
test_json_pattern(void **state)
{
    static const char re[] = "[a\"é]{2}|[\\u{1F600}é\"a]{2}";
    struct t5g_err e = {0};
    (void)state;
    struct t5g_automaton *a = t5g_automaton_open();
    struct t5g_regex *r = t5g_regex_parse(re, strlen(re), T5G_EX_DATA, &e);
    uint32_t end = t5g_regex_json_node(a, r, t5g_node_text(a, "\"", 1, T5G_NODE_RETURN));
    assert_int_equal(t5g_automaton_finish(a, t5g_node_text(a, "\"", 1, end), &e), 0);
    t5g_regex_free(r);
    struct t5g_constraint *c = t5g_constraint_open(a, tokenizer, &tiny.m->config, &e);
    struct judge j = {string_matches, NULL, "string"};
    for (size_t i = 0, n = cases(300); i < n; i++)
        walk(c, &j, LONG_WALK, false);
    t5g_constraint_close(c);
}

/* ---- lists ---- */

struct list {
    struct t5g_word word[24];
    size_t n;
};

static bool
list_matches(const void *arg, const struct t5g_buf *text, bool *whole)
{
    const struct list *l = arg;
    bool begins = false;
    *whole = false;
    for (size_t i = 0; i < l->n; i++) {
        if (l->word[i].n < text->n || (text->n > 0 && memcmp(l->word[i].p, text->p, text->n) != 0))
            continue;
        begins = true;
        *whole = *whole || l->word[i].n == text->n;
    }
    return begins;
}

static void
test_choices(void **state)
{
    static const char *const parts[] = {"yes", "no", "y", " ", "é", "水", "\0", "ive", "tion"};
    (void)state;
    for (size_t i = 0, n = cases(100); i < n; i++) {
        struct list l = {.n = 1 + draw(24)};
        struct t5g_err e = {0};
        for (size_t k = 0; k < l.n;) {
            struct t5g_buf b = {0};
            bool whole;
            for (uint32_t left = 1 + draw(4); left > 0; left--) {
                const char *part = parts[draw(T5G_LEN(parts))];
                t5g_buf_add(&b, part, strlen(part) + (part[0] == 0));
            }
            if (l.n - k > 6 && draw(2) == 0) /* one that many begin with */
                t5g_buf_adds(&b, "tion");
            struct list before = {.n = k};
            memcpy(before.word, l.word, sizeof before.word);
            if (list_matches(&before, &b, &whole) && whole) {
                t5g_buf_free(&b);
                l.n--;
                continue;
            }
            l.word[k++] = (struct t5g_word){b.p, b.n};
        }
        struct t5g_automaton *a = t5g_choices_automaton(l.word, l.n, &e);
        assert_non_null(a);
        struct t5g_constraint *c = t5g_constraint_open(a, tokenizer, &tiny.m->config, &e);
        assert_non_null(c);
        struct judge j = {list_matches, &l, "choices"};
        for (size_t k = 0; k < 2; k++)
            walk(c, &j, STEPS, k == 0);
        t5g_constraint_close(c);
        for (size_t k = 0; k < l.n; k++)
            t5g_free((void *)(uintptr_t)l.word[k].p);
    }
}

static void
refuse_choices(const struct t5g_word *words, size_t n, const char *says)
{
    struct t5g_err e = {0};
    assert_null(t5g_choices_automaton(words, n, &e));
    assert_string_equal(e.msg, says);
    assert_int_equal(e.code, T5G_EX_DATA);
}

static void
test_bad_choices(void **state)
{
    static const struct t5g_word equal[] = {{"b", 1}, {"a\0b", 3}, {"c", 1}, {"a\0b", 3}};
    static const struct t5g_word empty[] = {{"b", 1}, {"", 0}}, raw[] = {{"\xff", 1}};
    (void)state;
    refuse_choices(equal, 4, "choices 2 and 4 are equal");
    refuse_choices(empty, 2, "choice 2 is empty");
    refuse_choices(raw, 1, "choice 1 is not UTF-8");
    refuse_choices(raw, 0, "no choices");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_calls),
        cmocka_unit_test(test_json_pattern),
        cmocka_unit_test(test_choices),
        cmocka_unit_test(test_bad_choices),
    };
    return cmocka_run_group_tests(tests, open_tiny, close_tiny);
}
