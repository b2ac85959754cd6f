/*
 * jpeg_idct.c: the inverse transform of T.81, A.3.3, in integers: the factorisation of Loeffler,
 * Ligtenberg and Moschytz with constants of 13 bits. Rounding, and the treatment of values that no
 * encoder makes (sums wrap at 16 bits, results saturate), are those of libjpeg-turbo's vector code,
 * so that damaged files give the same pixels too.
 */
#include "image/jpeg.h"

enum { BITS = 13, EXTRA = 2 }; /* of constants; extra ones between the passes */

static int16_t
wrap16(int32_t v)
{
    return (int16_t)(uint16_t)(uint32_t)v;
}

static int32_t
add32(int32_t a, int32_t b)
{
    return (int32_t)((uint32_t)a + (uint32_t)b);
}

static int32_t
sub32(int32_t a, int32_t b)
{
    return (int32_t)((uint32_t)a - (uint32_t)b);
}

static int16_t
descale(int32_t v, int shift)
{
    v = add32(v, 1 << (shift - 1)) >> shift;
    return (int16_t)(v < INT16_MIN ? INT16_MIN : v > INT16_MAX ? INT16_MAX : v);
}

/* Eight values, step apart, in place. */
static void
pass(int16_t *x, size_t step, int shift)
{
    /* 8192 times cosines and sines, combined as they are used. */
    enum {
        C0541 = 4433,
        C0765 = 6270,
        C1847 = 15137,
        C1175 = 9633,
        C1961 = 16069,
        C0390 = 3196,
        C0298 = 2446,
        C0899 = 7373,
        C2053 = 16819,
        C2562 = 20995,
        C3072 = 25172,
        C1501 = 12299
    };
    int16_t x0 = x[0], x1 = x[step], x2 = x[2 * step], x3 = x[3 * step], x4 = x[4 * step],
            x5 = x[5 * step], x6 = x[6 * step], x7 = x[7 * step];
    /* Even: 0 and 4, 2 and 6. */
    int32_t s = wrap16(x0 + x4) * (1 << BITS), d = wrap16(x0 - x4) * (1 << BITS);
    int32_t p = add32(x2 * (C0541 + C0765), x6 * C0541);
    int32_t q = add32(x2 * C0541, x6 * (C0541 - C1847));
    int32_t even[4] = {add32(s, p), add32(d, q), sub32(d, q), sub32(s, p)};
    /* Odd. */
    int32_t u = wrap16(x7 + x3), v = wrap16(x5 + x1);
    int32_t a = add32(u * (C1175 - C1961), v * C1175), b = add32(u * C1175, v * (C1175 - C0390));
    int32_t odd[4] = {add32(add32(x7 * -C0899, x1 * (C1501 - C0899)), b),
                      add32(add32(x5 * -C2562, x3 * (C3072 - C2562)), a),
                      add32(add32(x5 * (C2053 - C2562), x3 * -C2562), b),
                      add32(add32(x7 * (C0298 - C0899), x1 * -C0899), a)};
    for (size_t i = 0; i < 4; i++) {
        x[i * step] = descale(add32(even[i], odd[i]), shift);
        x[(7 - i) * step] = descale(sub32(even[i], odd[i]), shift);
    }
}

void
t5g_jpeg_idct(const int16_t block[64], const uint16_t quant[64], uint8_t *out, size_t stride)
{
    int16_t x[64];
    unsigned below = 0; /* anything in rows 1 to 7 */
    for (size_t i = 0; i < 64; i++) {
        x[i] = (int16_t)(uint16_t)((uint32_t)(uint16_t)block[i] * quant[i]);
        below |= i >= 8 ? (uint16_t)block[i] : 0;
    }
    if (below == 0) /* a constant down each column */
        for (size_t i = 0; i < 64; i++)
            x[i] = i < 8 ? (int16_t)(uint16_t)((uint16_t)x[i] << EXTRA) : x[i - 8];
    else
        for (size_t i = 0; i < 8; i++)
            pass(x + i, 8, BITS - EXTRA);
    for (size_t row = 0; row < 8; row++) {
        pass(x + 8 * row, 1, BITS + EXTRA + 3);
        for (size_t i = 0; i < 8; i++) {
            int v = x[8 * row + i];
            out[row * stride + i] = (uint8_t)(128 + (v < -128 ? -128 : v > 127 ? 127 : v));
        }
    }
}
