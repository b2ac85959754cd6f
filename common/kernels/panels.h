/* panels.h: the geometry of packed panels, for all levels. */
#ifndef T5G_PANELS_H
#define T5G_PANELS_H

#include "base/base.h"
#include "kernels/kernels.h"

#include <string.h>

enum {
    T5G_KC = 320,      /* panel rows at a time: 20 KB, stays in the first-level cache */
    T5G_BF16_KC = 640, /* likewise in bf16 */
};

/* Bytes of a quantised panel of k columns. */
static inline size_t
t5g_qpanel_bytes(int bits, size_t k)
{
    return t5g_round_up(k, 16) * T5G_PANEL * (size_t)bits / 8;
}

/* Bytes of the zeros of one group of a panel. */
static inline size_t
t5g_qpanel_zeros(int bits)
{
    return bits == 8 ? 0 : bits == 4 ? T5G_PANEL / 2 : T5G_PANEL;
}

/* The byte of a panel that holds the lowest bits of number k of a row: see struct t5g_qpanel. */
static inline size_t
t5g_qpanel_byte(int bits, size_t row, size_t k)
{
    size_t at = row * 4 + k % 4;
    return bits == 8   ? k / 4 * 64 + at
           : bits == 4 ? k / 8 * 64 + at
                       : k / 16 * 192 + k % 16 / 8 * 64 + at;
}

/* With 6 bits, the byte that holds its highest 2, from bit k % 16 / 4 * 2 on. */
static inline size_t
t5g_qpanel_byte_high(size_t row, size_t k)
{
    return k / 16 * 192 + 128 + row * 4 + k % 4;
}

/* 64 bytes of a panel; the compiler makes registers of any level of them. */
typedef uint8_t t5g_bytes64 __attribute__((vector_size(64), aligned(1), may_alias));

/* k columns (a multiple of 16) of a panel with 4 or 6 bits as bytes, from the start of 16 on. */
static inline void
t5g_qpanel_widen(uint8_t *to, const uint8_t *from, int bits, size_t k)
{
    for (size_t i = 0; i < k; i += 16, to += 256, from += bits * 32) {
        const t5g_bytes64 *w = (const t5g_bytes64 *)from;
        t5g_bytes64 *y = (t5g_bytes64 *)to;
        y[0] = w[0] & 15;
        y[1] = w[0] >> 4;
        y[2] = w[1] & 15;
        y[3] = w[1] >> 4;
        if (bits == 6) {
            y[0] |= (w[2] & 3) << 4;
            y[1] |= (w[2] & 12) << 2;
            y[2] |= w[2] & 48;
            y[3] |= (w[2] & 192) >> 2;
        }
    }
}

enum {
    T5G_QBLOCK = 512,              /* most columns of a block of 6 or 4 bits */
    T5G_QGROUPS = T5G_QBLOCK / 32, /* most groups of such a block */
};

/*
 * Columns from..to of some panels, as bytes. Group number g of them has scale and sum of the
 * weights' group `group` + g, and the activations' scale `acts` + (g >> acts_shift).
 */
struct t5g_qblock {
    int bits;              /* of the panels, before they became bytes */
    const uint8_t *w;      /* of k == from */
    size_t next;           /* from a panel's bytes to the next one's */
    size_t from, to, size; /* k; elements of a group */
    size_t group, acts, acts_shift;
    const uint16_t *scale; /* [panels, 16] of the first group, a group 16 apart */
    size_t next_scale;
    int32_t (*zero)[T5G_QGROUPS][T5G_PANEL]; /* [panels]; a group zero_step apart */
    size_t zero_step;                        /* 0 with 8 bits, which all have the same */
};

/* The zeros of a group of 6 or 4 bits. */
static inline void
t5g_qpanel_zero(int32_t zero[T5G_PANEL], const uint8_t *from, int bits)
{
    for (size_t i = 0; i < T5G_PANEL; i++)
        zero[i] = bits == 6 ? from[i] : from[i % 8] >> (i < 8 ? 0 : 4) & 15;
}

#endif
