/* npy.c: the .npy format of numpy, version 1.0 (written) and 1.0 to 3.0 (read). */
#include "convert.h"

#include <stdio.h>
#include <string.h>

static const struct {
    int dtype;
    const char *descr;
} types[] = {
    {T5G_U8, "|u1"},  {T5G_I8, "|i1"},  {T5G_U16, "<u2"}, {T5G_I16, "<i2"},
    {T5G_U32, "<u4"}, {T5G_I32, "<i4"}, {T5G_U64, "<u8"}, {T5G_I64, "<i8"},
    {T5G_F16, "<f2"}, {T5G_F32, "<f4"}, {T5G_F64, "<f8"}, {T5G_BOOL, "|b1"},
};

void
npy_header(struct t5g_buf *b, int dtype, size_t ndim, const uint64_t *dims)
{
    struct t5g_buf dict = {0};
    const char *descr = "<f4"; /* bf16, which numpy has not, is widened */
    for (size_t i = 0; i < T5G_LEN(types); i++)
        if (types[i].dtype == dtype)
            descr = types[i].descr;
    t5g_buf_printf(&dict, "{'descr': '%s', 'fortran_order': False, 'shape': (", descr);
    for (size_t i = 0; i < ndim; i++)
        t5g_buf_printf(&dict, "%llu%s", (unsigned long long)dims[i],
                       ndim == 1      ? ","
                       : i + 1 < ndim ? ", "
                                      : "");
    t5g_buf_adds(&dict, "), }");
    while ((10 + dict.n + 1) % 64 != 0)
        t5g_buf_addc(&dict, ' ');
    t5g_buf_addc(&dict, '\n');
    t5g_buf_add(b, "\x93NUMPY\x01\x00", 8);
    t5g_buf_addc(b, (char)(dict.n & 255));
    t5g_buf_addc(b, (char)(dict.n >> 8));
    t5g_buf_add(b, dict.p, dict.n);
    t5g_buf_free(&dict);
}

/* Behind `'key':` and blanks in the header's dictionary; NULL when it is not there. */
static const char *
value_of(const char *dict, const char *key)
{
    const char *p = strstr(dict, key);
    return p != NULL ? p + strlen(key) + strspn(p + strlen(key), " ") : NULL;
}

static int
parse_dict(struct payload *p, const char *dict, struct t5g_err *e)
{
    const char *descr = value_of(dict, "'descr':"), *order = value_of(dict, "'fortran_order':"),
               *shape = value_of(dict, "'shape':");
    p->dtype = 0;
    for (size_t i = 0; descr != NULL && i < T5G_LEN(types); i++)
        if (strncmp(descr + 1, types[i].descr, 3) == 0 && descr[4] == descr[0])
            p->dtype = types[i].dtype;
    if (p->dtype == 0)
        return t5g_err_set(e, T5G_EX_DATA, "element type %.20s has no counterpart",
                           descr != NULL ? descr : "?");
    if (order == NULL || strncmp(order, "False", 5) != 0)
        return t5g_err_set(e, T5G_EX_DATA, "not in row-major order (fortran_order)");
    const char *end = shape != NULL && *shape == '(' ? strchr(shape, ')') : NULL;
    if (end == NULL)
        return t5g_err_set(e, T5G_EX_DATA, "header has no shape");
    return take_shape(p, shape + 1, (size_t)(end - shape - 1), e);
}

int
npy_parse(struct payload *p, const unsigned char *bytes, size_t n, struct t5g_err *e)
{
    if (n < 10 || memcmp(bytes, "\x93NUMPY", 6) != 0 || bytes[6] < 1 || bytes[6] > 3)
        return t5g_err_set(e, T5G_EX_DATA, "not a .npy file of version 1 to 3");
    size_t start = bytes[6] == 1 ? 10 : 12, len = (size_t)(bytes[8] | bytes[9] << 8);
    if (start == 12 && n >= 12)
        len |= (size_t)bytes[10] << 16 | (size_t)bytes[11] << 24;
    if (start > n || len > n - start || len > 1 << 16)
        return t5g_err_set(e, T5G_EX_DATA, "header does not fit in the file");
    char *dict = t5g_memdup(bytes + start, len);
    int r = parse_dict(p, dict, e);
    t5g_free(dict);
    p->data = bytes + start + len;
    p->size = n - start - len;
    return r; /* dims against size: the writer's check */
}
