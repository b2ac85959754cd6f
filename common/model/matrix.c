/* matrix.c: layouts of quantised matrices, and a row of any matrix. */
#include "kernels/panels.h"
#include "kernels/rotate.h"
#include "model/matrix.h"

#include <string.h>

/* Names change whenever bytes of the same name would mean something else. */
static const struct {
    int dtype, bits;
    const char *layout;
} kinds[] = {
    {T5G_Q8, 8, "q8-rotated-16x4"},
    {T5G_Q6, 6, "q6-rotated-16x16"},
    {T5G_Q4, 4, "q4-rotated-16x8"},
};

int
t5g_quant_bits(int dtype)
{
    for (size_t i = 0; i < T5G_LEN(kinds); i++)
        if (kinds[i].dtype == dtype)
            return kinds[i].bits;
    return 0;
}

const char *
t5g_quant_layout(int dtype)
{
    for (size_t i = 0; i < T5G_LEN(kinds); i++)
        if (kinds[i].dtype == dtype)
            return kinds[i].layout;
    return NULL;
}

int
t5g_quant_dtype(const char *layout)
{
    for (size_t i = 0; i < T5G_LEN(kinds); i++)
        if (strcmp(kinds[i].layout, layout) == 0)
            return kinds[i].dtype;
    return 0;
}

struct t5g_quant_sizes
t5g_quant_sizes(int dtype, uint64_t rows, uint64_t cols, uint64_t group)
{
    int bits = t5g_quant_bits(dtype);
    uint64_t panels = (rows + T5G_PANEL - 1) / T5G_PANEL;
    uint64_t groups = panels * ((cols + group - 1) / group);
    return (struct t5g_quant_sizes){panels * t5g_qpanel_bytes(bits, cols),
                                    groups * T5G_PANEL * sizeof(uint16_t),
                                    groups * t5g_qpanel_zeros(bits)};
}

struct t5g_mat
t5g_quant_matrix(const void *p, int dtype, size_t rows, size_t cols, size_t group)
{
    struct t5g_quant_sizes z = t5g_quant_sizes(dtype, rows, cols, group);
    const unsigned char *scale = (const unsigned char *)p + z.panels;
    return (struct t5g_mat){.p = p,
                            .dtype = dtype,
                            .rows = rows,
                            .cols = cols,
                            .scale = (const uint16_t *)(const void *)scale,
                            .zero = z.zeros > 0 ? scale + z.scales : NULL,
                            .group = group};
}

/* Number k of a row of a panel. */
static int
number_of(const uint8_t *panel, int bits, size_t row, size_t k)
{
    int v = panel[t5g_qpanel_byte(bits, row, k)];
    if (bits == 8)
        return v;
    v = v >> (k % 8 < 4 ? 0 : 4) & 15;
    return bits == 4 ? v : v | (panel[t5g_qpanel_byte_high(row, k)] >> k % 16 / 4 * 2 & 3) << 4;
}

void
t5g_mat_row_rotated(float *row, const struct t5g_mat *m, size_t r)
{
    int bits = t5g_quant_bits(m->dtype);
    size_t panel = r / T5G_PANEL, at = r % T5G_PANEL;
    size_t groups = (m->cols + m->group - 1) / m->group, zeros = t5g_qpanel_zeros(bits);
    const uint8_t *w = (const uint8_t *)m->p + panel * t5g_qpanel_bytes(bits, m->cols);
    for (size_t g = 0; g < groups; g++) {
        int32_t zero[T5G_PANEL];
        float s = t5g_bf16_to_f32(m->scale[(panel * groups + g) * T5G_PANEL + at]);
        if (bits != 8)
            t5g_qpanel_zero(zero, m->zero + (panel * groups + g) * zeros, bits);
        int z = bits == 8 ? 128 : zero[at];
        for (size_t k = g * m->group; k < t5g_min((g + 1) * m->group, m->cols); k++)
            row[k] = (float)(number_of(w, bits, at, k) - z) * s;
    }
}

void
t5g_mat_row(float *row, const struct t5g_mat *m, size_t r)
{
    if (t5g_is_quantised(m->dtype)) {
        t5g_mat_row_rotated(row, m, r);
        t5g_rotate_row(row, row, m->cols); /* back */
        return;
    }
    size_t at = r * m->cols * t5g_dtype_size(m->dtype);
    t5g_to_f32(row, (const char *)m->p + at, m->dtype, m->cols);
}
