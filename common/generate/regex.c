/*
 * regex.c: regular expressions to trees, by a recursive parser.
 *
 *   expression = branch { "|" branch }
 *   branch     = [ "^" ] { atom [ quantifier ] } [ "$" ]        ^ and $ outside of groups only
 *   atom       = character | escape | "." | class | "(" expression ")" | "(?:" expression ")"
 */
#include "generate/regex_tree.h"
#include "base/utf8.h"

#include <stdio.h>
#include <string.h>

enum { DEPTH_MAX = 200, COUNT_MAX = 1000000, BYTES_MAX = 16384 };

struct parser {
    const char *text;
    size_t n, at;
    int code, depth;
    struct t5g_regex *r;
    struct t5g_err *e;
};

static struct t5g_regex_node *expression(struct parser *p);

static int
wrong_at(struct parser *p, size_t at, const char *what)
{
    return t5g_err_set(p->e, p->code, "byte %zu: %s", at, what);
}

static int
wrong(struct parser *p, const char *what)
{
    return wrong_at(p, p->at, what);
}

static struct t5g_regex_node *
make(struct parser *p, enum t5g_regex_kind kind)
{
    struct t5g_regex_node *x = t5g_alloc(1, sizeof *x);
    x->kind = kind;
    x->may_be_empty = kind == T5G_RE_CAT;
    x->made = p->r->made;
    p->r->made = x;
    return x;
}

/* Whether text follows; it is skipped then. */
static bool
take(struct parser *p, const char *text)
{
    size_t n = strlen(text);
    if (p->n - p->at < n || memcmp(p->text + p->at, text, n) != 0)
        return false;
    p->at += n;
    return true;
}

static int
peek(const struct parser *p)
{
    return p->at < p->n ? (unsigned char)p->text[p->at] : -1;
}

static uint32_t
character(struct parser *p)
{
    const unsigned char *s = (const unsigned char *)p->text + p->at;
    size_t len = t5g_utf8_len(s, p->n - p->at, NULL);
    p->at += len;
    return t5g_utf8_decode(s, len);
}

/* ---- escapes and classes ---- */

static void
add_named(struct t5g_charset *s, int letter)
{
    static const struct t5g_range space[] = {
        {0x9, 0xd},       {0x20, 0x20},     {0xa0, 0xa0},     {0x1680, 0x1680}, {0x2000, 0x200a},
        {0x2028, 0x2029}, {0x202f, 0x202f}, {0x205f, 0x205f}, {0x3000, 0x3000}, {0xfeff, 0xfeff}};
    struct t5g_charset named = {0};
    int small = letter | 32;
    if (small == 's') {
        for (size_t i = 0; i < T5G_LEN(space); i++)
            t5g_charset_add(&named, space[i].lo, space[i].hi);
    } else {
        t5g_charset_add(&named, '0', '9');
    }
    if (small == 'w') {
        t5g_charset_add(&named, 'A', 'Z');
        t5g_charset_add(&named, '_', '_');
        t5g_charset_add(&named, 'a', 'z');
    }
    if (letter != small)
        t5g_charset_invert(&named);
    for (size_t i = 0; i < named.n; i++)
        t5g_charset_add(s, named.range[i].lo, named.range[i].hi);
    t5g_charset_free(&named);
}

/* min to max hex digits to *c; -1 if there are fewer. */
static int
hex(struct parser *p, int min, int max, uint32_t *c)
{
    int n = 0;
    for (*c = 0; n < max; n++) {
        int d = peek(p);
        if (d >= '0' && d <= '9')
            d -= '0';
        else if ((d | 32) >= 'a' && (d | 32) <= 'f')
            d = (d | 32) - 'a' + 10;
        else
            break;
        *c = *c * 16 + (uint32_t)d;
        p->at++;
    }
    return n < min ? -1 : 0;
}

/* A character that a backslash and a letter mean; 0 and *known false: none. */
static uint32_t
control(int letter, bool *known)
{
    static const char letters[] = "nrtfv", meant[] = "\n\r\t\f\v";
    const char *at = letter > 0 ? strchr(letters, letter) : NULL;
    *known = at != NULL;
    return at != NULL ? (uint32_t)meant[at - letters] : 0;
}

static int
unknown_escape(struct parser *p, size_t at, int letter)
{
    char what[96];
    const char *why = (letter >= '1' && letter <= '9') || letter == 'k' ? "back-references are"
                      : letter == 'b' || letter == 'B'                  ? "word boundaries are"
                      : letter == 'p' || letter == 'P'                  ? "Unicode properties are"
                      : letter == 'A' || letter == 'z' || letter == 'Z'
                          ? "other anchors than ^ and $ are"
                          : "this escape is";
    snprintf(what, sizeof what, "\\%c: %s not supported", letter, why);
    return wrong_at(p, at, what);
}

/*
 * What a backslash begins: *c, a character, or characters added to s, with *many true. -1 with an
 * error.
 */
static int
escape(struct parser *p, struct t5g_charset *s, uint32_t *c, bool *many)
{
    size_t at = p->at++;
    int letter = peek(p);
    bool known;
    *many = false;
    if (letter <= 0)
        return wrong_at(p, at, letter < 0 ? "a backslash at the end" : "a backslash and NUL");
    *c = control(letter, &known);
    if (!known && letter != 'x' && letter != 'u' && letter != '0') {
        if (strchr("dDwWsS", letter) != NULL) {
            add_named(s, letter);
            *many = true;
        } else if (letter >= 0x80 || (letter >= ' ' && letter < 0x7f && letter != '_' &&
                                      !((letter | 32) >= 'a' && (letter | 32) <= 'z') &&
                                      !(letter >= '0' && letter <= '9'))) {
            *c = character(p);
            return 0;
        } else {
            return unknown_escape(p, at, letter);
        }
    }
    p->at++;
    if (letter == '0' && peek(p) >= '0' && peek(p) <= '9')
        return wrong_at(p, at, "octal escapes are not supported");
    if (letter == 'x' && hex(p, 2, 2, c) < 0)
        return wrong_at(p, at, "\\x: expected two hex digits");
    if (letter == 'u') {
        bool braces = take(p, "{");
        if (hex(p, braces ? 1 : 4, braces ? 6 : 4, c) < 0 || (braces && !take(p, "}")) ||
            *c > 0x10ffff)
            return wrong_at(p, at, "\\u: expected four hex digits, or {...} up to 10FFFF");
        if (*c >= 0xd800 && *c <= 0xdfff)
            return wrong_at(p, at, "\\u: a surrogate is not a character: write \\u{...}");
    }
    return 0;
}

/* An element of a class: *c, or with *many characters added to s. */
static int
element(struct parser *p, struct t5g_charset *s, uint32_t *c, bool *many)
{
    *many = false;
    if (peek(p) < 0)
        return wrong(p, "a class without ]");
    if (peek(p) == '\\') {
        if (p->at + 1 < p->n && p->text[p->at + 1] == '-') {
            p->at += 2;
            *c = '-';
            return 0;
        }
        return escape(p, s, c, many);
    }
    if (peek(p) == '[' && p->at + 1 < p->n && strchr(":.=", p->text[p->at + 1]) != NULL &&
        p->text[p->at + 1] != '\0')
        return wrong(p, "classes with a name, such as [:alpha:], are not supported; for the "
                        "character write \\[");
    *c = character(p);
    return 0;
}

static struct t5g_regex_node *class(struct parser *p)
{
    struct t5g_regex_node *x = make(p, T5G_RE_CHAR);
    size_t begin = p->at++;
    bool invert = take(p, "^"), many;
    if (peek(p) == ']')
        return wrong_at(p, begin, "an empty class"), NULL;
    while (!take(p, "]")) {
        uint32_t lo, hi;
        size_t at = p->at;
        if (element(p, &x->set, &lo, &many) < 0)
            return NULL;
        bool range = peek(p) == '-' && p->at + 1 < p->n && p->text[p->at + 1] != ']';
        if (range) {
            bool many_too;
            p->at++;
            if (element(p, &x->set, &hi, &many_too) < 0)
                return NULL;
            if (many || many_too)
                return wrong_at(p, at, "a range needs two characters"), NULL;
            if (hi < lo)
                return wrong_at(p, at, "a range that ends before it begins"), NULL;
            t5g_charset_add(&x->set, lo, hi);
        } else if (!many) {
            t5g_charset_add(&x->set, lo, lo);
        }
    }
    t5g_charset_tidy(&x->set);
    if (invert)
        t5g_charset_invert(&x->set);
    return x;
}

/* ---- atoms, branches ---- */

static int
check_group(struct parser *p)
{
    static const struct {
        const char *begin, *name;
    } refused[] = {{"(?=", "lookahead"},
                   {"(?!", "lookahead"},
                   {"(?<=", "lookbehind"},
                   {"(?<!", "lookbehind"},
                   {"(?>", "atomic groups"},
                   {"(?<", "groups with a name"},
                   {"(?P", "groups with a name"},
                   {"(?#", "comments"},
                   {"(?", "flags"},
                   {"(*", "verbs"}};
    char what[64];
    for (size_t i = 0; i < T5G_LEN(refused); i++) {
        size_t n = strlen(refused[i].begin);
        if (p->n - p->at >= n && memcmp(p->text + p->at, refused[i].begin, n) == 0) {
            snprintf(what, sizeof what, "%s: %s: not supported", refused[i].begin, refused[i].name);
            return wrong(p, what);
        }
    }
    return 0;
}

static struct t5g_regex_node *
group(struct parser *p)
{
    size_t at = p->at;
    if (!take(p, "(?:")) {
        if (check_group(p) < 0)
            return NULL;
        p->at++;
    }
    if (++p->depth > DEPTH_MAX)
        return wrong_at(p, at, "groups nest more than 200 deep"), NULL;
    struct t5g_regex_node *x = expression(p);
    p->depth--;
    if (x == NULL)
        return NULL;
    if (!take(p, ")"))
        return wrong_at(p, at, "a group without )"), NULL;
    return x;
}

static struct t5g_regex_node *
atom(struct parser *p)
{
    int c = peek(p);
    bool many;
    uint32_t one;
    if (c == '(')
        return group(p);
    if (c == '[')
        return class(p);
    if (c == '*' || c == '+' || c == '?')
        return wrong(p, "nothing to repeat"), NULL;
    if (c == '{' || c == '}' || c == ']')
        return wrong(p, "{, } and ] stand for themselves only after a backslash"), NULL;
    if (c == '^' || c == '$')
        return wrong(p, c == '^'
                            ? "^ is supported at the beginning only; for the character write \\^"
                            : "$ is supported at the end only; for the character write \\$"),
               NULL;
    struct t5g_regex_node *x = make(p, T5G_RE_CHAR);
    if (c == '.') {
        t5g_charset_add(&x->set, '\n', '\n');
        t5g_charset_add(&x->set, '\r', '\r');
        t5g_charset_add(&x->set, 0x2028, 0x2029);
        t5g_charset_invert(&x->set);
        p->at++;
        return x;
    }
    if (c == '\\') {
        if (escape(p, &x->set, &one, &many) < 0)
            return NULL;
        if (!many)
            t5g_charset_add(&x->set, one, one);
    } else {
        one = character(p);
        t5g_charset_add(&x->set, one, one);
    }
    t5g_charset_tidy(&x->set);
    return x;
}

/* A decimal number up to COUNT_MAX. */
static int
count(struct parser *p, uint32_t *n)
{
    size_t at = p->at;
    for (*n = 0; peek(p) >= '0' && peek(p) <= '9'; p->at++) {
        *n = *n * 10 + (uint32_t)(peek(p) - '0');
        if (*n > COUNT_MAX)
            return wrong_at(p, at, "counts go up to 1000000");
    }
    return p->at > at ? 0 : wrong(p, "expected {N}, {N,} or {N,M}; for the character write \\{");
}

/* A quantifier, if one follows: 1, 0 or -1 with an error. */
static int
quantifier(struct parser *p, uint32_t *min, uint32_t *max)
{
    size_t at = p->at;
    *min = 0;
    *max = T5G_UNLIMITED;
    if (take(p, "{")) {
        if (count(p, min) < 0)
            return -1;
        *max = *min;
        if (take(p, ",") && peek(p) != '}') {
            if (count(p, max) < 0)
                return -1;
        } else if (p->text[p->at - 1] == ',') {
            *max = T5G_UNLIMITED;
        }
        if (!take(p, "}"))
            return wrong_at(p, at, "expected {N}, {N,} or {N,M}; for the character write \\{");
        if (*max < *min)
            return wrong_at(p, at, "the second count is below the first");
    } else if (take(p, "?")) {
        *max = 1;
    } else if (take(p, "+")) {
        *min = 1;
    } else if (!take(p, "*")) {
        return 0;
    }
    if (peek(p) == '?')
        return wrong(p, "lazy quantifiers are not supported (what matches is the same without ?)");
    if (peek(p) == '+')
        return wrong(p, "possessive quantifiers are not supported");
    if (peek(p) == '*' || peek(p) == '{')
        return wrong(p, "nothing to repeat");
    return 1;
}

static struct t5g_regex_node *
branch(struct parser *p)
{
    struct t5g_regex_node *cat = make(p, T5G_RE_CAT);
    if (p->depth == 0)
        cat->begins = take(p, "^");
    while (peek(p) >= 0 && peek(p) != '|' && peek(p) != ')') {
        uint32_t min, max;
        bool last = p->at + 1 == p->n || p->text[p->at + 1] == '|';
        if (p->depth == 0 && peek(p) == '$' && last) {
            p->at++;
            cat->ends = true;
            break;
        }
        struct t5g_regex_node *x = atom(p);
        int r = x != NULL ? quantifier(p, &min, &max) : -1;
        if (r < 0)
            return NULL;
        if (r == 1) {
            struct t5g_regex_node *many = make(p, T5G_RE_REPEAT);
            many->child = x;
            many->min = x->may_be_empty ? 0 : min;
            many->max = max;
            many->may_be_empty = many->min == 0;
            x = many;
        }
        x->other = cat->child;
        cat->child = x;
        cat->may_be_empty = cat->may_be_empty && x->may_be_empty;
    }
    return cat;
}

static struct t5g_regex_node *
expression(struct parser *p)
{
    struct t5g_regex_node *alt = make(p, T5G_RE_ALT);
    do {
        struct t5g_regex_node *x = branch(p);
        if (x == NULL)
            return NULL;
        x->other = alt->child;
        alt->child = x;
        alt->may_be_empty = alt->may_be_empty || x->may_be_empty;
    } while (take(p, "|"));
    return alt;
}

struct t5g_regex *
t5g_regex_parse(const char *text, size_t n, int code, struct t5g_err *e)
{
    struct t5g_regex *r = t5g_alloc(1, sizeof *r);
    struct parser p = {.text = text, .n = n, .code = code, .r = r, .e = e};
    size_t good = t5g_utf8_check(text, n);
    if (n > BYTES_MAX)
        wrong_at(&p, BYTES_MAX, "an expression has at most 16384 bytes");
    else if (good < n)
        wrong_at(&p, good, "not UTF-8");
    else if ((r->top = expression(&p)) != NULL && p.at < n)
        r->top = (wrong(&p, "a ) without a group"), NULL);
    if (r->top == NULL) {
        t5g_regex_free(r);
        return NULL;
    }
    return r;
}

void
t5g_regex_free(struct t5g_regex *r)
{
    if (r == NULL)
        return;
    while (r->made != NULL) {
        struct t5g_regex_node *x = r->made;
        r->made = x->made;
        t5g_charset_free(&x->set);
        t5g_free(x);
    }
    t5g_free(r);
}
