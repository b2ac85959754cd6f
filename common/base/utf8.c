/* utf8.c: well-formedness of UTF-8 (Unicode 15, table 3-7). */
#include "base/utf8.h"

#include <string.h>

size_t
t5g_utf8_len(const unsigned char *s, size_t n, size_t *bad)
{
    unsigned char c = s[0], low = 0x80, high = 0xbf;
    size_t len, got = 1;
    if (c < 0x80)
        return 1;
    if (bad != NULL)
        *bad = 1;
    if (c < 0xc2 || c > 0xf4)
        return 0;
    len = c < 0xe0 ? 2 : c < 0xf0 ? 3 : 4;
    /* The second byte's range excludes overlong forms, surrogates and values above U+10FFFF. */
    if (c == 0xe0)
        low = 0xa0;
    else if (c == 0xed)
        high = 0x9f;
    else if (c == 0xf0)
        low = 0x90;
    else if (c == 0xf4)
        high = 0x8f;
    for (; got < len; got++, low = 0x80, high = 0xbf)
        if (got == n || s[got] < low || s[got] > high) {
            if (bad != NULL)
                *bad = got;
            return 0;
        }
    return len;
}

/* Bytes of the well-formed characters of two bytes that the eight bytes x, the first lowest, begin
 * with. */
static inline size_t
twos(uint64_t x)
{
    uint64_t lead = x & 0x001e001e001e001eu; /* 0: overlong, C0 or C1 */
    uint64_t bad = (x ^ 0x80c080c080c080c0u) & 0xc0e0c0e0c0e0c0e0u;
    bad |= ~(lead + 0x00fe00fe00fe00feu) & 0x0100010001000100u;
    return bad == 0 ? 8 : (size_t)__builtin_ctzll(bad) / 16 * 2;
}

/* x begins with a well-formed character of three bytes. */
static inline bool
is_three(uint64_t x)
{
    uint64_t second = x & 0x200f; /* E0 before 80..9F: overlong; ED before A0..BF: a surrogate */
    return (x & 0xc0c0f0) == 0x8080e0 && second != 0 && second != 0x200d;
}

size_t
t5g_utf8_check(const char *s, size_t n)
{
    const unsigned char *p = (const unsigned char *)s;
    size_t i = 0;
    while (i < n) {
        size_t len = 0;
        if (n - i >= 8) {
            uint64_t x, high;
            memcpy(&x, p + i, 8);
            high = x & 0x8080808080808080u;
            if (high == 0)
                len = 8;
            else if ((x & 0x80) == 0)
                len = (size_t)__builtin_ctzll(high) / 8;
            else if (is_three(x))
                len = is_three(x >> 24) ? 6 : 3;
            else
                len = twos(x);
        }
        if (len == 0)
            len = t5g_utf8_len(p + i, n - i, NULL);
        if (len == 0)
            return i;
        i += len;
    }
    return n;
}

size_t
t5g_utf8_mark(const char *s, size_t n)
{
    return n >= 3 && memcmp(s, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;
}

void
t5g_utf8_replace(struct t5g_buf *b, const char *s, size_t n)
{
    for (size_t i = 0; i < n;) {
        size_t good = t5g_utf8_check(s + i, n - i), bad;
        t5g_buf_add(b, s + i, good);
        i += good;
        if (i == n)
            break;
        (void)t5g_utf8_len((const unsigned char *)s + i, n - i, &bad);
        t5g_buf_adds(b, "\xef\xbf\xbd");
        i += bad;
    }
}

uint32_t
t5g_utf8_decode(const unsigned char *s, size_t len)
{
    if (len == 1)
        return s[0];
    uint32_t c = s[0] & (0xffu >> (len + 1));
    for (size_t i = 1; i < len; i++)
        c = c << 6 | (s[i] & 0x3f);
    return c;
}

size_t
t5g_utf8_encode(unsigned char out[4], uint32_t c)
{
    if (c < 0x80) {
        out[0] = (unsigned char)c;
        return 1;
    }
    size_t len = c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
    for (size_t i = len - 1; i > 0; i--, c >>= 6)
        out[i] = (unsigned char)(0x80 | (c & 0x3f));
    out[0] = (unsigned char)((0xf00u >> len & 0xf0u) | c);
    return len;
}

bool
t5g_utf8_is_space(uint32_t c)
{
    return (c >= 0x9 && c <= 0xd) || c == ' ' || c == 0x85 || c == 0xa0 || c == 0x1680 ||
           (c >= 0x2000 && c <= 0x200a) || c == 0x2028 || c == 0x2029 || c == 0x202f ||
           c == 0x205f || c == 0x3000;
}

size_t
t5g_utf8_space(const char *s, size_t n)
{
    size_t len = n > 0 ? t5g_utf8_len((const unsigned char *)s, n, NULL) : 0;
    uint32_t c = len > 0 ? t5g_utf8_decode((const unsigned char *)s, len) : 0;
    return t5g_utf8_is_space(c) ? len : 0;
}
