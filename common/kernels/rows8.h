/*
 * rows8.h: the tiles of rows.h, for levels that take 8 elements at a time.
 *
 * The including file first defines, on 8 floats `vec8`:
 *
 *   load8(p, dtype)          8 stored elements
 *   load_some(p, dtype, n)   the first n < 8 of them, then zeros
 *   get8(p, n)               min(n, 8) floats, then zeros
 *   put8(p, n, v)            store min(n, 8) of them
 *   vfma8(w, x, s)           the sums s, a `vec`, plus w x, lane by lane
 *   vmix8(s, v, p)           s + v times *p
 */
#ifndef T5G_ROWS8_H
#define T5G_ROWS8_H

#include "kernels/kernels.h"

/* s [R, N] += min(left, 8) k of R rows of w times N rows of x. next: as many bytes of a later tile,
 * in the order in which memory lies. */
TEMPLATE void
dot_step(const int R, const int N, vec s[8][4], const float *x, size_t ldx, const char *w,
         size_t row_bytes, int dtype, size_t left, const char *next)
{
    const size_t es = item_size(dtype);
    vec8 xs[4];
#pragma GCC unroll 4
    for (int i = 0; i < N; i++)
        xs[i] = get8(x + (size_t)i * ldx, left);
#pragma GCC unroll 8
    for (int r = 0; r < R; r++) {
        const char *wr = w + (size_t)r * row_bytes;
        if (R >= 4 && (size_t)r * 8 * es % 64 == 0)
            __builtin_prefetch(next + (size_t)r * 8 * es);
        vec8 v = left >= 8 ? load8(wr, dtype) : load_some(wr, dtype, left);
#pragma GCC unroll 4
        for (int i = 0; i < N; i++)
            s[r][i] = vfma8(v, xs[i], s[r][i]);
    }
}

/*
 * R rows of w times N rows of x. Whatever R and N are, a result has one register of partial sums,
 * element k in lane k % W: it has the same bits from every tile.
 */
TEMPLATE void
dot_tile(const int R, const int N, float *y, size_t ldy, const float *x, size_t ldx, const char *w,
         int dtype, size_t k)
{
    const size_t es = item_size(dtype);
    const char *next = w + (size_t)R * k * es;
    vec s[8][4];
#pragma GCC unroll 8
    for (int r = 0; r < R; r++)
#pragma GCC unroll 4
        for (int i = 0; i < N; i++)
            s[r][i] = vset(0);
    size_t l = 0;
    for (; l + 8 <= k; l += 8)
        dot_step(R, N, s, x + l, ldx, w + l * es, k * es, dtype, 8, next + l * (size_t)R * es);
    if (l < k)
        dot_step(R, N, s, x + l, ldx, w + l * es, k * es, dtype, k - l, next);
#pragma GCC unroll 8
    for (int r = 0; r < R; r++)
#pragma GCC unroll 4
        for (int i = 0; i < N; i++)
            y[(size_t)i * ldy + (size_t)r] = vsum(s[r][i]);
}

/* min(left, 8) columns of J rows of v; o is loaded and stored once for all J. */
TEMPLATE void
mix_block(const int J, float *o, size_t ldo, const float *p, size_t ldp, size_t rows, const char *v,
          size_t row_bytes, int dtype, size_t left)
{
    vec8 vs[4];
#pragma GCC unroll 4
    for (int j = 0; j < J; j++) {
        const char *vj = v + (size_t)j * row_bytes;
        vs[j] = left >= 8 ? load8(vj, dtype) : load_some(vj, dtype, left);
    }
    for (size_t r = 0; r < rows; r++, o += ldo, p += ldp) {
        vec8 s = get8(o, left);
#pragma GCC unroll 4
        for (int j = 0; j < J; j++)
            s = vmix8(s, vs[j], p + j);
        put8(o, left, s);
    }
}

TEMPLATE void
mix_some(const int J, float *o, size_t ldo, const float *p, size_t ldp, size_t rows, const char *v,
         int dtype, size_t ldv, size_t k)
{
    const size_t es = item_size(dtype);
    size_t c = 0;
    for (; c + 8 <= k; c += 8)
        mix_block(J, o + c, ldo, p, ldp, rows, v + c * es, ldv * es, dtype, 8);
    if (c < k)
        mix_block(J, o + c, ldo, p, ldp, rows, v + c * es, ldv * es, dtype, k - c);
}

TEMPLATE void
mix_as(float *o, size_t ldo, const float *p, size_t ldp, size_t rows, const char *v, int dtype,
       size_t ldv, size_t n, size_t k)
{
    const size_t es = item_size(dtype);
    size_t j = 0;
    for (; j + 4 <= n; j += 4)
        mix_some(4, o, ldo, p + j, ldp, rows, v + j * ldv * es, dtype, ldv, k);
    for (; j < n; j++)
        mix_some(1, o, ldo, p + j, ldp, rows, v + j * ldv * es, dtype, ldv, k);
}

#endif
