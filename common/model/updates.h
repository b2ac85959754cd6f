/* updates.h: what adapters make of a model's matrices, beside which they stay. */
#ifndef T5G_UPDATES_H
#define T5G_UPDATES_H

#include "base/base.h"

/*
 * Of a matrix w [rows, cols]: y = w x becomes y = gain (w x) + scale b (a x). Several adapters
 * stand side by side along `rank`.
 */
struct t5g_lowrank {
    size_t rank, cols;
    const void *a,
        *b; /* [rank, cols], [rows, rank] of a_dtype, b_dtype: f32, bf16 or f16, aligned */
    int a_dtype, b_dtype;
    float scale;
    const float *gain; /* [rows]; NULL: 1 */
};

/* Rows of a matrix [v, d] that others stand for. */
struct t5g_token_rows {
    const int32_t *ids; /* [n], ascending */
    const float *rows;  /* [n, d] */
    size_t n;
};

/* The first of them with an id not below `id`. */
static inline size_t
t5g_token_rows_from(const struct t5g_token_rows *t, int32_t id)
{
    size_t lo = 0, hi = t->n;
    while (lo < hi) {
        size_t mid = (lo + hi) / 2;
        if (t->ids[mid] < id)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo;
}

/* Of an embedding [v, d]. Sums are added to a row as it would be without, the end-of-image one too.
 */
struct t5g_embed_update {
    struct t5g_embed_sum {
        const void *a; /* [rank, v], dtype */
        int dtype;
        const float *b; /* [rank, d], scaled as a row is */
        size_t rank;
    } * sums;
    size_t n_sums;
    struct t5g_token_rows tokens; /* unscaled */
    bool no_eoi; /* the end-of-image row is that of the matrix, as PEFT has it beside tokens */
};

#endif
