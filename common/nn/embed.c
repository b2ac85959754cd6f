/* embed.c: x [n, d] = embed [v, d] at ids, scaled; the end-of-image row is not scaled. */
#include "nn/embed.h"

void
t5g_embed_rows(float *x, size_t ldx, const struct t5g_stack *s, int32_t eoi, const int32_t *ids,
               size_t n)
{
    size_t d = s->c->d;
    for (size_t i = 0; i < n; i++) {
        float *row = x + i * ldx;
        if (ids[i] == eoi && s->eoi != NULL) {
            memcpy(row, s->eoi, d * sizeof *row);
            continue;
        }
        t5g_mat_row(row, &s->embed, (size_t)ids[i]);
        for (size_t j = 0; j < d; j++)
            row[j] *= s->embed_scale;
    }
}
