/* escape.c: untrusted text made safe to show on a terminal. */
#include "base/escape.h"
#include "base/utf8.h"

#include <string.h>

/*
 * Whether a character must not reach a terminal unescaped:
 *
 * - control characters, including the 8-bit ones (U+0080 to U+009F), and line separators;
 * - marks that change the writing direction (U+061C, U+200E, U+200F, U+202A to U+202E, U+2066 to
 *   U+2069);
 * - invisible characters (U+200B, U+2060 to U+206F, U+FEFF, U+FFF9 to U+FFFB, tags U+E0000 to
 *   U+E007F).
 *
 * Joiners (U+200C, U+200D) pass: scripts and emoji need them.
 */
static bool
needed(uint32_t c)
{
    static const struct {
        uint32_t first, last;
    } ranges[] = {
        {0, 0x1f},        {0x7f, 0x9f},     {0x61c, 0x61c},   {0x200b, 0x200b}, {0x200e, 0x200f},
        {0x2028, 0x202e}, {0x2060, 0x206f}, {0xfeff, 0xfeff}, {0xfff9, 0xfffb}, {0xe0000, 0xe007f},
    };
    for (size_t i = 0; i < T5G_LEN(ranges); i++)
        if (c <= ranges[i].last)
            return c >= ranges[i].first;
    return false;
}

size_t
t5g_escape_one(char out[16], const char *s, size_t n, size_t *len, bool backslash)
{
    static const char hex[] = "0123456789abcdef";
    const unsigned char *p = (const unsigned char *)s;
    size_t bad = 1, good = t5g_utf8_len(p, n, &bad), used = 0;
    *len = good > 0 ? good : bad;
    if (good > 0 && !needed(t5g_utf8_decode(p, good))) {
        if (backslash && p[0] == '\\')
            out[used++] = '\\';
        memcpy(out + used, p, good);
        return used + good;
    }
    for (size_t i = 0; i < *len; i++) {
        out[used++] = '\\';
        out[used++] = 'x';
        out[used++] = hex[p[i] >> 4];
        out[used++] = hex[p[i] & 15];
    }
    return used;
}

void
t5g_escape(struct t5g_buf *b, const char *s, size_t n, bool backslash)
{
    char out[16];
    for (size_t len; n > 0; s += len, n -= len) {
        size_t m = t5g_escape_one(out, s, n, &len, backslash);
        t5g_buf_add(b, out, m);
    }
}

void
t5g_escape_json(struct t5g_buf *b, const char *json, size_t n)
{
    const unsigned char *p = (const unsigned char *)json;
    for (size_t i = 0, len; i < n; i += len) {
        len = t5g_utf8_len(p + i, n - i, NULL);
        uint32_t c = len > 0 ? t5g_utf8_decode(p + i, len) : p[i];
        len = len > 0 ? len : 1;
        if (c < 0x20 || !needed(c)) /* ASCII controls occur only between strings */
            t5g_buf_add(b, p + i, len);
        else if (c < 0x10000)
            t5g_buf_printf(b, "\\u%04x", (unsigned)c);
        else
            t5g_buf_printf(b, "\\u%04x\\u%04x", 0xd7c0u + (unsigned)(c >> 10),
                           0xdc00u + (unsigned)(c & 0x3ff));
    }
}
