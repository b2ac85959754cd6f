/*
 * norms.h: norms, rope and soft-cap: the other functions that work element by element.
 *
 * Besides the names of elementwise.h, the including file first defines
 *
 *   vabs(z), vsign(x, z)         |z|; x with the sign of z
 *   vbelow(z, f, a, b)           a where z < f, else b (also where z is NaN)
 *   vrotate(a, c, b, s)          a c - b s; one product is rounded before the sum
 *   vrotate_back(b, c, a, s)     b c + a s, likewise
 *   TAIL                         4: what follows the last four whole registers of a row goes into
 *                                the four sums in turn; 1: all into the first
 */
#ifndef T5G_NORMS_H
#define T5G_NORMS_H

#include "kernels/elementwise.h"

/*
 * tanh z, at most 3 units in the last place: z + z^3 p(z^2) for |z| < 0.625 (4e-9 before rounding),
 * else 1 - 2 / (e^2|z| + 1) with the sign of z, where the difference does not cancel.
 */
TEMPLATE vec
vtanh(vec z)
{
    vec a = vabs(z), z2 = vmul(z, z);
    vec p = vset(-0.0057049785f);
    p = vfma(p, z2, vset(0.020639079f));
    p = vfma(p, z2, vset(-0.05373971f));
    p = vfma(p, z2, vset(0.13331442f));
    p = vfma(p, z2, vset(-0.3333328f));
    p = vfma(p, vmul(z2, z), z);
    vec t = vadd(vexp(vadd(a, a)), vset(1));
    t = vsub(vset(1), vdiv(vset(2), t));
    return vbelow(a, 0.625f, p, vsign(t, z));
}

TEMPLATE float
rms_factor(const float *x, size_t n, float eps)
{
    vec s[4] = {vset(0), vset(0), vset(0), vset(0)};
    size_t i = 0;
    for (; i + 4 * W <= n; i += 4 * W)
#pragma GCC unroll 4
        for (size_t j = 0; j < 4; j++) {
            vec v = get(x + i + j * W, W);
            s[j] = vfma(v, v, s[j]);
        }
    for (size_t j = 0; i < n; i += W, j++) {
        vec v = get(x + i, n - i);
        s[j % TAIL] = vfma(v, v, s[j % TAIL]);
    }
    float t = vsum(vadd(vadd(s[0], s[1]), vadd(s[2], s[3])));
    return 1 / sqrtf(t / (float)n + eps);
}

static void
rms(float *y, const float *x, const float *w, size_t n, float eps)
{
    vec f = vset(rms_factor(x, n, eps));
    for (size_t i = 0; i < n; i += W)
        put(y + i, n - i, vmul(vmul(get(x + i, n - i), f), get(w + i, n - i)));
}

static void
rms_add(float *x, const float *a, const float *w, size_t n, float eps)
{
    vec f = vset(rms_factor(a, n, eps));
    for (size_t i = 0; i < n; i += W) {
        vec v = vmul(get(a + i, n - i), f);
        put(x + i, n - i, vfma(v, get(w + i, n - i), get(x + i, n - i)));
    }
}

static void
layer_norm(float *y, const float *x, const float *w, const float *b, size_t n, float eps)
{
    vec s = vset(0), v = vset(0);
    for (size_t i = 0; i < n; i += W)
        s = vadd(s, get(x + i, n - i));
    vec mean = vset(vsum(s) / (float)n);
    for (size_t i = 0; i < n; i += W) {
        vec d = vsub(get_or(x + i, n - i, mean), mean); /* beyond the row the difference is 0 */
        v = vfma(d, d, v);
    }
    vec f = vset(1 / sqrtf(vsum(v) / (float)n + eps));
    for (size_t i = 0; i < n; i += W) {
        vec d = vmul(vsub(get(x + i, n - i), mean), f);
        put(y + i, n - i, vfma(d, get(w + i, n - i), get(b + i, n - i)));
    }
}

static void
rope(float *x, const float *cos, const float *sin, size_t half)
{
    for (size_t i = 0; i < half; i += W) {
        size_t n = half - i;
        vec a = get(x + i, n), b = get(x + half + i, n);
        vec c = get(cos + i, n), s = get(sin + i, n);
        put(x + i, n, vrotate(a, c, b, s));
        put(x + half + i, n, vrotate_back(b, c, a, s));
    }
}

static void
softcap(float *x, size_t n, float cap)
{
    vec c = vset(cap);
    for (size_t i = 0; i < n; i += W)
        put(x + i, n - i, vmul(c, vtanh(vdiv(get(x + i, n - i), c))));
}

static void
scale_by(float *x, size_t n, float factor)
{
    for (size_t i = 0; i < n; i += W)
        put(x + i, n - i, vmul(get(x + i, n - i), vset(factor)));
}

#endif
