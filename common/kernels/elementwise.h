/*
 * elementwise.h: softmax and gelu, element by element, for all instruction sets.
 *
 * The including file first defines, on a register `vec` of W floats:
 *
 *   get(p, n), get_or(p, n, x)   min(n, W) floats, then zeros; then lanes of x
 *   put(p, n, v)                 store min(n, W) of them
 *   vset(f)                      f in every lane
 *   vadd, vsub, vmul, vdiv       lane by lane
 *   vfma(a, b, c)                a b + c, rounded once
 *   vfnma(a, b, c)               c - a b, rounded once
 *   vlimit(lo, x, hi)            x clamped to lo..hi; NaN where x is NaN
 *   vmax(m, x)                   the larger of the two
 *   vround(x)                    to the nearest integer, ties to even
 *   vtimes2(q, n, x, lo)         q 2^n, n from -126 to 127; 0 where x < lo
 *   vseen(j, lo, hi, x, other)   x in lanes i with lo <= j + i < hi, else other
 *   vsum(v), vtop(v), vfirst(v)  sum of lanes in a fixed order, largest lane, lane 0
 */
#ifndef T5G_ELEMENTWISE_H
#define T5G_ELEMENTWISE_H

#include "kernels/kernels.h"

#include <math.h>

/*
 * e^x, at most 2 units in the last place; 0 below -87.3 (where results stop being normal numbers),
 * e^88 above 88; NaN stays. x = n ln 2 + r, |r| <= ln 2 / 2, ln 2 in two parts; e^r = 1 + r + r^2
 * q(r) with q fitted to minimise the largest relative error (3e-9 before rounding).
 */
TEMPLATE vec
vexp(vec x)
{
    vec y = vlimit(vset(-87.3f), x, vset(88));
    vec n = vround(vmul(y, vset(1.44269504f)));
    vec r = vfnma(n, vset(0.693359375f), y);
    r = vfnma(n, vset(-2.12194440e-4f), r);
    vec q = vset(0x1.6a2430p-10f);
    q = vfma(q, r, vset(0x1.1239e4p-7f));
    q = vfma(q, r, vset(0x1.5558f2p-5f));
    q = vfma(q, r, vset(0x1.555492p-3f));
    q = vfma(q, r, vset(0x1.fffffcp-2f));
    q = vfma(q, vmul(r, r), r);
    q = vadd(q, vset(1));
    return vtimes2(q, n, x, vset(-87.3f));
}

/* x / (1 + exp(-2 y)), y = sqrt(2/pi) (x + 0.044715 x^3): see ref.c. */
TEMPLATE vec
vgelu(vec x)
{
    vec cube = vmul(vmul(x, x), x);
    vec y = vfma(cube, vset(0.044715f), x);
    vec e = vexp(vmul(y, vset(-2 * 0.7978845608f)));
    return vdiv(x, vadd(e, vset(1)));
}

static void
geglu(float *g, size_t ldg, const float *u, size_t ldu, size_t m, size_t n)
{
    for (size_t i = 0; i < m; i++) {
        float *gi = g + i * ldg;
        const float *ui = u + i * ldu;
        for (size_t j = 0; j < n; j += W)
            put(gi + j, n - j, vmul(vgelu(get(gi + j, n - j)), get(ui + j, n - j)));
    }
}

static void
gelu(float *g, size_t ldg, size_t m, size_t n)
{
    for (size_t i = 0; i < m; i++)
        for (size_t j = 0; j < n; j += W)
            put(g + i * ldg + j, n - j, vgelu(get(g + i * ldg + j, n - j)));
}

static float
softmax(float *s, size_t n, size_t lo, size_t hi, float scale, float *max, float *sum)
{
    const vec hidden = vset(-INFINITY), f = vset(scale);
    size_t padded = t5g_round_up(n, T5G_SOFT_PAD);
    if (lo >= hi) {
        memset(s, 0, padded * sizeof *s);
        return 1;
    }
    vec m = hidden, t = vset(0);
    for (size_t j = 0; j < padded; j += W) {
        vec x = vseen(j, lo, hi, vmul(get(s + j, padded - j), f), hidden);
        m = vmax(m, x);
        put(s + j, padded - j, x);
    }
    float top = fmaxf(*max, vtop(m));
    for (size_t j = 0; j < padded; j += W) {
        vec x = vexp(vsub(get_or(s + j, padded - j, hidden), vset(top)));
        t = vadd(t, x);
        put(s + j, padded - j, x);
    }
    float old = vfirst(vexp(vset(*max - top)));
    *sum = *sum * old + vsum(t);
    *max = top;
    return old;
}

static float
bounds(float *upper, float *top, const float *y, const float *a, const float *b, float p, float q,
       size_t n)
{
    const vec none = vset(-INFINITY);
    vec low = none, high = none;
    for (size_t j = 0; j < n; j += W) {
        vec x = get_or(y + j, n - j, none);
        vec far = vfma(get(a + j, n - j), vset(p), vmul(get(b + j, n - j), vset(q)));
        vec up = vadd(x, far);
        low = vmax(low, vsub(x, far));
        high = vmax(high, up);
        put(upper + j, n - j, up);
    }
    *top = vtop(high);
    return vtop(low);
}

#endif
