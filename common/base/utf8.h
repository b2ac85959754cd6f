/* utf8.h: well-formedness of UTF-8 (Unicode 15, table 3-7). */
#ifndef T5G_UTF8_H
#define T5G_UTF8_H

#include "base/mem.h"

/*
 * Length 1..4 of the well-formed character at s [n > 0], or 0 when it is ill-formed (overlong,
 * surrogate, above U+10FFFF, truncated). *bad then gets the length of the maximal ill-formed
 * subpart (1..3), which Python replaces by one U+FFFD. bad may be NULL.
 */
size_t t5g_utf8_len(const unsigned char *s, size_t n, size_t *bad);

/* Offset of the first ill-formed byte, or n when there is none. */
size_t t5g_utf8_check(const char *s, size_t n);

/* Length of the byte-order mark at the start of s: 3, or 0. */
size_t t5g_utf8_mark(const char *s, size_t n);

/* Append s with one U+FFFD for each maximal ill-formed subpart, as Python's errors="replace". */
void t5g_utf8_replace(struct t5g_buf *b, const char *s, size_t n);

/* Code point of the well-formed character of len bytes at s, and back (returns the length). */
uint32_t t5g_utf8_decode(const unsigned char *s, size_t len);
size_t t5g_utf8_encode(unsigned char out[4], uint32_t c);

/* Code point of the well-formed character at *s; moves *s past it. For loops over long text. */
static inline uint32_t
t5g_utf8_next(const unsigned char **s)
{
    const unsigned char *p = *s;
    uint32_t c = p[0];
    if (c < 0x80) {
        *s = p + 1;
        return c;
    }
    if (c < 0xe0) {
        *s = p + 2;
        return (c & 0x1f) << 6 | (p[1] & 0x3f);
    }
    if (c < 0xf0) {
        *s = p + 3;
        return (c & 0xf) << 12 | (p[1] & 0x3fu) << 6 | (p[2] & 0x3f);
    }
    *s = p + 4;
    return (c & 7) << 18 | (p[1] & 0x3fu) << 12 | (p[2] & 0x3fu) << 6 | (p[3] & 0x3f);
}

bool t5g_utf8_is_space(uint32_t c); /* Unicode White_Space */

/* Length of the white space character (Unicode White_Space) at the start of s[0..n); 0: none. */
size_t t5g_utf8_space(const char *s, size_t n);

#endif
