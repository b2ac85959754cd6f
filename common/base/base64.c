/* base64.c: bytes as text. */
#include "base/base64.h"

#include <string.h>

static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void
t5g_base64(struct t5g_buf *b, const unsigned char *p, size_t n)
{
    t5g_buf_reserve(b, (n + 2) / 3 * 4);
    for (size_t i = 0; i < n; i += 3) {
        size_t left = n - i;
        uint32_t v = (uint32_t)p[i] << 16 | (left > 1 ? (uint32_t)p[i + 1] << 8 : 0) |
                     (left > 2 ? (uint32_t)p[i + 2] : 0);
        char out[4] = {digits[v >> 18], digits[v >> 12 & 63], left > 1 ? digits[v >> 6 & 63] : '=',
                       left > 2 ? digits[v & 63] : '='};
        t5g_buf_add(b, out, sizeof out);
    }
}

int
t5g_base64_read(struct t5g_buf *b, const char *s, size_t n)
{
    signed char value[256];
    memset(value, -1, sizeof value);
    for (int i = 0; i < 64; i++)
        value[(unsigned char)digits[i]] = (signed char)i;
    if (n % 4 != 0)
        return -1;
    size_t pad = n > 0 && s[n - 1] == '=' ? 1u + (s[n - 2] == '=') : 0;
    for (size_t i = 0; i < n; i += 4) {
        uint32_t v = 0;
        size_t have = i + 4 == n ? 4 - pad : 4;
        for (size_t k = 0; k < 4; k++) {
            int digit = k < have ? value[(unsigned char)s[i + k]] : 0;
            if (digit < 0)
                return -1;
            v = v << 6 | (uint32_t)digit;
        }
        unsigned char out[] = {(unsigned char)(v >> 16), (unsigned char)(v >> 8), (unsigned char)v};
        if ((v << (8 * (have - 1)) & 0xffffff) != 0)
            return -1; /* bits beyond the last byte */
        t5g_buf_add(b, out, have - 1);
    }
    return 0;
}
