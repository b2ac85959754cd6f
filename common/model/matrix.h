/* matrix.h: a matrix of a model, as stored; layouts of quantised ones. */
#ifndef T5G_MATRIX_H
#define T5G_MATRIX_H

#include "base/dtype.h"

struct t5g_lowrank;

/*
 * A matrix as stored: y[m] = sum_k w[m,k] x[k]. Points into the mapping; bf16 stays bf16.
 * Quantised: p holds the panels of 16 rows (kernels.h) one after another, the last padded.
 */
struct t5g_mat {
    const void *p; /* [rows, cols] row-major, dtype; aligned to its element at least */
    int dtype;     /* T5G_F32, T5G_BF16 or T5G_F16; T5G_Q8, T5G_Q6, T5G_Q4 */
    size_t rows, cols;
    const uint16_t *scale; /* quantised: [panels, groups, 16] bf16 */
    const uint8_t *zero;   /* Q6: [panels, groups, 16]; Q4: [panels, groups, 8]; else NULL */
    size_t group;          /* quantised: elements along cols that share a scale */
    const struct t5g_lowrank *low; /* of adapters: updates.h; NULL: none */
    size_t low_row;                /* the matrix's first row in it */
};

/* Row r of m as f32 [cols]. */
void t5g_mat_row(float *row, const struct t5g_mat *m, size_t r);

/* The same of a quantised one, rotated as it is stored: see rotate.h. */
void t5g_mat_row_rotated(float *row, const struct t5g_mat *m, size_t r);

/* Bits of a quantised dtype. */
int t5g_quant_bits(int dtype);

/* Name of a quantised dtype's layout in a packed model, and the dtype of a name; 0: unknown. */
const char *t5g_quant_layout(int dtype);
int t5g_quant_dtype(const char *layout);

/* Bytes of the parts of a matrix [rows, cols], which lie one behind the other in this order. */
struct t5g_quant_sizes {
    uint64_t panels, scales, zeros;
};

struct t5g_quant_sizes t5g_quant_sizes(int dtype, uint64_t rows, uint64_t cols, uint64_t group);

/* A matrix [rows, cols] whose parts are at p. */
struct t5g_mat t5g_quant_matrix(const void *p, int dtype, size_t rows, size_t cols, size_t group);

#endif
