/* numbers.c: the elements of a tensor as a JSON array, and back. */
#include "convert/convert.h"
#include "base/mem.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define EXACT (INT64_C(1) << 53) /* beyond, readers that use doubles need a string */

static void
put_number(struct t5g_buf *b, const struct t5g_frame *f, uint64_t i)
{
    bool quoted = false, negative;
    if (t5g_element_is_float(f->dtype)) {
        double v = t5g_element_float(f, i);
        if (!isfinite(v)) {
            t5g_buf_adds(b, isnan(v) ? "\"NaN\"" : v > 0 ? "\"Infinity\"" : "\"-Infinity\"");
            return;
        }
    } else {
        uint64_t v = t5g_element_int(f, i, &negative);
        quoted = (negative ? 0 - v : v) > (uint64_t)EXACT;
    }
    if (quoted)
        t5g_buf_addc(b, '"');
    t5g_element_put(b, f, i);
    if (quoted)
        t5g_buf_addc(b, '"');
}

void
t5g_numbers_put(struct t5g_buf *b, const struct t5g_frame *f)
{
    uint64_t n = f->size / t5g_dtype_size(f->dtype);
    t5g_buf_adds(b, ",\"data\":[");
    for (uint64_t i = 0; i < n; i++) {
        if (i > 0)
            t5g_buf_addc(b, ',');
        put_number(b, f, i);
    }
    t5g_buf_addc(b, ']');
}

/* The next number of an array as plain text; false at its end. Ignores brackets and quotes. */
static bool
next_number(const char **at, const char *end, char text[64])
{
    const char *p = *at;
    while (p < end && strchr(" \t\r\n,[]\"", *p) != NULL)
        p++;
    size_t n = 0;
    while (p + n < end && strchr(" \t\r\n,[]\"", p[n]) == NULL)
        n++;
    *at = p + n;
    n = t5g_min(n, 63);
    memcpy(text, p, n);
    text[n] = '\0';
    return n > 0;
}

static bool
parse_float(int dtype, const char *text, unsigned char *out)
{
    char *end;
    bool word =
        strcmp(text, "NaN") == 0 || strcmp(text, "Infinity") == 0 || strcmp(text, "-Infinity") == 0;
    if (!word && strspn(text, "+-.eE0123456789") != strlen(text))
        return false;
    if (dtype == T5G_F64) {
        double d = strtod(text, &end);
        memcpy(out, &d, 8);
    } else {
        float v = strtof(text, &end);
        uint16_t half = dtype == T5G_F16 ? t5g_f32_to_f16(v) : t5g_f32_to_bf16(v);
        if (dtype == T5G_F32)
            memcpy(out, &v, 4);
        else
            memcpy(out, &half, 2);
    }
    return *end == '\0' && end != text;
}

static bool
parse_int(int dtype, const char *text, unsigned char *out)
{
    size_t size = t5g_dtype_size(dtype);
    bool is_signed = t5g_element_is_signed(dtype), minus = text[0] == '-';
    char *end;
    errno = 0;
    uint64_t v = strtoull(text + minus, &end, 10);
    if (text[minus] < '0' || text[minus] > '9' || *end != '\0' || errno != 0)
        return false;
    uint64_t max = UINT64_MAX >> (64 - 8 * size);
    if (is_signed)
        max = (max >> 1) + minus;
    if (v > max || (minus && !is_signed && v != 0))
        return false;
    v = minus ? 0 - v : v;
    memcpy(out, &v, size); /* little-endian host: base.h */
    return true;
}

int
t5g_numbers_take(struct t5g_payload *p, const char *raw, size_t n, struct t5g_err *e)
{
    const char *at = raw, *end = raw + n;
    char text[64];
    size_t size = t5g_dtype_size(p->dtype), count = 0;
    /* Every number takes at least two bytes of text, which bounds the size of the array. */
    unsigned char *out = t5g_alloc(n / 2 + 1, size);
    p->owned = out;
    p->data = out;
    while (next_number(&at, end, text)) {
        bool good = t5g_element_is_float(p->dtype) ? parse_float(p->dtype, text, out + count * size)
                                                   : parse_int(p->dtype, text, out + count * size);
        if (!good)
            return t5g_err_set(e, T5G_EX_DATA, "\"data\": element %zu is %s, expected %s", count,
                               text, t5g_dtype_name(p->dtype));
        count++;
    }
    p->size = count * size;
    return 0;
}

int
t5g_numbers_take_shape(struct t5g_payload *p, const char *raw, size_t n, struct t5g_err *e)
{
    const char *at = raw, *end = raw + n;
    char text[64];
    p->ndim = 0;
    while (next_number(&at, end, text)) {
        if (p->ndim == T5G_FRAME_NDIM_MAX ||
            !parse_int(T5G_U64, text, (unsigned char *)&p->dims[p->ndim]))
            return t5g_err_set(e, T5G_EX_DATA, "\"shape\": expected up to %d whole numbers",
                               T5G_FRAME_NDIM_MAX);
        p->ndim++;
    }
    return 0;
}
