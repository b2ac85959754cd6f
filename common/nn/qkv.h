/*
 * qkv.h: keys and values of a document in 8 bits, for attention of a stack with quantised weights:
 * scores and weighted sums are then products of integers, as all others are.
 */
#ifndef T5G_QKV_H
#define T5G_QKV_H

#include "kernels/kernels.h"

enum { T5G_KEY_TILE = 128 }; /* keys that are used at once; values share a scale over so many */

/*
 * Of n rows, in hk heads of dh. Keys are the rows of a matrix [n, dh], quantised as weights are.
 * Values are, for each tile, the rows of the matrix [dh, keys of the tile].
 */
struct t5g_qkv {
    uint8_t *k;        /* [hk, panels(n)] panels */
    uint16_t *k_scale; /* [hk, panels(n), groups of dh, 16] */
    /*
     * v [hk, tiles, panels(dh)] panels, v_scale [hk, panels(n), panels(dh), 16]: both of a tile
     * begin where those of its first key's panel would.
     */
    uint8_t *v;
    uint16_t *v_scale;
};

/* Buffers for n rows, a multiple of 16; freed by t5g_qkv_free. */
struct t5g_qkv t5g_qkv_alloc(size_t hk, size_t dh, size_t n);
void t5g_qkv_free(struct t5g_qkv *q);

/* The buffers from row r on, a multiple of 16: for another document. */
struct t5g_qkv t5g_qkv_at(const struct t5g_qkv *q, size_t hk, size_t dh, size_t r);

/*
 * Set the panel of keys r..r+rows, r a multiple of 16, rows at most 16, of head `kv` of a document
 * of n rows: x [rows, dh], stride ldx.
 */
void t5g_qkv_set_keys(const struct t5g_kernels *k, const struct t5g_qkv *q, size_t dh, size_t n,
                      size_t kv, size_t r, const float *x, size_t ldx, size_t rows);

/*
 * Set the values of the tile of keys j.., j a multiple of T5G_KEY_TILE, of head `kv` of a document
 * of n rows, from f32 panels x [panels(dh), 16], `next` floats apart, which begin with key j.
 */
void t5g_qkv_set_values(const struct t5g_kernels *k, const struct t5g_qkv *q, size_t dh, size_t n,
                        size_t kv, size_t j, const float *x, size_t next);

/* Those keys, and those values, as the panels of a product. */
struct t5g_qpanel t5g_qkv_keys(const struct t5g_qkv *q, size_t dh, size_t n, size_t kv, size_t j);
struct t5g_qpanel t5g_qkv_values(const struct t5g_qkv *q, size_t dh, size_t n, size_t kv, size_t j);

#endif
