/* npy.c: the .npy format of numpy, version 1.0 (written) and 1.0 to 3.0 (read). */
#include "convert/convert.h"
#include "base/mem.h"

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
t5g_npy_header(struct t5g_buf *b, int dtype, size_t ndim, const uint64_t *dims)
{
    struct t5g_buf dict = {0};
    const char *descr = "<f4"; /* bf16, which numpy does not have, is widened */
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

/* The value after `'key':` and blanks in the header's dictionary; NULL if absent. */
static const char *
value_of(const char *dict, const char *key)
{
    const char *p = strstr(dict, key);
    return p != NULL ? p + strlen(key) + strspn(p + strlen(key), " ") : NULL;
}

/* The element type of descr, such as "<f4" with its quotes; *swap: it is big-endian. */
static int
parse_type(const char *descr, size_t n, bool *swap)
{
    *swap = n == 5 && descr[1] == '>';
    for (size_t i = 0; n == 5 && i < T5G_LEN(types); i++)
        if (memcmp(descr + 2, types[i].descr + 1, 2) == 0 &&
            (descr[1] == types[i].descr[0] || *swap || descr[1] == '='))
            return types[i].dtype;
    return 0;
}

static int
parse_dict(struct t5g_payload *p, const char *dict, bool *swap, bool *columns, struct t5g_err *e)
{
    const char *descr = value_of(dict, "'descr':"), *order = value_of(dict, "'fortran_order':"),
               *shape = value_of(dict, "'shape':");
    const char *quote =
        descr != NULL && (*descr == '\'' || *descr == '"') ? strchr(descr + 1, *descr) : NULL;
    size_t n = quote != NULL ? (size_t)(quote + 1 - descr) : 0;
    p->dtype = quote != NULL ? parse_type(descr, n, swap) : 0;
    if (p->dtype == 0 && n > 0 && n < 40)
        return t5g_err_set(e, T5G_EX_DATA, "element type %.*s has no counterpart in a stream",
                           (int)n, descr);
    if (p->dtype == 0)
        return t5g_err_set(e, T5G_EX_DATA, "elements are records or of an unknown type");
    if (order == NULL || (strncmp(order, "False", 5) != 0 && strncmp(order, "True", 4) != 0))
        return t5g_err_set(e, T5G_EX_DATA, "header has no fortran_order");
    *columns = order[0] == 'T';
    const char *end = shape != NULL && *shape == '(' ? strchr(shape, ')') : NULL;
    if (end == NULL)
        return t5g_err_set(e, T5G_EX_DATA, "header has no shape");
    return t5g_numbers_take_shape(p, shape + 1, (size_t)(end - shape - 1), e);
}

/* Copy the elements into row-major order and little-endian bytes. */
static void
rearrange(struct t5g_payload *p, bool swap, bool columns)
{
    size_t size = t5g_dtype_size(p->dtype), n = (size_t)p->size / size;
    uint64_t at[T5G_FRAME_NDIM_MAX] = {0}, step[T5G_FRAME_NDIM_MAX] = {0};
    unsigned char *out = t5g_alloc_raw(n, size);
    for (size_t k = 0; k < p->ndim; k++)
        step[k] = k > 0 ? step[k - 1] * p->dims[k - 1] : 1;
    for (size_t i = 0, from = 0; i < n; i++) {
        for (size_t b = 0; b < size; b++)
            out[i * size + b] = p->data[(columns ? from : i) * size + (swap ? size - 1 - b : b)];
        for (size_t k = p->ndim; k-- > 0;) { /* the next index in row-major order */
            from += (size_t)step[k];
            if (++at[k] < p->dims[k])
                break;
            from -= (size_t)(step[k] * p->dims[k]);
            at[k] = 0;
        }
    }
    p->owned = out;
    p->data = out;
}

static int
check_size(const struct t5g_payload *p, struct t5g_err *e)
{
    uint64_t want = t5g_dtype_size(p->dtype);
    for (size_t i = 0; i < p->ndim; i++)
        if (__builtin_mul_overflow(want, p->dims[i], &want))
            return t5g_err_set(e, T5G_EX_DATA, "dimensions overflow");
    if (want != p->size)
        return t5g_err_set(e, T5G_EX_DATA, "%s: its shape needs %llu bytes, but there are %llu",
                           want > p->size ? "truncated" : "too long", (unsigned long long)want,
                           (unsigned long long)p->size);
    return 0;
}

int
t5g_npy_parse(struct t5g_payload *p, const unsigned char *bytes, size_t n, struct t5g_err *e)
{
    bool swap = false, columns = false;
    if (n < 10 || memcmp(bytes, "\x93NUMPY", 6) != 0 || bytes[6] < 1 || bytes[6] > 3)
        return t5g_err_set(e, T5G_EX_DATA, "not a .npy file of version 1 to 3");
    size_t start = bytes[6] == 1 ? 10 : 12, len = (size_t)(bytes[8] | bytes[9] << 8);
    if (start == 12 && n >= 12)
        len |= (size_t)bytes[10] << 16 | (size_t)bytes[11] << 24;
    if (start > n || len > n - start || len > 1 << 16)
        return t5g_err_set(e, T5G_EX_DATA, "header does not fit in the file");
    char *dict = t5g_memdup(bytes + start, len);
    int r = parse_dict(p, dict, &swap, &columns, e);
    t5g_free(dict);
    p->data = bytes + start + len;
    p->size = n - start - len;
    if (r == 0)
        r = check_size(p, e);
    if (r == 0 && (swap || (columns && p->ndim > 1)))
        rearrange(p, swap, columns);
    return r;
}
