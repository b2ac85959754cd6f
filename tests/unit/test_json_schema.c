/*
 * test_json_schema.c: random schemas as trees, printed for the library, and texts matched against
 * the trees here: by the sets of places where a value may end, and whether the text ends within
 * one.
 */
#include "base/json.h"
#include "base/utf8.h"
#include "constrained.h"
#include "generate/json_schema.h"

#include <stdlib.h>

enum { STEPS = 24, KIDS = 4, DEFINITIONS = 2 };

enum kind {
    STRING,
    LETTERS,
    WHOLE,
    NUMBER,
    BOOLEAN,
    NOTHING,
    VALUES,
    ARRAY,
    OBJECT,
    ANY,
    REF,
    KINDS
};

struct shape {
    enum kind kind;
    int64_t min, max; /* of STRING, LETTERS, WHOLE, ARRAY; max -1: none; WHOLE: none at LIMIT */
    struct shape *kid[KIDS];
    const char *name[KIDS]; /* of OBJECT's members, as JSON */
    bool must[KIDS];
    const char *value[KIDS]; /* VALUES, as JSON */
    size_t n, ref;
};

#define LIMIT INT64_C(99999999999999999)

static struct shape *definition[DEFINITIONS];

/* ---- making them ---- */

static const char *const values[] = {"null",      "true",       "0",        "-1.5",
                                     "\"\"",      "\"a\"",      "\"tion\"", "\"\\\"q\\\\\\n\"",
                                     "[1,\"a\"]", "{\"a\":{}}", "\"é水\"",  "12"};
static const char *const names[] = {"a", "the", "\"q\"", "é", "in", "\\"};
static const char *const names_json[] = {"\"a\"", "\"the\"", "\"\\\"q\\\"\"",
                                         "\"é\"", "\"in\"",  "\"\\\\\""};

static struct shape *
shape_new(enum kind kind)
{
    struct shape *x = t5g_alloc(1, sizeof *x);
    x->kind = kind;
    x->max = -1;
    return x;
}

static void
shape_free(struct shape *x)
{
    if (x->kind == ARRAY || x->kind == OBJECT || x->kind == ANY)
        for (size_t i = 0; i < x->n; i++)
            shape_free(x->kid[i]);
    t5g_free(x);
}

static int64_t
some_number(void)
{
    static const uint32_t sizes[] = {10, 200, 30000, 1000000000};
    int64_t n = (int64_t)draw(sizes[draw(T5G_LEN(sizes))]);
    return draw(2) ? n : -n;
}

/* maybe: it may be left out, so it may be recursive. */
static struct shape *
grow(unsigned depth, bool maybe)
{
    enum kind kind = (enum kind)draw(depth == 0 ? ARRAY : KINDS);
    if (kind == REF && !maybe)
        kind = VALUES;
    struct shape *x = shape_new(kind);
    if (kind == STRING || kind == LETTERS || kind == ARRAY) {
        x->min = draw(2) ? 0 : (int64_t)draw(3);
        x->max = draw(2) ? -1 : x->min + (int64_t)draw(3);
    }
    if (kind == WHOLE) {
        x->min = draw(3) ? some_number() : -LIMIT;
        x->max = draw(3) ? some_number() : LIMIT;
        if (x->min > x->max) {
            int64_t swap = x->min;
            x->min = x->max;
            x->max = swap;
        }
    }
    if (kind == VALUES || kind == ANY || kind == OBJECT)
        x->n = kind == OBJECT ? draw(KIDS + 1) : 1 + draw(KIDS);
    if (kind == ARRAY)
        x->n = 1;
    uint32_t first = draw(T5G_LEN(names));
    for (size_t i = 0; i < x->n; i++) {
        x->value[i] = values[draw(T5G_LEN(values))];
        x->name[i] = names[(first + i) % T5G_LEN(names)];
        x->must[i] = draw(2);
        if (kind == ANY || kind == OBJECT || kind == ARRAY)
            x->kid[i] =
                grow(depth - 1, (kind == OBJECT && !x->must[i]) || (kind == ARRAY && x->min == 0));
    }
    x->ref = draw(DEFINITIONS);
    return x;
}

/* ---- printing them ---- */

static const char *
name_json(const char *name)
{
    for (size_t i = 0;; i++)
        if (strcmp(names[i], name) == 0)
            return names_json[i];
}

static void print(struct t5g_buf *b, const struct shape *x);

static void
limits(struct t5g_buf *b, const struct shape *x, const char *what)
{
    if (x->min > 0 || draw(4) == 0)
        t5g_buf_printf(b, ",\"min%s\":%d", what, (int)x->min);
    if (x->max >= 0)
        t5g_buf_printf(b, ",\"max%s\":%d", what, (int)x->max);
}

static void
print_whole(struct t5g_buf *b, const struct shape *x)
{
    t5g_buf_adds(b, "\"type\":\"integer\"");
    if (x->min > -LIMIT && draw(2))
        t5g_buf_printf(b, ",\"minimum\":%lld", (long long)x->min);
    else if (x->min > -LIMIT)
        t5g_buf_printf(b, ",\"exclusiveMinimum\":%lld", (long long)x->min - 1);
    if (x->max < LIMIT && draw(2))
        t5g_buf_printf(b, ",\"maximum\":%lld%s", (long long)x->max, x->max < 0 ? "" : ".5");
    else if (x->max < LIMIT)
        t5g_buf_printf(b, ",\"exclusiveMaximum\":%lld", (long long)x->max + 1);
}

static void
print_object(struct t5g_buf *b, const struct shape *x)
{
    size_t musts = 0;
    t5g_buf_adds(b, "\"type\":\"object\",\"properties\":{");
    for (size_t i = 0; i < x->n; i++) {
        t5g_buf_printf(b, "%s%s:", i > 0 ? "," : "", name_json(x->name[i]));
        print(b, x->kid[i]);
    }
    t5g_buf_adds(b, "},\"required\":[");
    for (size_t i = x->n; i-- > 0;)
        if (x->must[i])
            t5g_buf_printf(b, "%s%s", musts++ > 0 ? "," : "", name_json(x->name[i]));
    t5g_buf_adds(b, "],\"additionalProperties\":false");
}

static void
print(struct t5g_buf *b, const struct shape *x)
{
    static const char *const plain[] = {[NUMBER] = "\"type\":\"number\"",
                                        [BOOLEAN] = "\"type\":\"boolean\",\"title\":\"b\"",
                                        [NOTHING] = "\"type\":[\"null\"]"};
    t5g_buf_addc(b, '{');
    if (x->kind == STRING) {
        t5g_buf_adds(b, "\"type\":\"string\"");
        limits(b, x, "Length");
    } else if (x->kind == LETTERS && draw(2)) {
        t5g_buf_adds(b, "\"type\":\"string\",\"pattern\":\"^(?:[a-d]{2}|[ad]|[bc])*$\"");
        limits(b, x, "Length");
    } else if (x->kind == LETTERS) {
        t5g_buf_printf(b, "\"type\":\"string\",\"pattern\":\"^[a-d]{%d,", (int)x->min);
        if (x->max >= 0)
            t5g_buf_printf(b, "%d", (int)x->max);
        t5g_buf_adds(b, "}$\"");
    } else if (x->kind == WHOLE) {
        print_whole(b, x);
    } else if (x->kind == VALUES) {
        t5g_buf_adds(b, "\"enum\":[");
        for (size_t i = 0; i < x->n; i++)
            t5g_buf_printf(b, "%s%s", i > 0 ? "," : "", x->value[i]);
        t5g_buf_addc(b, ']');
    } else if (x->kind == ARRAY) {
        t5g_buf_adds(b, "\"type\":\"array\",\"items\":");
        print(b, x->kid[0]);
        limits(b, x, "Items");
    } else if (x->kind == OBJECT) {
        print_object(b, x);
    } else if (x->kind == ANY) {
        t5g_buf_adds(b, "\"anyOf\":[");
        for (size_t i = 0; i < x->n; i++) {
            t5g_buf_adds(b, i > 0 ? "," : "");
            print(b, x->kid[i]);
        }
        t5g_buf_addc(b, ']');
    } else if (x->kind == REF) {
        t5g_buf_printf(b, "\"$ref\":\"#/$defs/d~1%zu\",\"description\":\"\"", x->ref);
    } else {
        t5g_buf_adds(b, plain[x->kind]);
    }
    t5g_buf_addc(b, '}');
}

/* ---- matching texts ---- */

enum { TEXT_MAX = 2000 };

static const char *text;
static size_t n_text;
static bool live; /* the text ends where more may follow */

struct ends {
    bool at[TEXT_MAX + 1];
};

static void match(const struct shape *x, size_t at, struct ends *out);

static void
match_literal(const char *s, size_t n, size_t at, struct ends *out)
{
    size_t have = t5g_min(n, n_text - at);
    if (have > 0 && memcmp(text + at, s, have) != 0)
        return;
    live = live || have < n;
    if (have == n)
        out->at[at + n] = true;
}

static int
hex(char c)
{
    static const char all[] = "0123456789abcdef0123456789ABCDEF";
    const char *p = c != 0 ? strchr(all, c) : NULL;
    return p != NULL ? (int)(p - all) % 16 : -1;
}

/* Four hex digits behind \u at `at`, in lo..hi: what follows them; 0: none, or the text ends. */
static size_t
code_unit(size_t at, long lo, long hi, long *unit)
{
    long v = 0;
    for (size_t i = 0; i < 6; i++) {
        if (at + i == n_text) { /* some unit that begins with these digits? */
            long width = i < 3 ? 0x10000 : 1L << 4 * (6 - i);
            live = live || (v * width <= hi && v * width + width - 1 >= lo);
            return 0;
        }
        if (i < 2 && text[at + i] != "\\u"[i])
            return 0;
        if (i >= 2 && hex(text[at + i]) < 0)
            return 0;
        if (i >= 2)
            v = v * 16 + hex(text[at + i]);
    }
    *unit = v;
    return v >= lo && v <= hi ? at + 6 : 0;
}

/* What follows a character of a string; 0 as above. With `letters`, only a to d. */
static size_t
character(size_t at, bool letters)
{
    long unit, low;
    if (at == n_text) {
        live = true;
        return 0;
    }
    const unsigned char *s = (const unsigned char *)text + at;
    if (*s == '\\' && at + 1 == n_text) {
        live = true;
        return 0;
    }
    if (*s == '\\' && s[1] != 'u')
        return !letters && s[1] != 0 && strchr("\"\\/bfnrt", s[1]) != NULL ? at + 2 : 0;
    if (*s == '\\' && letters)
        return code_unit(at, 'a', 'd', &unit);
    if (*s == '\\') {
        bool was = live;
        size_t next = code_unit(at, 0, 0xffff, &unit);
        if (next == 0 && live && !was) { /* not by digits of a second half alone */
            live = false;
            code_unit(at, 0, 0xdbff, &unit);
            code_unit(at, 0xe000, 0xffff, &unit);
        }
        if (next == 0 || unit < 0xd800 || unit > 0xdfff)
            return next;
        return unit <= 0xdbff ? code_unit(next, 0xdc00, 0xdfff, &low) : 0;
    }
    if (*s < 0x20 || *s == '"' || (letters && (*s < 'a' || *s > 'd')))
        return 0;
    size_t len = t5g_utf8_len(s, n_text - at, NULL);
    uint32_t lo, hi;
    if (len == 0)
        live = live || (n_text - at < 4 && begins_character(s, n_text - at, &lo, &hi));
    return len > 0 ? at + len : 0;
}

static void
match_string(const struct shape *x, size_t at, struct ends *out)
{
    if (at == n_text)
        live = true;
    if (at == n_text || text[at] != '"')
        return;
    at++;
    for (int64_t n = 0;; n++) {
        if (at < n_text && text[at] == '"') {
            if (n >= x->min)
                out->at[at + 1] = true;
            return;
        }
        if (n == x->max) {
            live = live || at == n_text;
            return;
        }
        if ((at = character(at, x->kind == LETTERS)) == 0)
            return;
    }
}

static void
match_whole(const struct shape *x, size_t at, struct ends *out)
{
    bool minus = at < n_text && text[at] == '-';
    int64_t lo = minus ? -x->max : x->min, hi = minus ? -x->min : x->max, v = 0;
    lo = lo < (minus ? 1 : 0) ? (minus ? 1 : 0) : lo;
    size_t from = at + minus;
    for (size_t i = from; i <= n_text && lo <= hi; i++) {
        if (i > from && v >= lo && v <= hi)
            out->at[i] = true;
        if (i == n_text) {
            bool more = i == from || v > 0;
            int64_t least = v, most = v;
            for (size_t k = i - from; more && k < 17; k++) {
                least *= 10;
                most = most * 10 + 9;
                live = live || (least <= hi && most >= lo);
            }
            if (at == n_text) /* either sign */
                live = true;
            return;
        }
        if (text[i] < '0' || text[i] > '9' || i - from == 17 || (i > from && v == 0))
            return;
        v = v * 10 + (text[i] - '0');
    }
    live = live || at == n_text;
}

/* Digits from `least` to `most`; what follows all of them in *end, 0 if there are too few. A
 * number may end behind each. */
static void
match_number(size_t at, struct ends *out)
{
    enum { SIGN, FIRST, ZERO, DIGITS, POINT, FRACTION, E, E_SIGN, POWER } s = SIGN;
    size_t digits = 0;
    for (;; at++) {
        int c = at < n_text ? (unsigned char)text[at] : -1;
        bool digit = c >= '0' && c <= '9';
        if (s == ZERO || s == DIGITS || s == FRACTION || s == POWER)
            out->at[at] = true;
        if (c == -1) {
            live = live || s != POWER || digits < 2;
            return;
        }
        if (s == SIGN && c == '-')
            s = FIRST;
        else if (s <= FIRST && digit)
            s = c == '0' ? ZERO : DIGITS, digits = 1;
        else if (s == DIGITS && digit && digits < 17)
            digits++;
        else if ((s == ZERO || s == DIGITS) && c == '.')
            s = POINT;
        else if ((s == POINT || (s == FRACTION && digits < 17)) && digit)
            digits = s == POINT ? 1 : digits + 1, s = FRACTION;
        else if ((s == ZERO || s == DIGITS || s == FRACTION) && (c | 32) == 'e')
            s = E;
        else if (s == E && (c == '+' || c == '-'))
            s = E_SIGN;
        else if ((s == E || s == E_SIGN || (s == POWER && digits < 2)) && digit)
            digits = s == POWER ? digits + 1 : 1, s = POWER;
        else
            return;
    }
}

static void
match_byte(char c, const struct ends *from, struct ends *out)
{
    for (size_t i = 0; i <= n_text; i++)
        if (from->at[i])
            match_literal(&c, 1, i, out);
}

static void
match_all(const struct shape *x, const struct ends *from, struct ends *out)
{
    for (size_t i = 0; i <= n_text; i++)
        if (from->at[i])
            match(x, i, out);
}

static void
match_array(const struct shape *x, size_t at, struct ends *out)
{
    struct ends here = {{false}};
    match_literal("[", 1, at, &here);
    if (x->min == 0)
        match_byte(']', &here, out);
    for (int64_t n = 1; x->max < 0 || n <= x->max; n++) {
        struct ends value = {{false}};
        match_all(x->kid[0], &here, &value);
        if (n >= x->min)
            match_byte(']', &value, out);
        here = (struct ends){{false}};
        if (x->max < 0 || n < x->max)
            match_byte(',', &value, &here);
        bool any = false;
        for (size_t i = 0; i <= n_text; i++)
            any = any || here.at[i];
        if (!any)
            return;
    }
}

static void
match_members(const struct shape *x, size_t i, bool begun, const struct ends *from,
              struct ends *out)
{
    if (i == x->n) {
        match_byte('}', from, out);
        return;
    }
    if (!x->must[i])
        match_members(x, i + 1, begun, from, out);
    struct t5g_buf name = {0};
    struct ends named = {{false}}, value = {{false}};
    t5g_buf_printf(&name, "%s%s:", begun ? "," : "", name_json(x->name[i]));
    for (size_t k = 0; k <= n_text; k++)
        if (from->at[k])
            match_literal(name.p, name.n, k, &named);
    t5g_buf_free(&name);
    match_all(x->kid[i], &named, &value);
    bool any = false;
    for (size_t k = 0; k <= n_text; k++)
        any = any || value.at[k];
    if (any)
        match_members(x, i + 1, true, &value, out);
}

static void
match(const struct shape *x, size_t at, struct ends *out)
{
    struct ends here = {{false}};
    switch (x->kind) {
    case STRING:
    case LETTERS:
        match_string(x, at, out);
        return;
    case WHOLE:
        match_whole(x, at, out);
        return;
    case NUMBER:
        match_number(at, out);
        return;
    case BOOLEAN:
        match_literal("true", 4, at, out);
        match_literal("false", 5, at, out);
        return;
    case NOTHING:
        match_literal("null", 4, at, out);
        return;
    case VALUES:
        for (size_t i = 0; i < x->n; i++)
            match_literal(x->value[i], strlen(x->value[i]), at, out);
        return;
    case ARRAY:
        match_array(x, at, out);
        return;
    case OBJECT:
        match_literal("{", 1, at, &here);
        match_members(x, 0, false, &here, out);
        return;
    case ANY:
        for (size_t i = 0; i < x->n; i++)
            match(x->kid[i], at, out);
        return;
    default:
        match(definition[x->ref], at, out);
    }
}

static bool
shape_matches(const void *arg, const struct t5g_buf *b, bool *whole)
{
    struct ends ends = {{false}};
    assert_true(b->n <= TEXT_MAX);
    text = b->n > 0 ? b->p : "";
    n_text = b->n;
    live = false;
    match(arg, 0, &ends);
    *whole = ends.at[n_text];
    return live || *whole;
}

/* ---- tests ---- */

/* A random schema with its definitions: printed, and as a tree, which drop() frees. */
static struct shape *
make(struct t5g_buf *b)
{
    for (size_t k = 0; k < DEFINITIONS; k++)
        definition[k] = grow(2, false);
    struct shape *x = grow(3, false);
    print(b, x);
    b->p[--b->n] = '\0';
    for (size_t k = 0; k < DEFINITIONS; k++) {
        t5g_buf_printf(b, "%s\"d/%zu\":", k > 0 ? "," : ",\"$defs\":{", k);
        print(b, definition[k]);
    }
    t5g_buf_adds(b, "}}");
    return x;
}

static void
drop(struct t5g_buf *b, struct shape *x)
{
    t5g_buf_free(b);
    shape_free(x);
    for (size_t k = 0; k < DEFINITIONS; k++)
        shape_free(definition[k]);
}

static void
test_schemas(void **state)
{
    (void)state;
    for (size_t i = 0, n = cases(150); i < n; i++) {
        struct t5g_buf b = {0};
        struct shape *x = make(&b);
        struct t5g_constraint *c = schema_constraint(b.p);
        struct judge j = {shape_matches, x, b.p};
        for (size_t k = 0; k < 3; k++)
            walk(c, &j, k == 0 ? STEPS : 100, k == 0);
        t5g_constraint_close(c);
        drop(&b, x);
    }
}

static void
test_generation(void **state)
{
    (void)state;
    jobs_open();
    for (size_t i = 0, n = cases(20) / 10 + 8; i < n; i++) {
        struct t5g_buf b = {0};
        struct shape *x = make(&b);
        struct t5g_constraint *c = schema_constraint(b.p);
        check_generation(c, &(struct judge){shape_matches, x, b.p});
        t5g_constraint_close(c);
        drop(&b, x);
    }
    jobs_close();
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_schemas),
        cmocka_unit_test(test_generation),
    };
    return cmocka_run_group_tests(tests, open_tiny, close_tiny);
}
