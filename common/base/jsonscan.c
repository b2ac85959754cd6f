/*
 * jsonscan.c: one pass over a JSON text that accepts RFC 8259 except where readers differ: no
 * duplicate keys, no lone surrogates, bounded nesting, finite numbers. A text that passes can be
 * walked and decoded without further checks. t5g_json_check_members applies this to some members of
 * an object only; for the others it just finds the end.
 */
#include "base/jsonstr.h"
#include "base/hash.h"
#include "base/jsonpython.h"
#include "base/num.h"
#include "base/utf8.h"

#include <float.h>
#include <string.h>

#define DEPTH_MAX 64
#define LOOSE_MAX (1 << 20) /* nesting in members that are not read */

/* A key as in the text, with its quotes; the object's number tells equal keys apart. */
struct key {
    uint64_t hash;
    const char *p; /* NULL: free slot */
    size_t n;
    uint32_t object;
    bool escaped;
};

/*
 * The keys seen so far, of all objects, in one table (open addressing) that suits both a vocabulary
 * of 262144 members and a frame's metadata of three.
 */
struct keyset {
    struct key first[32];
    struct key *slot;
    size_t cap, n;
};

struct scan {
    const char *name, *text;
    const unsigned char *p, *end;
    struct t5g_err *e;
    struct keyset keys;
    uint32_t objects;
    bool nul;
    bool loose;                 /* in a member that is not read: any number, lone surrogates */
    const char *const *members; /* [n_members] keys of the outer object that are read; NULL: all */
    size_t n_members;
};

static int scan_value(struct scan *s, int depth);
static int skip_value(struct scan *s);

static int
fail(struct scan *s, const unsigned char *at, const char *what)
{
    size_t byte = (size_t)((const char *)at - s->text);
    return t5g_err_set(s->e, T5G_EX_DATA, "%s: byte %zu: %s", s->name, byte, what);
}

static bool
key_equal(const struct key *a, const struct key *b)
{
    if (a->hash != b->hash || a->object != b->object)
        return false;
    if (!a->escaped && !b->escaped)
        return a->n == b->n && memcmp(a->p, b->p, a->n) == 0;
    struct t5g_buf x = {0}, y = {0};
    t5g_jsonstr_read(&x, a->p, a->n);
    t5g_jsonstr_read(&y, b->p, b->n);
    bool same = x.n == y.n && (x.n == 0 || memcmp(x.p, y.p, x.n) == 0);
    t5g_buf_free(&x);
    t5g_buf_free(&y);
    return same;
}

static void
keyset_grow(struct keyset *k)
{
    size_t cap = k->cap * 4;
    struct key *slot = t5g_alloc(cap, sizeof *slot);
    for (size_t i = 0; i < k->cap; i++) {
        if (k->slot[i].p == NULL)
            continue;
        size_t at = k->slot[i].hash & (cap - 1);
        while (slot[at].p != NULL)
            at = (at + 1) & (cap - 1);
        slot[at] = k->slot[i];
    }
    if (k->slot != k->first)
        t5g_free(k->slot);
    k->slot = slot;
    k->cap = cap;
}

/* False when the object has this key already. */
static bool
keyset_add(struct keyset *k, struct key new)
{
    if (k->n * 2 >= k->cap)
        keyset_grow(k);
    size_t at = new.hash &(k->cap - 1);
    for (; k->slot[at].p != NULL; at = (at + 1) & (k->cap - 1)) {
        if (key_equal(&k->slot[at], &new))
            return false;
    }
    k->slot[at] = new;
    k->n++;
    return true;
}

static void
skip_space(struct scan *s)
{
    while (s->p < s->end && (*s->p == ' ' || *s->p == '\n' || *s->p == '\r' || *s->p == '\t'))
        s->p++;
}

/* The code unit of \uXXXX at p, or -1. */
static int
hex4(const unsigned char *p, const unsigned char *end)
{
    int v = 0;
    if (end - p < 6 || p[0] != '\\' || p[1] != 'u')
        return -1;
    for (int i = 2; i < 6; i++) {
        int c = p[i];
        if (c >= '0' && c <= '9')
            c -= '0';
        else if ((c | 32) >= 'a' && (c | 32) <= 'f')
            c = (c | 32) - 'a' + 10;
        else
            return -1;
        v = v * 16 + c;
    }
    return v;
}

static int
scan_escape(struct scan *s)
{
    if (s->end - s->p < 2)
        return fail(s, s->p, "string not closed");
    if (s->p[1] != 'u') {
        if (s->p[1] == 0 || strchr("\"\\/bfnrt", s->p[1]) == NULL)
            return fail(s, s->p, "unknown escape");
        s->p += 2;
        return 0;
    }
    int unit = hex4(s->p, s->end);
    if (unit < 0)
        return fail(s, s->p, "\\u without four hex digits");
    if (s->loose) { /* six bytes each, in pairs or alone */
        s->p += 6;
        return 0;
    }
    if (unit == 0 && !s->nul)
        return fail(s, s->p, "\\u0000 is not allowed here");
    if (unit >= 0xdc00 && unit <= 0xdfff)
        return fail(s, s->p, "surrogate without its pair");
    if (unit >= 0xd800 && unit <= 0xdbff) {
        int low = hex4(s->p + 6, s->end);
        if (low < 0xdc00 || low > 0xdfff)
            return fail(s, s->p, "surrogate without its pair");
        s->p += 6;
    }
    s->p += 6;
    return 0;
}

/* A string with its quotes; *escaped: it contains a backslash. */
static int
scan_string(struct scan *s, bool *escaped)
{
    const unsigned char *open = s->p++;
    *escaped = false;
    while (s->p < s->end) {
        size_t n = t5g_jsonstr_plain((const char *)s->p, (size_t)(s->end - s->p)),
               good = t5g_utf8_check((const char *)s->p, n);
        s->p += good;
        if (good < n)
            return fail(s, s->p, "ill-formed UTF-8");
        if (s->p == s->end)
            break;
        if (*s->p == '"') {
            s->p++;
            return 0;
        }
        if (*s->p != '\\')
            return fail(s, s->p, "control character in a string, expected an escape");
        *escaped = true;
        if (scan_escape(s) < 0)
            return -1;
    }
    return fail(s, open, "string not closed");
}

static size_t
digits(const unsigned char *p, const unsigned char *end)
{
    size_t n = 0;
    while (p + n < end && p[n] >= '0' && p[n] <= '9')
        n++;
    return n;
}

static int
scan_number(struct scan *s)
{
    const unsigned char *start = s->p, *p = s->p, *end = s->end;
    if (*p == '-')
        p++;
    size_t n = digits(p, end);
    if (n == 0)
        return fail(s, start, "number without digits");
    if (n > 1 && *p == '0')
        return fail(s, start, "number with a leading zero");
    p += n;
    if (p < end && *p == '.') {
        n = digits(++p, end);
        if (n == 0)
            return fail(s, start, "number without digits after its point");
        p += n;
    }
    bool exponent = p < end && (*p == 'e' || *p == 'E');
    if (exponent) {
        p++;
        if (p < end && (*p == '+' || *p == '-'))
            p++;
        n = digits(p, end);
        if (n == 0)
            return fail(s, start, "number without digits in its exponent");
        p += n;
    }
    if (s->loose) {
        s->p = p;
        return 0;
    }
    if (p - start > T5G_JSON_NUMBER_MAX)
        return fail(s, start, "number of more than 63 characters");
    if (exponent) { /* 63 digits alone cannot overflow a double */
        char copy[T5G_JSON_NUMBER_MAX + 1] = {0};
        double v;
        memcpy(copy, start, (size_t)(p - start));
        if (t5g_num_double("", copy, -DBL_MAX, DBL_MAX, &v, NULL) < 0)
            return fail(s, start, "number out of range");
    }
    s->p = p;
    return 0;
}

static int
scan_array(struct scan *s, int depth)
{
    s->p++;
    skip_space(s);
    if (s->p < s->end && *s->p == ']') {
        s->p++;
        return 0;
    }
    for (;;) {
        if (scan_value(s, depth) < 0)
            return -1;
        if (s->p == s->end)
            return fail(s, s->p, "end of text inside an array");
        if (*s->p != ',' && *s->p != ']')
            return fail(s, s->p, "expected ',' or ']'");
        if (*s->p++ == ']')
            return 0;
    }
}

static int
scan_key(struct scan *s, uint32_t object)
{
    struct key k = {.p = (const char *)s->p, .object = object};
    const unsigned char *start = s->p;
    if (scan_string(s, &k.escaped) < 0)
        return -1;
    k.n = (size_t)(s->p - start);
    if (k.escaped) {
        struct t5g_buf b = {0};
        t5g_jsonstr_read(&b, k.p, k.n);
        k.hash = t5g_hash64(b.p, b.n);
        t5g_buf_free(&b);
    } else {
        k.hash = t5g_hash64(k.p + 1, k.n - 2);
    }
    k.hash ^= object * UINT64_C(0x9e3779b97f4a7c15);
    return keyset_add(&s->keys, k) ? 0 : fail(s, start, "duplicate key");
}

/* The colon after a key. */
static int
scan_colon(struct scan *s)
{
    skip_space(s);
    if (s->p == s->end || *s->p != ':')
        return fail(s, s->p, "expected ':'");
    s->p++;
    return 0;
}

/* Whether the key just scanned, which began at start, is one of those that are read. */
static bool
is_read(const struct scan *s, const unsigned char *start)
{
    for (size_t i = 0; i < s->n_members; i++)
        if (t5g_jsonstr_equal((const char *)start, (size_t)(s->p - start), s->members[i]))
            return true;
    return false;
}

/* A member of the outer object when only some are read; the values of the others are skipped. */
static int
scan_some_member(struct scan *s, uint32_t object, int depth)
{
    const unsigned char *start = s->p;
    bool escaped;
    s->loose = true;
    if (scan_string(s, &escaped) < 0)
        return -1;
    s->loose = !is_read(s, start);
    if (s->loose)
        return scan_colon(s) < 0 ? -1 : skip_value(s);
    s->p = start;
    return scan_key(s, object) < 0 || scan_colon(s) < 0 ? -1 : scan_value(s, depth);
}

static int
scan_object(struct scan *s, int depth)
{
    uint32_t object = s->objects++;
    s->p++;
    skip_space(s);
    if (s->p < s->end && *s->p == '}') {
        s->p++;
        return 0;
    }
    for (;;) {
        skip_space(s);
        if (s->p == s->end)
            return fail(s, s->p, "end of text inside an object");
        if (*s->p != '"')
            return fail(s, s->p, "expected a key in quotes");
        if (s->members != NULL && depth == 1) {
            if (scan_some_member(s, object, depth) < 0)
                return -1;
        } else if (scan_key(s, object) < 0 || scan_colon(s) < 0 || scan_value(s, depth) < 0) {
            return -1;
        }
        if (s->p == s->end)
            return fail(s, s->p, "end of text inside an object");
        if (*s->p != ',' && *s->p != '}')
            return fail(s, s->p, "expected ',' or '}'");
        if (*s->p++ == '}')
            return 0;
    }
}

static int
scan_word(struct scan *s)
{
    static const char *const words[] = {"true", "false", "null"};
    for (size_t i = 0; i < T5G_LEN(words); i++) {
        size_t n = strlen(words[i]);
        if ((size_t)(s->end - s->p) >= n && memcmp(s->p, words[i], n) == 0) {
            s->p += n;
            return 0;
        }
    }
    if (s->end - s->p >= 3 && memcmp(s->p, "\xef\xbb\xbf", 3) == 0)
        return fail(s, s->p, "byte-order mark, expected a value");
    return fail(s, s->p, "expected a value");
}

/* ---- members that are not read ---- */

static int
skip_key(struct scan *s)
{
    bool escaped;
    skip_space(s);
    if (s->p == s->end || *s->p != '"')
        return fail(s, s->p, "expected a key in quotes");
    return scan_string(s, &escaped) < 0 ? -1 : scan_colon(s);
}

/* A whole value, or the bracket of an array or object, which becomes the innermost of `open`. */
static int
skip_opening(struct scan *s, struct t5g_buf *open)
{
    bool escaped;
    skip_space(s);
    if (s->p == s->end)
        return fail(s, s->p, "end of text, expected a value");
    int c = *s->p;
    if (c == '"')
        return scan_string(s, &escaped);
    size_t word = t5g_json_nan((const char *)s->p, (size_t)(s->end - s->p));
    s->p += word;
    if (word > 0)
        return 0;
    if (c == '-' || (c >= '0' && c <= '9'))
        return scan_number(s);
    if (c != '{' && c != '[')
        return scan_word(s);
    if (open->n == LOOSE_MAX)
        return fail(s, s->p, "nested more than 1048576 levels deep");
    t5g_buf_addc(open, (char)c);
    s->p++;
    return 0;
}

/* From the end of a value, or from an opening bracket if `opened`, to the beginning of the next
 * value: 1. 0 when nothing is left open, -1 on error. */
static int
skip_closing(struct scan *s, struct t5g_buf *open, bool opened)
{
    for (;; opened = false) {
        skip_space(s);
        if (open->n == 0)
            return 0;
        bool object = open->p[open->n - 1] == '{';
        if (s->p == s->end)
            return fail(s, s->p,
                        object ? "end of text inside an object" : "end of text inside an array");
        if (*s->p == (object ? '}' : ']')) {
            s->p++;
            open->n--;
            continue;
        }
        if (!opened && *s->p++ != ',')
            return fail(s, s->p - 1, object ? "expected ',' or '}'" : "expected ',' or ']'");
        return object && skip_key(s) < 0 ? -1 : 1;
    }
}

/* One value and the white space around it, without recursion: it may be nested deeply. */
static int
skip_value(struct scan *s)
{
    struct t5g_buf open = {0};
    int r;
    do {
        size_t depth = open.n;
        r = skip_opening(s, &open);
        if (r == 0)
            r = skip_closing(s, &open, open.n > depth);
    } while (r == 1);
    t5g_buf_free(&open);
    return r;
}

/* One value and the white space around it. */
static int
scan_value(struct scan *s, int depth)
{
    bool escaped;
    int r;
    skip_space(s);
    if (s->p == s->end)
        return fail(s, s->p, "end of text, expected a value");
    int c = *s->p;
    if ((c == '{' || c == '[') && depth == DEPTH_MAX)
        return fail(s, s->p, "nested more than 64 levels deep");
    if (c == '{')
        r = scan_object(s, depth + 1);
    else if (c == '[')
        r = scan_array(s, depth + 1);
    else if (c == '"')
        r = scan_string(s, &escaped);
    else if (c == '-' || (c >= '0' && c <= '9'))
        r = scan_number(s);
    else
        r = scan_word(s);
    skip_space(s);
    return r;
}

static int
check(struct scan *s, size_t n)
{
    s->p = (const unsigned char *)s->text;
    s->end = s->p + n;
    s->keys.slot = s->keys.first;
    s->keys.cap = T5G_LEN(s->keys.first);
    int r = scan_value(s, 0);
    if (r == 0 && s->p != s->end)
        r = fail(s, s->p, "text after the value");
    if (s->keys.slot != s->keys.first)
        t5g_free(s->keys.slot);
    return r;
}

int
t5g_json_check(const char *text, size_t n, bool nul, const char *name, struct t5g_err *e)
{
    struct scan s = {.name = name, .text = text, .e = e, .nul = nul};
    return check(&s, n);
}

int
t5g_json_check_members(const char *text, size_t n, const char *const *members, size_t n_members,
                       const char *name, struct t5g_err *e)
{
    struct scan s = {.name = name,
                     .text = text,
                     .e = e,
                     .nul = true,
                     .members = members,
                     .n_members = n_members};
    return check(&s, n);
}
