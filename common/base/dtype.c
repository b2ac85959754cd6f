/* dtype.c: element types and their conversion. */
#include "base/dtype.h"

static const struct {
    const char *name, *safetensors;
    size_t size;
} types[] = {
    [T5G_U8] = {"u8", "U8", 1},       [T5G_I8] = {"i8", "I8", 1},    [T5G_U16] = {"u16", "U16", 2},
    [T5G_I16] = {"i16", "I16", 2},    [T5G_U32] = {"u32", "U32", 4}, [T5G_I32] = {"i32", "I32", 4},
    [T5G_U64] = {"u64", "U64", 8},    [T5G_I64] = {"i64", "I64", 8}, [T5G_F16] = {"f16", "F16", 2},
    [T5G_BF16] = {"bf16", "BF16", 2}, [T5G_F32] = {"f32", "F32", 4}, [T5G_F64] = {"f64", "F64", 8},
    [T5G_BOOL] = {"bool", "BOOL", 1},
};

static bool
known(int dtype)
{
    return dtype >= T5G_U8 && dtype <= T5G_BOOL;
}

size_t
t5g_dtype_size(int dtype)
{
    return known(dtype) ? types[dtype].size : 0;
}

const char *
t5g_dtype_name(int dtype)
{
    return known(dtype) ? types[dtype].name : "?";
}

const char *
t5g_dtype_safetensors(int dtype)
{
    return known(dtype) ? types[dtype].safetensors : NULL;
}

int
t5g_dtype_parse(const char *name)
{
    for (int i = T5G_U8; i <= T5G_BOOL; i++)
        if (strcmp(types[i].name, name) == 0)
            return i;
    return 0;
}

int
t5g_dtype_parse_safetensors(const char *name)
{
    for (int i = T5G_U8; i <= T5G_BOOL; i++)
        if (strcmp(types[i].safetensors, name) == 0)
            return i;
    return 0;
}

static uint32_t
bits(float f)
{
    uint32_t u;
    memcpy(&u, &f, 4);
    return u;
}

static float
from_bits(uint32_t u)
{
    float f;
    memcpy(&f, &u, 4);
    return f;
}

uint16_t
t5g_f32_to_bf16(float f)
{
    uint32_t u = bits(f);
    /* A NaN with its payload in the low half must not become infinity. */
    if ((u & 0x7fffffff) > 0x7f800000)
        return (uint16_t)(u >> 16 | 0x40);
    return (uint16_t)((u + 0x7fff + (u >> 16 & 1)) >> 16);
}

float
t5g_f16_to_f32(uint16_t v)
{
    uint32_t sign = (uint32_t)(v & 0x8000) << 16, e = v >> 10 & 31, m = v & 0x3ff;
    if (e == 0) /* zero and subnormals: m * 2^-24 is exact in f32 */
        return from_bits(bits((float)m * 0x1p-24f) | sign);
    if (e == 31)
        return from_bits(sign | 0x7f800000 | m << 13);
    return from_bits(sign | (e + 112) << 23 | m << 13);
}

uint16_t
t5g_f32_to_f16(float f)
{
    uint32_t u = bits(f), sign = u >> 16 & 0x8000, a = u & 0x7fffffff;
    if (a > 0x7f800000)
        return (uint16_t)(sign | 0x7e00);
    if (a >= 0x477ff000) /* 65520 and above round to infinity */
        return (uint16_t)(sign | 0x7c00);
    if (a < 0x38800000) { /* below 2^-14: a multiple of 2^-24; the f32 adder rounds to even */
        float r = from_bits(a) + 0.5f;
        return (uint16_t)(sign | (bits(r) - bits(0.5f)));
    }
    a += 0xfff + (a >> 13 & 1);
    return (uint16_t)(sign | (a - 0x38000000) >> 13);
}

void
t5g_to_f32(float *dst, const void *src, int dtype, size_t n)
{
    const unsigned char *p = src;
    if (dtype == T5G_F32) {
        memcpy(dst, src, n * 4);
        return;
    }
    for (size_t i = 0; i < n; i++) {
        uint16_t v;
        memcpy(&v, p + 2 * i, 2);
        dst[i] = dtype == T5G_BF16 ? t5g_bf16_to_f32(v) : t5g_f16_to_f32(v);
    }
}

void
t5g_narrow(void *dst, int to, const void *src, int from, size_t n)
{
    const char *p = src;
    for (size_t i = 0; i < n; i++) {
        float f;
        if (from == T5G_F32)
            memcpy(&f, p + 4 * i, 4);
        else
            t5g_to_f32(&f, p + 2 * i, from, 1);
        uint16_t v = to == T5G_BF16 ? t5g_f32_to_bf16(f) : t5g_f32_to_f16(f);
        memcpy((char *)dst + 2 * i, &v, 2); /* never past the element just read */
    }
}
