/* matrix.c: a row of a matrix of any dtype. */
#include "model/model.h"

enum { PANEL = 16 }; /* rows of a quantised panel: the layout of kernels.h */

void
t5g_mat_row(float *row, const struct t5g_mat *m, size_t r)
{
    if (!t5g_is_quantised(m->dtype)) {
        size_t at = r * m->cols * t5g_dtype_size(m->dtype);
        t5g_to_f32(row, (const char *)m->p + at, m->dtype, m->cols);
        return;
    }
    bool bytes = m->dtype == T5G_Q8;
    size_t steps = bytes ? 4 : 8, groups = (m->cols + m->group - 1) / m->group;
    const uint8_t *w = (const uint8_t *)m->p + r / PANEL * t5g_round_up(m->cols, 8) / steps * 64;
    const uint16_t *scale = m->scale + r / PANEL * groups * PANEL + r % PANEL;
    for (size_t k = 0; k < m->cols; k++) {
        uint8_t v = w[k / steps * 64 + r % PANEL * 4 + k % 4];
        int q = bytes ? v - 64 : ((k % 8 < 4 ? v & 15 : v >> 4) - 8);
        row[k] = (float)q * t5g_bf16_to_f32(scale[k / m->group * PANEL]);
    }
}
