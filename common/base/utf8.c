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

size_t
t5g_utf8_check(const char *s, size_t n)
{
    const unsigned char *p = (const unsigned char *)s;
    size_t i = 0;
    while (i < n) {
        uint64_t eight;
        if (n - i >= 8 && (memcpy(&eight, p + i, 8), (eight & 0x8080808080808080u) == 0)) {
            i += 8;
            continue;
        }
        /* Most text consists of characters of one, two or three bytes. */
        unsigned char c = p[i];
        size_t len = 1;
        if (c < 0x80)
            ;
        else if (c >= 0xc2 && c < 0xe0 && n - i >= 2 && (p[i + 1] & 0xc0) == 0x80)
            len = 2;
        else if (c >= 0xe0 && c < 0xf0 && c != 0xed && n - i >= 3 && (p[i + 1] & 0xc0) == 0x80 &&
                 (c > 0xe0 || p[i + 1] >= 0xa0) && (p[i + 2] & 0xc0) == 0x80)
            len = 3;
        else
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

size_t
t5g_utf8_space(const char *s, size_t n)
{
    size_t len = n > 0 ? t5g_utf8_len((const unsigned char *)s, n, NULL) : 0;
    uint32_t c = len > 0 ? t5g_utf8_decode((const unsigned char *)s, len) : 0;
    bool space = (c >= 0x9 && c <= 0xd) || c == ' ' || c == 0x85 || c == 0xa0 || c == 0x1680 ||
                 (c >= 0x2000 && c <= 0x200a) || c == 0x2028 || c == 0x2029 || c == 0x202f ||
                 c == 0x205f || c == 0x3000;
    return space ? len : 0;
}
