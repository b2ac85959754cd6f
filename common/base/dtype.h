/* dtype.h: element types of tensors, as numbered in t5g-stream(5), and bf16/f16 conversion. */
#ifndef T5G_DTYPE_H
#define T5G_DTYPE_H

#include "base/base.h"
#include <string.h>

enum t5g_dtype {
    T5G_U8 = 1,
    T5G_I8,
    T5G_U16,
    T5G_I16,
    T5G_U32,
    T5G_I32,
    T5G_U64,
    T5G_I64,
    T5G_F16,
    T5G_BF16,
    T5G_F32,
    T5G_F64,
    T5G_BOOL,

    /* Layouts of packed weights, not element types of a stream: see struct t5g_qpanel. */
    T5G_Q8 = 64,
    T5G_Q6,
    T5G_Q4,
};

static inline bool
t5g_is_quantised(int dtype)
{
    return dtype >= T5G_Q8 && dtype <= T5G_Q4;
}

size_t t5g_dtype_size(int dtype);      /* bytes per element; 0 for an unknown number */
const char *t5g_dtype_name(int dtype); /* "f32", "bf16", ...; "?" for an unknown number */
int t5g_dtype_parse(const char *name); /* inverse of t5g_dtype_name; 0 when unknown */
int t5g_dtype_parse_safetensors(const char *name); /* "F32", "BF16", "BOOL", ...; 0 when unknown */
const char *t5g_dtype_safetensors(int dtype);      /* inverse; NULL when it has no name there */

static inline float
t5g_bf16_to_f32(uint16_t v)
{
    uint32_t u = (uint32_t)v << 16;
    float f;
    memcpy(&f, &u, 4);
    return f;
}

uint16_t t5g_f32_to_bf16(float f); /* round to nearest, ties to even; NaN stays NaN */
float t5g_f16_to_f32(uint16_t v);
uint16_t t5g_f32_to_f16(float f); /* round to nearest, ties to even; overflow to infinity */

/* Widen n elements of dtype bf16, f16 or f32 at src (any alignment) to f32. */
void t5g_to_f32(float *dst, const void *src, int dtype, size_t n);

/* Round n elements of dtype bf16, f16 or f32 at src to bf16 or f16 at dst, which may be src. */
void t5g_narrow(void *dst, int to, const void *src, int from, size_t n);

#endif
