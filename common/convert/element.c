/* element.c: elements of tensors of any type. */
#include "convert/convert.h"
#include "base/num.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

bool
t5g_element_is_float(int dtype)
{
    return dtype == T5G_F16 || dtype == T5G_BF16 || dtype == T5G_F32 || dtype == T5G_F64;
}

bool
t5g_element_is_signed(int dtype)
{
    return dtype == T5G_I8 || dtype == T5G_I16 || dtype == T5G_I32 || dtype == T5G_I64;
}

double
t5g_element_float(const struct t5g_frame *f, uint64_t i)
{
    const unsigned char *p = f->data + i * t5g_dtype_size(f->dtype);
    double d;
    float v;
    if (f->dtype == T5G_F64) {
        memcpy(&d, p, 8);
        return d;
    }
    t5g_to_f32(&v, p, f->dtype, 1);
    return (double)v;
}

uint64_t
t5g_element_int(const struct t5g_frame *f, uint64_t i, bool *negative)
{
    size_t size = t5g_dtype_size(f->dtype);
    uint64_t v = 0;
    memcpy(&v, f->data + i * size, size); /* little-endian host: base.h */
    *negative = t5g_element_is_signed(f->dtype) && (v >> (8 * size - 1) & 1) != 0;
    if (*negative && size < 8)
        v |= ~UINT64_C(0) << (8 * size);
    return v;
}

void
t5g_element_put(struct t5g_buf *b, const struct t5g_frame *f, uint64_t i)
{
    char text[32];
    bool negative;
    if (f->dtype == T5G_F64) {
        t5g_buf_printf(b, "%.17g", t5g_element_float(f, i));
    } else if (t5g_element_is_float(f->dtype)) {
        float v = (float)t5g_element_float(f, i);
        if (isfinite(v))
            t5g_num_print_f32(text, v);
        else
            snprintf(text, sizeof text, "%s", isnan(v) ? "nan" : v > 0 ? "inf" : "-inf");
        t5g_buf_adds(b, text);
    } else {
        uint64_t v = t5g_element_int(f, i, &negative);
        if (negative)
            t5g_buf_printf(b, "%" PRId64, (int64_t)v);
        else
            t5g_buf_printf(b, "%" PRIu64, v);
    }
}
