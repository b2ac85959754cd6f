/* quant.c: matrices to quantised panels: symmetric, one scale for each row and group. */
#include "model/quant.h"

#include <math.h>
#include <string.h>

enum { PANEL = 16, GROUP_MOST = 65536 };

struct run {
    const struct t5g_mat *m;
    int dtype;
    size_t group, groups;
    uint8_t *panels;
    size_t panel_bytes;
    uint16_t *scales;
};

/* Squared error of x [n] rounded to multiples of s from low to high. */
static double
error_of(const float *x, size_t n, float s, float low, float high)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++) {
        float q = fminf(fmaxf(rintf(x[i] / s), low), high);
        double d = (double)x[i] - (double)q * (double)s;
        sum += d * d;
    }
    return sum;
}

/*
 * The scale of x [n], already rounded to bf16. With 4 bits there is one more step below zero than
 * above; the largest magnitude gets it, so that the scale may be negative.
 */
static uint16_t
scale_of(const float *x, size_t n, int dtype)
{
    static const float eights[] = {1}, fours[] = {1, 0.95f, 0.9f, 0.85f, 0.8f, 1.07f};
    const float *tries = dtype == T5G_Q8 ? eights : fours;
    size_t n_tries = dtype == T5G_Q8 ? T5G_LEN(eights) : T5G_LEN(fours);
    float low = dtype == T5G_Q8 ? -63 : -8, high = dtype == T5G_Q8 ? 63 : 7, top = 0;
    for (size_t i = 0; i < n; i++)
        if (fabsf(x[i]) > fabsf(top))
            top = x[i];
    uint16_t best = 0;
    double least = INFINITY;
    if (fabsf(top) < 1e-30f)
        return 0;
    for (size_t k = 0; k < n_tries; k++) {
        uint16_t h = t5g_f32_to_bf16(tries[k] * (dtype == T5G_Q8 ? fabsf(top) / high : top / low));
        double error = error_of(x, n, t5g_bf16_to_f32(h), low, high);
        if (error < least) {
            least = error;
            best = h;
        }
    }
    return best;
}

static void
put(const struct run *r, uint8_t *panel, size_t row, size_t k, float q)
{
    if (r->dtype == T5G_Q8) {
        panel[(k / 4 * PANEL + row) * 4 + k % 4] = (uint8_t)(q + 64);
    } else {
        uint8_t *p = &panel[(k / 8 * PANEL + row) * 4 + k % 4], v = (uint8_t)(q + 8);
        *p = k % 8 < 4 ? (uint8_t)((*p & 0xf0) | v) : (uint8_t)((*p & 0x0f) | v << 4);
    }
}

static void
panel_item(void *arg, size_t item, size_t worker)
{
    const struct run *r = arg;
    size_t cols = r->m->cols, rows = t5g_min(PANEL, r->m->rows - item * PANEL);
    uint8_t *panel = r->panels + item * r->panel_bytes;
    float *x = t5g_alloc(cols, sizeof *x);
    (void)worker;
    memset(panel, r->dtype == T5G_Q8 ? 64 : 0x88, r->panel_bytes); /* zeros */
    for (size_t row = 0; row < rows; row++) {
        t5g_mat_row(x, r->m, item * PANEL + row);
        for (size_t g = 0; g < r->groups; g++) {
            size_t from = g * r->group, n = t5g_min(r->group, cols - from);
            uint16_t h = scale_of(x + from, n, r->dtype);
            float s = t5g_bf16_to_f32(h), low = r->dtype == T5G_Q8 ? -63 : -8;
            r->scales[(item * r->groups + g) * PANEL + row] = h;
            for (size_t i = 0; i < n && s != 0; i++)
                put(r, panel, row, from + i,
                    fminf(fmaxf(rintf(x[from + i] / s), low), r->dtype == T5G_Q8 ? 63 : 7));
        }
    }
    t5g_free(x);
}

unsigned char *
t5g_quantise_matrix(const struct t5g_mat *m, int dtype, size_t group, struct t5g_pool *pool,
                    size_t *n)
{
    size_t items = (m->rows + PANEL - 1) / PANEL;
    struct run r = {.m = m, .dtype = dtype, .group = group};
    r.groups = (m->cols + group - 1) / group;
    r.panel_bytes = t5g_round_up(m->cols, 8) * (dtype == T5G_Q8 ? 16 : 8);
    *n = items * (r.panel_bytes + r.groups * PANEL * sizeof *r.scales);
    r.panels = t5g_alloc(*n, 1);
    r.scales = (uint16_t *)(void *)(r.panels + items * r.panel_bytes);
    t5g_pool_run(pool, panel_item, &r, items);
    return r.panels;
}
