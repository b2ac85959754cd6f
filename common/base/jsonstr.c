/* jsonstr.c: JSON strings with a length, and a walk over the members of a checked object. */
#include "base/jsonstr.h"
#include "base/utf8.h"

#include <string.h>

void
t5g_jsonstr_write(struct t5g_buf *b, const char *s, size_t n)
{
    static const char hex[] = "0123456789abcdef";
    const unsigned char *p = (const unsigned char *)s, *end = p + n;
    t5g_buf_reserve(b, n + 2);
    t5g_buf_addc(b, '"');
    while (p < end) {
        const unsigned char *run = p;
        while (p < end && *p >= 0x20 && *p < 0x7f && *p != '"' && *p != '\\')
            p++;
        t5g_buf_add(b, run, (size_t)(p - run));
        if (p == end)
            break;
        size_t bad = 1, len = t5g_utf8_len(p, (size_t)(end - p), &bad);
        static const char from[] = "\"\\\b\f\n\r\t", to[] = "\"\\bfnrt";
        const char *known = *p != 0 ? strchr(from, *p) : NULL;
        if (known != NULL) {
            t5g_buf_add(b, (const char[]){'\\', to[known - from]}, 2);
        } else if (*p < 0x20 || *p == 0x7f) { /* DEL: legal in JSON, but not on a terminal */
            t5g_buf_adds(b, "\\u00");
            t5g_buf_add(b, (const char[]){hex[*p >> 4], hex[*p & 15]}, 2);
        } else if (len > 0) {
            t5g_buf_add(b, p, len);
        } else {
            t5g_buf_adds(b, "\xef\xbf\xbd");
        }
        p += len > 0 ? len : bad;
    }
    t5g_buf_addc(b, '"');
}

/* Bytes of x that are 0 become 0x80 (and perhaps some bytes above the first of these). */
static uint64_t
zeros(uint64_t x)
{
    return (x - 0x0101010101010101u) & ~x & 0x8080808080808080u;
}

size_t
t5g_jsonstr_plain(const char *p, size_t n)
{
    size_t i = 0;
    for (uint64_t eight; n - i >= 8; i += 8) {
        memcpy(&eight, p + i, 8);
        uint64_t control = (eight - 0x2020202020202020u) & ~eight & 0x8080808080808080u;
        if ((control | zeros(eight ^ 0x2222222222222222u) | zeros(eight ^ 0x5c5c5c5c5c5c5c5cu)) !=
            0)
            break;
    }
    while (i < n && (unsigned char)p[i] >= 0x20 && p[i] != '"' && p[i] != '\\')
        i++;
    return i;
}

/* The value of four hex digits that have been checked. */
static uint32_t
hex4(const char *p)
{
    uint32_t v = 0;
    for (int i = 0; i < 4; i++) {
        int c = p[i];
        v = v * 16 + (uint32_t)(c <= '9' ? c - '0' : (c | 32) - 'a' + 10);
    }
    return v;
}

/*
 * Decode the character at raw[*at] into out (returns its 1 to 4 bytes) and move *at past it. Of
 * unescaped characters, one byte at a time.
 */
static size_t
decode(const char *raw, size_t *at, unsigned char out[4])
{
    const char *p = raw + *at;
    if (*p != '\\') {
        out[0] = (unsigned char)*p;
        *at += 1;
        return 1;
    }
    if (p[1] != 'u') {
        static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
        out[0] = (unsigned char)to[strchr(from, p[1]) - from];
        *at += 2;
        return 1;
    }
    uint32_t c = hex4(p + 2);
    *at += 6;
    if (c >= 0xd800 && c <= 0xdbff && p[6] == '\\' && p[7] == 'u' && hex4(p + 8) >= 0xdc00 &&
        hex4(p + 8) <= 0xdfff) {
        c = 0x10000 + ((c - 0xd800) << 10) + (hex4(p + 8) - 0xdc00);
        *at += 6;
    }
    return t5g_utf8_encode(out, c);
}

void
t5g_jsonstr_read(struct t5g_buf *out, const char *raw, size_t n)
{
    t5g_buf_reserve(out, n);
    for (size_t at = 1; at < n - 1;) {
        const char *escape = memchr(raw + at, '\\', n - 1 - at);
        size_t plain = escape != NULL ? (size_t)(escape - raw) - at : n - 1 - at;
        t5g_buf_add(out, raw + at, plain);
        at += plain;
        if (at < n - 1) {
            unsigned char c[4];
            size_t len = decode(raw, &at, c);
            t5g_buf_add(out, c, len);
        }
    }
}

bool
t5g_jsonstr_equal(const char *raw, size_t n, const char *s)
{
    size_t left = strlen(s);
    if (n < 2 || raw[0] != '"')
        return false;
    for (size_t at = 1; at < n - 1;) {
        unsigned char c[4];
        size_t len = decode(raw, &at, c);
        if (len > left || memcmp(c, s, len) != 0)
            return false;
        s += len;
        left -= len;
    }
    return left == 0;
}

static const char *
skip_space(const char *p, const char *end)
{
    while (p < end && (*p == ' ' || *p == '\n' || *p == '\r' || *p == '\t'))
        p++;
    return p;
}

/* The end of the string that opens at p. */
static const char *
skip_string(const char *p, const char *end)
{
    for (p++; p < end; p++) {
        p += t5g_jsonstr_plain(p, (size_t)(end - p));
        if (p < end && *p == '"')
            return p + 1;
        if (p < end && *p == '\\')
            p++;
    }
    return end;
}

/* The end of the value that starts at p. */
static const char *
skip_value(const char *p, const char *end)
{
    size_t depth = 0;
    while (p < end) {
        if (*p == '"') {
            p = skip_string(p, end);
        } else if (*p == '{' || *p == '[') {
            depth++;
            p++;
        } else if (*p == '}' || *p == ']') {
            depth--;
            p++;
        } else if (depth == 0) {
            while (p < end && strchr(",}] \n\r\t", *p) == NULL)
                p++;
        } else {
            p++;
        }
        if (depth == 0)
            return p;
    }
    return end;
}

bool
t5g_json_walk_open(struct t5g_json_walk *w, const char *text, size_t n)
{
    const char *p = skip_space(text, text + n);
    *w = (struct t5g_json_walk){.p = p, .end = text + n};
    if (p == w->end || *p != '{')
        return false;
    w->p = skip_space(p + 1, w->end);
    return true;
}

bool
t5g_json_walk_next(struct t5g_json_walk *w)
{
    if (w->p < w->end && *w->p == ',')
        w->p = skip_space(w->p + 1, w->end);
    if (w->p == w->end || *w->p != '"')
        return false;
    w->key = w->p;
    w->p = skip_string(w->p, w->end);
    w->key_len = (size_t)(w->p - w->key);
    w->p = skip_space(w->p, w->end);
    if (w->p < w->end)
        w->p = skip_space(w->p + 1, w->end); /* the colon */
    w->value = w->p;
    w->p = skip_value(w->p, w->end);
    w->value_len = (size_t)(w->p - w->value);
    w->p = skip_space(w->p, w->end);
    return true;
}
