/*
 * few.h: products of a few rows with weights of 6 or 4 bits, on vectors of W columns. Such weights
 * come from memory and are used for these rows only, so they become bytes in registers; qgemm.h,
 * which puts the bytes of a block into memory first, is faster for many rows. The same sums in the
 * same order, so the same bits.
 *
 * The file that includes this has defined `vec` and `ivec` of W lanes, FEW_TILE, the most rows of a
 * tile (at most 8), qgemm of qgemm.h with its FEW_ROWS, and
 *
 *   iget(p)               4 W bytes
 *   iand, ior             bit by bit
 *   ishr(v, n)            every 16 bits shifted right
 *   ishl(v, n)            or left
 *   iset8(b)              every byte b
 *   iwiden(low, high, i)  lanes i W to (i + 1) W of the 16 bytes of two uint64_t
 *   itimes(z, s)          z s, both of which fit into 16 bits
 *   isums(bits, t, v, q)  t plus, in each lane, 16 bytes of v [4], 4 of each, times those of q
 *   ifloat(t)             as floats
 *   vscales(p)            W bf16
 */
#ifndef T5G_FEW_H
#define T5G_FEW_H

#include "kernels/panels.h"

enum { PARTS = T5G_PANEL / W };

/* 16 k of W columns of a panel as bytes: v[i] is those of 4 k. See t5g_qpanel_widen. */
TEMPLATE void
few_widen(const int bits, ivec v[4], const uint8_t *w)
{
    const ivec low = iset8(15), two = iset8(48);
    ivec a = iget(w), b = iget(w + 64);
    v[0] = iand(a, low);
    v[1] = iand(ishr(a, 4), low);
    v[2] = iand(b, low);
    v[3] = iand(ishr(b, 4), low);
    if (bits == 6) {
        ivec c = iget(w + 128);
        v[0] = ior(v[0], iand(ishl(c, 4), two));
        v[1] = ior(v[1], iand(ishl(c, 2), two));
        v[2] = ior(v[2], iand(c, two));
        v[3] = ior(v[3], iand(ishr(c, 2), two));
    }
}

/* The zeros of one group of a panel, W columns of them. See t5g_qpanel_zero. */
TEMPLATE ivec
few_zero(const int bits, const uint8_t *from, size_t part)
{
    uint64_t low, high;
    (void)part; /* where there is only one */
    memcpy(&low, from, 8);
    if (bits == 6) {
        memcpy(&high, from + 8, 8);
    } else {
        high = low >> 4 & 0x0f0f0f0f0f0f0f0f;
        low &= 0x0f0f0f0f0f0f0f0f;
    }
    return iwiden(low, high, part);
}

/* c [R, W] += R rows of a times W columns of panel p of b, from part * W on. */
TEMPLATE void
few_part(const int R, const int bits, float *c, size_t ldc, const struct t5g_qacts *a, size_t row,
         const struct t5g_qpanel *b, size_t p, size_t part)
{
    const uint8_t *w = (const uint8_t *)b->w + p * b->next_w + part * 4 * W;
    const uint8_t *zero = b->zero + p * b->next_zero;
    const uint16_t *scale = b->scale + p * b->next_scale + part * W;
    const int shift = __builtin_ctzl(a->group / b->group);
    vec y[FEW_TILE];
#pragma GCC unroll 8
    for (int i = 0; i < R; i++)
        y[i] = vget(c + (size_t)i * ldc);
    for (size_t k = 0, g = 0; k < b->k; k += b->group, g++, scale += T5G_PANEL) {
        size_t end = t5g_min(k + b->group, b->k);
        ivec t[FEW_TILE], z = few_zero(bits, zero + g * t5g_qpanel_zeros(bits), part);
#pragma GCC unroll 8
        for (int i = 0; i < R; i++)
            t[i] = itimes(z, -a->sum[(row + (size_t)i) * a->pieces + g]);
        for (size_t l = k; l < end; l += 16, w += 32 * bits) {
            ivec v[4];
            few_widen(bits, v, w);
            for (int i = 0; i < bits && part == 0; i += 2) /* the next panel, meanwhile */
                __builtin_prefetch(w + b->next_w + 32 * i);
#pragma GCC unroll 8
            for (int i = 0; i < R; i++)
                t[i] = isums(bits, t[i], v, a->q + (row + (size_t)i) * a->ldq + l);
        }
        vec s = vscales(scale);
#pragma GCC unroll 8
        for (int i = 0; i < R; i++) {
            vec f = vset(a->scale[(row + (size_t)i) * a->groups + (g >> shift)]);
            y[i] = vfma(ifloat(t[i]), vmul(f, s), y[i]);
        }
    }
#pragma GCC unroll 8
    for (int i = 0; i < R; i++)
        vput(c + (size_t)i * ldc, y[i]);
}

/* c [R, cols], cols up to 16, (+)= R rows of a times panel p of b. */
TEMPLATE void
few_tile(const int R, const int bits, float *c, size_t ldc, const struct t5g_qacts *a, size_t row,
         const struct t5g_qpanel *b, size_t p, size_t cols, bool add)
{
    float narrow[FEW_TILE * T5G_PANEL] = {0}, *to = cols < T5G_PANEL ? narrow : c;
    size_t ld = cols < T5G_PANEL ? T5G_PANEL : ldc, bytes = cols * sizeof *c;
    for (size_t i = 0; i < (size_t)R; i++)
        if (!add)
            memset(to + i * ld, 0, bytes);
        else if (to != c)
            memcpy(to + i * ld, c + i * ldc, bytes);
    for (size_t part = 0; part < PARTS; part++)
        few_part(R, bits, to + part * W, ld, a, row, b, p, part);
    for (size_t i = 0; i < (size_t)R && to != c; i++)
        memcpy(c + i * ldc, to + i * ld, bytes);
}

#define FEW_TILE_OF(R)                                                    \
    case R:                                                               \
        if (R <= FEW_TILE) /* else not called, and nothing to generate */ \
            few_tile(R, bits, to, ldc, a, i, b, p, n, add);               \
        break;

TEMPLATE void
few(const int bits, float *c, size_t ldc, const struct t5g_qacts *a, const struct t5g_qpanel *b,
    size_t m, size_t cols, bool add)
{
    for (size_t j = 0, p = 0; j < cols; j += T5G_PANEL, p++)
        for (size_t i = 0; i < m; i += FEW_TILE) {
            size_t n = t5g_min(T5G_PANEL, cols - j);
            float *to = c + i * ldc + j;
            switch (t5g_min(FEW_TILE, m - i)) {
                FEW_TILE_OF(1)
                FEW_TILE_OF(2)
                FEW_TILE_OF(3)
                FEW_TILE_OF(4)
                FEW_TILE_OF(5)
                FEW_TILE_OF(6)
                FEW_TILE_OF(7)
            default:
                few_tile(FEW_TILE, bits, to, ldc, a, i, b, p, n, add);
            }
        }
}

/* qgemm of struct t5g_kernels. */
static void
qgemm_or_few(float *c, size_t ldc, const struct t5g_qacts *a, const struct t5g_qpanel *b, size_t m,
             size_t cols, bool add)
{
    if (b->bits == 8 || m > FEW_ROWS)
        qgemm(c, ldc, a, b, m, cols, add);
    else if (b->bits == 6)
        few(6, c, ldc, a, b, m, cols, add);
    else
        few(4, c, ldc, a, b, m, cols, add);
}

#endif
