/*
 * test_constraint.c: what a constraint allows, against a matcher of the test's own: random regular
 * expressions as trees, which are printed for the library and simulated here over code points, by
 * the sets of places where a text may be (Glushkov). At each step of a random walk, every id of the
 * vocabulary is appended and its text tried.
 */
#include "base/utf8.h"
#include "constrained.h"
#include "generate/regex.h"

enum { PLACES = 512, STEPS = 14, STEPS_MAX = 160 };

/* ---- expressions ---- */

struct atom {
    const char *text; /* as printed */
    size_t n;
    struct t5g_range range[14]; /* of code points, ascending */
};

static const struct atom atoms[] = {
    {"a", 1, {{'a', 'a'}}},
    {"b", 1, {{'b', 'b'}}},
    {" ", 1, {{' ', ' '}}},
    {"\\{", 1, {{'{', '{'}}},
    {"é", 1, {{0xe9, 0xe9}}},
    {"水", 1, {{0x6c34, 0x6c34}}},
    {"\\u{1F600}", 1, {{0x1f600, 0x1f600}}},
    {"\\n", 1, {{10, 10}}},
    {"[a-cx]", 2, {{'a', 'c'}, {'x', 'x'}}},
    {"[^a]", 3, {{0, 'a' - 1}, {'b', 0xd7ff}, {0xe000, 0x10ffff}}},
    {"[^\\s\"\\\\]",
     14,
     {{0, 8},
      {14, 31},
      {33, 33},
      {35, 91},
      {93, 0x9f},
      {0xa1, 0x167f},
      {0x1681, 0x1fff},
      {0x200b, 0x2027},
      {0x202a, 0x202e},
      {0x2030, 0x205e},
      {0x2060, 0x2fff},
      {0x3001, 0xd7ff},
      {0xe000, 0xfefe},
      {0xff00, 0x10ffff}}},
    {".", 5, {{0, 9}, {11, 12}, {14, 0x2027}, {0x202a, 0xd7ff}, {0xe000, 0x10ffff}}},
    {"\\d", 1, {{'0', '9'}}},
    {"\\w", 4, {{'0', '9'}, {'A', 'Z'}, {'_', '_'}, {'a', 'z'}}},
    {"\\W", 6, {{0, '/'}, {':', '@'}, {'[', '^'}, {'`', '`'}, {'{', 0xd7ff}, {0xe000, 0x10ffff}}},
    {"[\\u0080-\\u07ff]", 1, {{0x80, 0x7ff}}},
    {"[α-ωЀ-ӿ一-鿿]", 3, {{0x3b1, 0x3c9}, {0x400, 0x4ff}, {0x4e00, 0x9fff}}},
    {"[^ -~]", 3, {{0, 31}, {127, 0xd7ff}, {0xe000, 0x10ffff}}},
};

enum kind { ATOM, CAT, ALT, REPEAT };

struct tree {
    enum kind kind;
    const struct atom *atom;
    struct tree *kid[3];
    size_t n;     /* kids */
    int min, max; /* REPEAT; max -1: no limit */
};

static void
tree_free(struct tree *x)
{
    for (size_t i = 0; i < x->n; i++)
        tree_free(x->kid[i]);
    t5g_free(x);
}

static struct tree *
grow(unsigned depth)
{
    struct tree *x = t5g_alloc(1, sizeof *x);
    uint32_t what = depth == 0 ? 0 : draw(5);
    if (what <= 1) {
        x->kind = ATOM;
        x->atom = &atoms[draw(T5G_LEN(atoms))];
    } else if (what == 4) {
        static const int counts[][2] = {{0, -1}, {1, -1}, {0, 1}, {2, 2}, {0, 3}, {1, 3}, {2, -1}};
        const int *c = counts[draw(T5G_LEN(counts))];
        x->kind = REPEAT;
        x->min = c[0];
        x->max = c[1];
        x->kid[x->n++] = grow(depth - 1);
    } else {
        x->kind = what == 2 ? CAT : ALT;
        for (uint32_t n = 1 + draw(3); n > 0; n--)
            x->kid[x->n++] = grow(depth - 1);
    }
    return x;
}

static void
print(struct t5g_buf *b, const struct tree *x)
{
    bool group = x->kind != ATOM;
    t5g_buf_adds(b, x->kind == ATOM ? x->atom->text : draw(2) ? "(" : "(?:");
    for (size_t i = 0; i < x->n; i++) {
        if (i > 0 && x->kind == ALT)
            t5g_buf_addc(b, '|');
        print(b, x->kid[i]);
    }
    if (x->kind == REPEAT && x->max == 1 && draw(2))
        t5g_buf_addc(b, '?');
    else if (x->kind == REPEAT && x->max < 0 && x->min < 2 && draw(2))
        t5g_buf_addc(b, x->min == 0 ? '*' : '+');
    else if (x->kind == REPEAT && x->min == x->max)
        t5g_buf_printf(b, "{%d}", x->min);
    else if (x->kind == REPEAT && x->max < 0)
        t5g_buf_printf(b, "{%d,}", x->min);
    else if (x->kind == REPEAT)
        t5g_buf_printf(b, "{%d,%d}", x->min, x->max);
    if (group)
        t5g_buf_addc(b, ')');
}

/* ---- their simulation ---- */

struct set {
    uint64_t w[PLACES / 64];
};

struct machine {
    const struct atom *atom[PLACES];
    struct set follow[PLACES], last;
    size_t n; /* place 0 is the beginning */
    bool too_large;
};

struct ends {
    struct set first, last;
    bool empty;
};

static void
put(struct set *s, size_t i)
{
    s->w[i / 64] |= (uint64_t)1 << i % 64;
}

static bool
in(const struct set *s, size_t i)
{
    return s->w[i / 64] >> i % 64 & 1;
}

static void
join(struct set *to, const struct set *from)
{
    for (size_t i = 0; i < PLACES / 64; i++)
        to->w[i] |= from->w[i];
}

static void
link_all(struct machine *m, const struct set *from, const struct set *to)
{
    for (size_t i = 0; i < m->n; i++)
        if (in(from, i))
            join(&m->follow[i], to);
}

static struct ends
then(struct machine *m, struct ends a, struct ends b)
{
    struct ends e = {.empty = a.empty && b.empty};
    link_all(m, &a.last, &b.first);
    e.first = a.first;
    e.last = b.last;
    if (a.empty)
        join(&e.first, &b.first);
    if (b.empty)
        join(&e.last, &a.last);
    return e;
}

static struct ends
place(struct machine *m, const struct tree *x)
{
    struct ends e = {0};
    if (m->n == PLACES) {
        m->too_large = true;
        return e;
    }
    if (x->kind == ATOM) {
        m->atom[m->n] = x->atom;
        put(&e.first, m->n);
        put(&e.last, m->n++);
        return e;
    }
    e.empty = x->kind != ALT;
    for (size_t i = 0; i < x->n && x->kind != REPEAT; i++) {
        struct ends k = place(m, x->kid[i]);
        if (x->kind == CAT) {
            e = then(m, e, k);
        } else {
            join(&e.first, &k.first);
            join(&e.last, &k.last);
            e.empty = e.empty || k.empty;
        }
    }
    for (int i = 0; x->kind == REPEAT && i < (x->max < 0 ? x->min + 1 : x->max); i++) {
        struct ends k = place(m, x->kid[0]);
        if (x->max < 0 && i == x->min)
            link_all(m, &k.last, &k.first);
        k.empty = k.empty || i >= x->min;
        e = then(m, e, k);
    }
    return e;
}

static bool
build(struct machine *m, const struct tree *x)
{
    *m = (struct machine){.n = 1};
    struct ends e = place(m, x);
    m->follow[0] = e.first;
    m->last = e.last;
    if (e.empty)
        put(&m->last, 0);
    return !m->too_large;
}

/* Whether an atom has a character of lo..hi. */
static bool
meets(const struct atom *a, uint32_t lo, uint32_t hi)
{
    for (size_t i = 0; i < a->n; i++)
        if (a->range[i].lo <= hi && a->range[i].hi >= lo)
            return true;
    return false;
}

static struct set
step(const struct machine *m, const struct set *at, uint32_t lo, uint32_t hi)
{
    struct set to = {0};
    for (size_t i = 0; i < m->n; i++)
        if (in(at, i))
            join(&to, &m->follow[i]);
    for (size_t i = 1; i < m->n; i++)
        if (in(&to, i) && !meets(m->atom[i], lo, hi))
            to.w[i / 64] &= ~((uint64_t)1 << i % 64);
    return to;
}

static bool
any(const struct set *s)
{
    for (size_t i = 0; i < PLACES / 64; i++)
        if (s->w[i] != 0)
            return true;
    return false;
}

/* Whether text may be the beginning of a match; *whole: it is one. */
static bool
matches(const struct machine *m, const struct t5g_buf *text, bool *whole)
{
    struct set at = {0};
    const unsigned char *s = (const unsigned char *)text->p;
    put(&at, 0);
    *whole = false;
    for (size_t i = 0, len; i < text->n && any(&at); i += len) {
        uint32_t lo, hi;
        len = t5g_utf8_len(s + i, text->n - i, NULL);
        if (len == 0) {
            if (text->n - i > 3 || !begins_character(s + i, text->n - i, &lo, &hi))
                return false;
            at = step(m, &at, lo, hi);
            return any(&at);
        }
        lo = hi = t5g_utf8_decode(s + i, len);
        at = step(m, &at, lo, hi);
    }
    for (size_t i = 0; i < m->n; i++)
        *whole = *whole || (in(&at, i) && in(&m->last, i));
    return any(&at);
}

static struct t5g_constraint *
constraint_of(const char *regex, size_t n)
{
    struct t5g_err e = {0};
    struct t5g_regex *r = t5g_regex_parse(regex, n, T5G_EX_USAGE, &e);
    struct t5g_automaton *a = t5g_automaton_open();
    if (r == NULL || t5g_automaton_finish(a, t5g_regex_node(a, r, T5G_NODE_RETURN), &e) < 0)
        fail_msg("%s: %s", regex, e.msg);
    struct t5g_constraint *c = t5g_constraint_open(a, tokenizer, &tiny.m->config, &e);
    if (c == NULL)
        fail_msg("%s: %s", regex, e.msg);
    t5g_regex_free(r);
    return c;
}

static bool
machine_matches(const void *arg, const struct t5g_buf *text, bool *whole)
{
    return matches(arg, text, whole);
}

static void
test_regexes(void **state)
{
    struct machine *m = t5g_alloc(1, sizeof *m);
    (void)state;
    for (size_t i = 0, n = cases(150); i < n;) {
        struct t5g_buf re = {0};
        struct tree *x = grow(4);
        print(&re, x);
        if (build(m, x)) {
            struct t5g_constraint *c = constraint_of(re.p, re.n);
            struct judge j = {machine_matches, m, re.p};
            for (size_t k = 0; k < 3; k++)
                walk(c, &j, STEPS, k == 0);
            t5g_constraint_close(c);
            i++;
        }
        tree_free(x);
        t5g_buf_free(&re);
    }
    t5g_free(m);
}

/* Counts that are far from their limits, near them, and between. */
static void
test_counts(void **state)
{
    struct machine *m = t5g_alloc(1, sizeof *m);
    (void)state;
    for (int i = 0; i < 6; i++) {
        struct tree letter = {.kind = ATOM, .atom = &atoms[13]};
        struct tree space = {.kind = ATOM, .atom = &atoms[2]};
        struct tree maybe = {.kind = REPEAT, .kid = {&space}, .n = 1, .max = 1};
        struct tree pair = {.kind = CAT, .kid = {&letter, &maybe}, .n = 2};
        struct tree many = {.kind = REPEAT, .kid = {&pair}, .n = 1};
        many.min = i == 0 ? 0 : 20 + (int)draw(60);
        many.max = i == 1 ? -1 : many.min + (i == 2 ? 0 : (int)draw(60));
        struct tree end = {.kind = ATOM, .atom = &atoms[3]};
        struct tree x = {.kind = CAT, .kid = {&many, &end}, .n = 2};
        struct t5g_buf re = {0};
        print(&re, &x);
        assert_true(build(m, &x));
        struct t5g_constraint *c = constraint_of(re.p, re.n);
        struct judge j = {machine_matches, m, re.p};
        walk(c, &j, STEPS_MAX, true);
        t5g_constraint_close(c);
        t5g_buf_free(&re);
    }
    t5g_free(m);
}

/* ---- what is refused ---- */

static void
test_bad_regexes(void **state)
{
    static const struct {
        const char *regex, *says;
    } bad[] = {
        {"a(b", "byte 1: a group without )"},
        {"a)b", "byte 1: a ) without a group"},
        {"[ab", "byte 3: a class without ]"},
        {"[]", "byte 0: an empty class"},
        {"[b-a]", "byte 1: a range that ends before it begins"},
        {"[a-\\d]", "byte 1: a range needs two characters"},
        {"[[:alpha:]]", "byte 1: classes with a name, such as [:alpha:], are not supported; for "
                        "the character write \\["},
        {"*a", "byte 0: nothing to repeat"},
        {"a**", "byte 2: nothing to repeat"},
        {"a*?", "byte 2: lazy quantifiers are not supported (what matches is the same without ?)"},
        {"a++", "byte 2: possessive quantifiers are not supported"},
        {"a{3,2}", "byte 1: the second count is below the first"},
        {"a{1000001}", "byte 2: counts go up to 1000000"},
        {"a{", "byte 2: expected {N}, {N,} or {N,M}; for the character write \\{"},
        {"a{1,2", "byte 1: expected {N}, {N,} or {N,M}; for the character write \\{"},
        {"{", "byte 0: {, } and ] stand for themselves only after a backslash"},
        {"(a)\\1", "byte 3: \\1: back-references are not supported"},
        {"\\bx", "byte 0: \\b: word boundaries are not supported"},
        {"\\p{L}", "byte 0: \\p: Unicode properties are not supported"},
        {"\\q", "byte 0: \\q: this escape is not supported"},
        {"\\Ax", "byte 0: \\A: other anchors than ^ and $ are not supported"},
        {"\\", "byte 0: a backslash at the end"},
        {"\\x1", "byte 0: \\x: expected two hex digits"},
        {"\\u12", "byte 0: \\u: expected four hex digits, or {...} up to 10FFFF"},
        {"\\ud800", "byte 0: \\u: a surrogate is not a character: write \\u{...}"},
        {"\\01", "byte 0: octal escapes are not supported"},
        {"a^b", "byte 1: ^ is supported at the beginning only; for the character write \\^"},
        {"(^a)", "byte 1: ^ is supported at the beginning only; for the character write \\^"},
        {"a$b", "byte 1: $ is supported at the end only; for the character write \\$"},
        {"(?=a)", "byte 0: (?=: lookahead: not supported"},
        {"(?<!a)", "byte 0: (?<!: lookbehind: not supported"},
        {"(?<n>a)", "byte 0: (?<: groups with a name: not supported"},
        {"(?i)a", "byte 0: (?: flags: not supported"},
        {"a\xff", "byte 1: not UTF-8"},
    };
    (void)state;
    for (size_t i = 0; i < T5G_LEN(bad); i++) {
        struct t5g_err e = {0};
        assert_null(t5g_regex_parse(bad[i].regex, strlen(bad[i].regex), T5G_EX_USAGE, &e));
        assert_string_equal(e.msg, bad[i].says);
        assert_int_equal(e.code, T5G_EX_USAGE);
    }
    struct t5g_err e = {0};
    struct t5g_buf deep = {0};
    for (int i = 0; i < 10000; i++)
        t5g_buf_addc(&deep, '(');
    assert_null(t5g_regex_parse(deep.p, deep.n, T5G_EX_USAGE, &e));
    assert_string_equal(e.msg, "byte 200: groups nest more than 200 deep");
    t5g_buf_free(&deep);
    struct t5g_automaton *a = t5g_automaton_open();
    struct t5g_regex *none = t5g_regex_parse("a[^\\s\\S]", 8, T5G_EX_USAGE, &e);
    assert_int_equal(t5g_automaton_finish(a, t5g_regex_node(a, none, T5G_NODE_RETURN), &e), -1);
    assert_string_equal(e.msg, "no text matches it");
    t5g_regex_free(none);
    t5g_automaton_close(a);
}

/* Expressions that are simple to write and hard to read: a message at worst. */
static void
test_hard_regexes(void **state)
{
    static const char *const hard[] = {"(a?){0,1000000}b",    "(a*)*(b*)*c",
                                       "((a|b)*a(a|b){12})+", "(.{0,1000}){1000}",
                                       "(a{1000}){1000}",     "(x+x+)+y"};
    (void)state;
    for (size_t i = 0; i < T5G_LEN(hard); i++) {
        struct t5g_constraint *c = constraint_of(hard[i], strlen(hard[i]));
        struct t5g_place at = {0};
        int32_t ids[STEPS];
        for (size_t n = 0; n < STEPS; n++) {
            const struct t5g_allowed *a = t5g_constraint_allowed(c, &at, ids, n);
            struct t5g_err e = {0};
            if (a->n == 0) {
                t5g_constraint_forbids(a, n + 1, &e);
                assert_non_null(strstr(e.msg, "the constraint leaves too many ways to read"));
                break;
            }
            for (ids[n] = 2; !t5g_allowed_has(a, ids[n]);)
                ids[n]++;
        }
        t5g_constraint_close(c);
    }
}

/* ---- generation ---- */

static void
test_generation(void **state)
{
    struct machine *m = t5g_alloc(1, sizeof *m);
    (void)state;
    jobs_open();
    for (size_t i = 0, n = cases(20) / 10 + 10; i < n;) {
        struct t5g_buf re = {0};
        struct tree *x = grow(5);
        print(&re, x);
        if (x->kind != ATOM && build(m, x)) {
            struct t5g_constraint *c = constraint_of(re.p, re.n);
            check_generation(c, &(struct judge){machine_matches, m, re.p});
            t5g_constraint_close(c);
            i++;
        }
        tree_free(x);
        t5g_buf_free(&re);
    }
    jobs_close();
    t5g_free(m);
}

/* With other options that forbid what the constraint allows, a document fails, and says so. */
static void
test_conflict(void **state)
{
    struct gd_case document = gd_case_open("tiny", "hello");
    struct t5g_cross *cross = t5g_cross_build(tiny.dec, document.encoder.f, document.n, T5G_F32);
    struct t5g_generate_options o = t5g_generate_defaults;
    (void)state;
    o.constraint = constraint_of("ab", 2);
    o.min_new_tokens = 9;
    for (int way = 0; way < 3; way++) {
        struct t5g_job job = {.cross = cross}, *jobs = &job;
        o.logprobs = way > 0;
        o.num_beams = way > 1 ? 2 : 1;
        struct t5g_generator *gen = t5g_generator_open(tiny.dec, tiny.m, &o);
        t5g_generate(gen, &jobs, 1);
        t5g_generator_close(gen);
        assert_int_equal(job.err.code, T5G_EX_DATA);
        assert_non_null(strstr(job.err.msg, "what the constraint allows is forbidden by other"));
        t5g_sequence_free(&job.out);
    }
    t5g_constraint_close(o.constraint);
    t5g_cross_free(cross);
    gd_case_close(&document);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_regexes),     cmocka_unit_test(test_counts),
        cmocka_unit_test(test_bad_regexes), cmocka_unit_test(test_hard_regexes),
        cmocka_unit_test(test_generation),  cmocka_unit_test(test_conflict),
    };
    return cmocka_run_group_tests(tests, open_tiny, close_tiny);
}
