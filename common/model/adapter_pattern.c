/* adapter_pattern.c: Python's re to extended POSIX expressions. */
#include "model/adapter_pattern.h"

#include <string.h>

/*
 * Repetitions are copies when an expression is compiled, and repetitions in repetitions take time:
 * names of modules need little of either.
 */
enum {
    LENGTH_MAX = 512,
    COUNT_MAX = 255,
    COUNTED_LENGTH_MAX = 256,
    NESTED_MAX = 2,
    GROUPS_MAX = 16
};

static const char digits[] = "0-9", words[] = "A-Za-z0-9_";

struct translation {
    struct t5g_buf *out;
    const char *p;                 /* what follows */
    const char *why;               /* not served */
    size_t depth;                  /* of groups */
    size_t counted;                /* {m,n} until here */
    size_t deep;                   /* repetitions in which there are others */
    bool repeatable;               /* what was last can be repeated */
    size_t last;                   /* how deep repetitions are nested in it */
    size_t nested[GROUPS_MAX + 1]; /* the same of each group that is open */
};

static bool
is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool
is_alnum(char c)
{
    return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* ---- brackets ---- */

static void
put_range(bool set[128], int first, int last)
{
    for (int c = first; c <= last; c++)
        set[c] = true;
}

/* A member of brackets at x->p: a character, or -1 for a class, which is put into set. */
static int
member(struct translation *x, bool set[128])
{
    unsigned char c = (unsigned char)*x->p++;
    if (c >= 128)
        x->why = "a character in brackets that is not ASCII";
    if (c == '[' && *x->p != '\0' && strchr(":.=", *x->p) != NULL)
        x->why = "a class as [:alpha:], which Python reads otherwise";
    if (c != '\\' || x->why != NULL)
        return c;
    c = (unsigned char)*x->p;
    if (c == '\0') {
        x->why = "brackets without an end";
        return c;
    }
    x->p++;
    if (c == 'd' || c == 'w') {
        put_range(set, '0', '9');
        if (c == 'w') {
            put_range(set, 'a', 'z');
            put_range(set, 'A', 'Z');
            set['_'] = true;
        }
        return -1;
    }
    if (is_alnum((char)c) || c >= 128)
        x->why = "an escape in brackets, of which only \\d and \\w are served";
    return c;
}

/* In an order in which every character stands for itself. */
static void
put_set(struct t5g_buf *out, const bool set[128], bool negated)
{
    static const char last[] = "[^-";
    size_t before = out->n;
    t5g_buf_adds(out, negated ? "[^" : "[");
    if (set[']'])
        t5g_buf_addc(out, ']');
    for (int c = 1; c < 128; c++)
        if (set[c] && c != ']' && strchr(last, c) == NULL)
            t5g_buf_addc(out, (char)c);
    for (const char *p = last; *p != '\0'; p++)
        if (set[(int)*p])
            t5g_buf_addc(out, *p);
    t5g_buf_addc(out, ']');
    if (!negated && out->p[before + 1] == '^') { /* alone, or with '-' */
        out->n = before;
        t5g_buf_adds(out, set['-'] ? "(\\^|-)" : "\\^");
    }
}

static void
brackets(struct translation *x)
{
    bool set[128] = {0}, negated = *x->p == '^';
    x->p += negated;
    for (bool first = true; x->why == NULL && (first || *x->p != ']'); first = false) {
        if (*x->p == '\0') {
            x->why = "brackets without an end";
            return;
        }
        int a = member(x, set);
        if (x->why == NULL && x->p[0] == '-' && x->p[1] != ']' && x->p[1] != '\0') {
            x->p++;
            int b = member(x, set);
            if (x->why == NULL && (a < 0 || b < a))
                x->why = "a range in brackets that is none";
            if (x->why == NULL)
                put_range(set, a, b);
        } else if (x->why == NULL && a >= 0) {
            set[a] = true;
        }
    }
    if (x->why != NULL)
        return;
    x->p++;
    put_set(x->out, set, negated);
    x->repeatable = true;
}

/* ---- outside of them ---- */

static void
escape(struct translation *x)
{
    char c = *x->p;
    bool upper = c == 'D' || c == 'W';
    if (c == '\0' || (unsigned char)c >= 128 || (is_alnum(c) && strchr("dDwW", c) == NULL)) {
        x->why = "an escape, of which only \\d and \\w are served";
        return;
    }
    x->p++;
    if (is_alnum(c))
        t5g_buf_printf(x->out, "[%s%s]", upper ? "^" : "", c == 'd' || c == 'D' ? digits : words);
    else if (c == '^')
        t5g_buf_adds(x->out, "\\^");
    else
        t5g_buf_printf(x->out, "[%c]", c);
    x->repeatable = true;
}

/* A number of {m,n}; otherwise if there is none. */
static size_t
count(struct translation *x, size_t otherwise)
{
    size_t n = 0;
    if (!is_digit(*x->p))
        return otherwise;
    for (; is_digit(*x->p); x->p++)
        n = t5g_min(n * 10 + (size_t)(*x->p - '0'), COUNT_MAX + 1);
    return n;
}

static void
repetition(struct translation *x)
{
    bool counted = x->p[-1] == '{';
    size_t nested = x->last + (x->p[-1] != '?');
    if (nested > NESTED_MAX || (nested > 1 && (counted || ++x->deep > 2)))
        x->why = "repetitions in repetitions";
    x->nested[x->depth] = t5g_max(x->nested[x->depth], nested);
    if (!counted) {
        t5g_buf_addc(x->out, x->p[-1]);
    } else {
        const char *start = x->p;
        size_t m = count(x, 0), n = m;
        if (*x->p == ',') {
            x->p++;
            n = count(x, m);
        }
        if (*x->p != '}' || x->p == start) {
            x->why = "a brace that is no {m,n}";
            return;
        }
        if (++x->counted > 1 || m > COUNT_MAX || n > COUNT_MAX || n < m) {
            x->why = "more than one {m,n}, or numbers in it above 255";
            return;
        }
        bool open = x->p[-1] == ',';
        x->p++;
        t5g_buf_printf(x->out, open ? "{%zu,}" : "{%zu,%zu}", m, n);
    }
    if (*x->p == '?') /* lazy: of whole names, it matches the same */
        x->p++;
    if (!x->repeatable || (*x->p != '\0' && strchr("*+?{", *x->p) != NULL))
        x->why = "a repetition of nothing or of a repetition";
    x->repeatable = false;
}

static void
group(struct translation *x)
{
    if (x->p[0] == '?') {
        if (x->p[1] != ':') {
            x->why = "a group with (?, of which only (?: is served";
            return;
        }
        x->p += 2;
    }
    t5g_buf_addc(x->out, '(');
    x->repeatable = false;
    if (x->depth == GROUPS_MAX)
        x->why = "many groups in each other";
    else
        x->nested[++x->depth] = 0;
}

static void
close_group(struct translation *x)
{
    if (x->depth == 0) {
        x->why = "a parenthesis without the other";
        return;
    }
    x->last = x->nested[x->depth--];
    x->nested[x->depth] = t5g_max(x->nested[x->depth], x->last);
    t5g_buf_addc(x->out, ')');
    x->repeatable = true;
}

static void
step(struct translation *x)
{
    char c = *x->p++;
    if (c != ')' && strchr("*+?{", c) == NULL)
        x->last = 0;
    switch (c) {
    case '(':
        group(x);
        break;
    case ')':
        close_group(x);
        break;
    case '[':
        brackets(x);
        break;
    case '\\':
        escape(x);
        break;
    case '*':
    case '+':
    case '?':
    case '{':
        repetition(x);
        break;
    default:
        t5g_buf_addc(x->out, c);
        x->repeatable = c != '|' && c != '^' && c != '$';
    }
}

const char *
t5g_adapter_pattern(struct t5g_buf *out, const char *key)
{
    struct translation x = {.out = out, .p = key};
    if (strlen(key) > LENGTH_MAX)
        return "a long one";
    t5g_buf_adds(out, "^(.*\\.)?(");
    while (*x.p != '\0' && x.why == NULL)
        step(&x);
    t5g_buf_adds(out, ")$");
    if (x.why == NULL && x.depth > 0)
        x.why = "a parenthesis without the other";
    if (x.why == NULL && x.counted > 0 && strlen(key) > COUNTED_LENGTH_MAX)
        x.why = "a long one with {m,n}";
    return x.why;
}
