/* jsonpython.c: turn the output of Python's json into JSON. */
#include "base/jsonpython.h"
#include "base/jsonstr.h"
#include "base/num.h"

#include <float.h>
#include <string.h>

static bool
is_surrogate(const char *p, const char *end, char low, char high)
{
    return end - p >= 6 && p[0] == '\\' && p[1] == 'u' && (p[2] | 32) == 'd' &&
           (p[3] | 32) >= low && (p[3] | 32) <= high;
}

/* Append the string that begins at p, with its quotes; returns its end. */
static const char *
put_string(struct t5g_buf *out, const char *p, const char *end)
{
    t5g_buf_addc(out, *p++);
    while (p < end) {
        size_t len = *p == '\\' ? t5g_min(2, (size_t)(end - p)) : 1;
        bool first = is_surrogate(p, end, '8', '9') || is_surrogate(p, end, 'a', 'b');
        if (first && is_surrogate(p + 6, end, 'c', 'f')) {
            t5g_buf_add(out, p, 12);
            p += 12;
        } else if (first || is_surrogate(p, end, 'c', 'f')) {
            t5g_buf_adds(out, "\\ufffd");
            p += 6;
        } else {
            t5g_buf_add(out, p, len);
            p += len;
            if (len == 1 && p[-1] == '"')
                break;
        }
    }
    return p;
}

/* Whether a number is a finite double in at most T5G_JSON_NUMBER_MAX characters. */
static bool
is_plain(const char *p, size_t n)
{
    char copy[T5G_JSON_NUMBER_MAX + 1] = {0};
    double v;
    if (n > T5G_JSON_NUMBER_MAX)
        return false;
    memcpy(copy, p, n);
    return t5g_num_double("", copy, -DBL_MAX, DBL_MAX, &v, NULL) == 0;
}

size_t
t5g_json_nan(const char *p, size_t n)
{
    static const char *const words[] = {"NaN", "Infinity", "-Infinity"};
    for (size_t i = 0; i < T5G_LEN(words); i++)
        if (n >= strlen(words[i]) && memcmp(p, words[i], strlen(words[i])) == 0)
            return strlen(words[i]);
    return 0;
}

void
t5g_json_from_python(struct t5g_buf *out, const char *text, size_t n)
{
    const char *p = text, *end = text + n;
    while (p < end) {
        if (*p == '"') {
            p = put_string(out, p, end);
            continue;
        }
        size_t len = t5g_json_nan(p, (size_t)(end - p));
        bool quote = len > 0;
        for (; !quote && p + len < end && p[len] != '\0' &&
               strchr("+-.0123456789eE", p[len]) != NULL;)
            len++;
        bool digit = len > 0 && ((p[0] >= '0' && p[0] <= '9') ||
                                 (p[0] == '-' && len > 1 && p[1] >= '0' && p[1] <= '9'));
        quote = quote || (digit && !is_plain(p, len));
        len = len > 0 ? len : 1;
        if (quote)
            t5g_buf_addc(out, '"');
        t5g_buf_add(out, p, len);
        if (quote)
            t5g_buf_addc(out, '"');
        p += len;
    }
    t5g_buf_adds(out, "");
}
