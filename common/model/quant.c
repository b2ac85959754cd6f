/* quant.c: matrices to quantised panels, a scale (and a zero) for every row and group. */
#include "model/quant.h"
#include "kernels/panels.h"
#include "kernels/rotate.h"

#include <math.h>
#include <string.h>

enum { MOST = 128 }; /* elements of a group */

struct run {
    const struct t5g_mat *m;
    int bits;
    size_t group, groups;
    const struct t5g_factor *factor; /* NULL: errors are not compensated */
    uint8_t *panels, *zeros;
    uint16_t *scales;
};

/* Numbers bottom..top stand for (number - zero) * scale. */
struct grid {
    uint16_t scale; /* bf16 */
    int zero, bottom, top;
};

/* The number that x becomes; s is the scale. */
static float
rounded(const struct grid *g, float s, float x)
{
    return fminf(fmaxf(rintf(x / s) + (float)g->zero, (float)g->bottom), (float)g->top);
}

/* Squared error of x [n] on the grid. */
static double
error_of(const struct grid *g, const float *x, size_t n)
{
    double sum = 0;
    float s = t5g_bf16_to_f32(g->scale);
    for (size_t i = 0; i < n; i++) {
        double d = (double)x[i] - (double)(rounded(g, s, x[i]) - (float)g->zero) * (double)s;
        sum += d * d;
    }
    return sum;
}

/* The grid for x [n]: from its least to its largest value, zero within, or cut to a share of it. */
static struct grid
grid_of(const float *x, size_t n, int bits)
{
    static const float shares[] = {1, 0.95f, 0.9f, 0.85f, 0.8f, 0.75f};
    float low = 0, high = 0;
    struct grid best = {0, 1 << (bits - 1), bits == 8, (1 << bits) - 1};
    size_t tries = bits == 8 ? 1 : T5G_LEN(shares);
    double least = INFINITY;
    for (size_t i = 0; i < n; i++) {
        low = fminf(low, x[i]);
        high = fmaxf(high, x[i]);
    }
    if (bits == 8) { /* symmetric: -127 to 127 */
        high = fmaxf(high, -low);
        low = -high;
    }
    for (size_t k = 0; k < tries && high - low > 1e-30f; k++) {
        struct grid g = best;
        float step = (high - low) * shares[k] / (bits == 8 ? 254 : (float)g.top);
        g.scale = t5g_f32_to_bf16(step);
        if (bits != 8)
            g.zero = (int)rintf(-low * shares[k] / t5g_bf16_to_f32(g.scale));
        if (g.zero > g.top)
            g.zero = g.top;
        double error = error_of(&g, x, n);
        if (error < least) {
            least = error;
            best = g;
        }
    }
    return best;
}

/* Put number k of a row into a panel that held 0 there (with 8 bits, anything). */
static void
put(const struct run *r, uint8_t *panel, size_t row, size_t k, unsigned v)
{
    uint8_t *to = panel + t5g_qpanel_byte(r->bits, row, k);
    if (r->bits == 8)
        *to = (uint8_t)v;
    else
        *to |= (uint8_t)((v & 15) << (k % 8 < 4 ? 0 : 4));
    if (r->bits == 6)
        panel[t5g_qpanel_byte_high(row, k)] |= (uint8_t)(v >> 4 << k % 16 / 4 * 2);
}

static void
put_zero(const struct run *r, uint8_t *zeros, size_t row, int zero)
{
    if (r->bits == 6)
        zeros[row] = (uint8_t)zero;
    else if (r->bits == 4)
        zeros[row % 8] |= (uint8_t)(zero << (row < 8 ? 0 : 4));
}

/* Where a panel is put together. */
struct panel {
    uint8_t *w, *zeros;
    uint16_t *scales;
    size_t rows;
    float *x;                 /* [rows, cols] the rotated matrix; with a factor its errors so far */
    float t[T5G_PANEL][MOST]; /* the values that a group is rounded from */
    float s[MOST][MOST];      /* the factor's elements within a group */
};

/* Row `row` of group g, n elements, is rounded from t to what replaces it there. */
static void
round_group(const struct run *r, struct panel *p, size_t row, size_t g, size_t n)
{
    float *t = p->t[row], from[MOST], free;
    const float *x = p->x + row * r->m->cols + g * r->group;
    memcpy(from, t, n * sizeof *t);
    /* What the group would be if none of it were rounded. */
    for (size_t i = 0; i < n && r->factor != NULL; i++) {
        free = x[i] - from[i];
        for (size_t c = i + 1; c < n; c++)
            from[c] += free * p->s[i][c];
    }
    struct grid grid = grid_of(from, n, r->bits);
    float s = t5g_bf16_to_f32(grid.scale);
    p->scales[g * T5G_PANEL + row] = grid.scale;
    put_zero(r, p->zeros + g * t5g_qpanel_zeros(r->bits), row, grid.zero);
    for (size_t i = 0; i < n; i++) {
        float v = s != 0 ? rounded(&grid, s, t[i]) : (float)grid.zero;
        put(r, p->w, row, g * r->group + i, (unsigned)v);
        t[i] = (v - (float)grid.zero) * s;
        if (r->factor == NULL)
            continue;
        float error = x[i] - t[i];
        for (size_t c = i + 1; c < n; c++)
            t[c] += error * p->s[i][c];
    }
}

/* Group g, n elements of every row; with a factor, x becomes the error there. */
static void
panel_group(const struct run *r, struct panel *p, size_t g, size_t n)
{
    size_t from = g * r->group, cols = r->m->cols;
    const struct t5g_factor *f = r->factor;
    for (size_t row = 0; row < p->rows; row++)
        memcpy(p->t[row], p->x + row * cols + from, n * sizeof **p->t);
    if (f != NULL && from > 0)
        f->k->gemm(*p->t, MOST, p->x, cols, f->s + from / T5G_PANEL * f->next, f->next, p->rows,
                   from, n, true);
    for (size_t i = 0; i < n && f != NULL; i++)
        for (size_t c = i + 1; c < n; c++)
            p->s[i][c] = f->s[(from + c) / T5G_PANEL * f->next + (from + i) * T5G_PANEL +
                              (from + c) % T5G_PANEL];
    for (size_t row = 0; row < p->rows; row++) {
        float *x = p->x + row * cols + from;
        round_group(r, p, row, g, n);
        for (size_t i = 0; i < n && f != NULL; i++)
            x[i] -= p->t[row][i];
    }
}

static void
panel_item(void *arg, size_t item, size_t worker)
{
    const struct run *r = arg;
    size_t cols = r->m->cols, bytes = t5g_qpanel_bytes(r->bits, cols);
    struct panel *p = t5g_alloc(1, sizeof *p);
    (void)worker;
    p->rows = t5g_min(T5G_PANEL, r->m->rows - item * T5G_PANEL);
    p->w = r->panels + item * bytes;
    p->scales = r->scales + item * r->groups * T5G_PANEL;
    p->zeros = r->zeros + item * r->groups * t5g_qpanel_zeros(r->bits);
    p->x = t5g_alloc(p->rows * cols, sizeof *p->x);
    memset(p->w, r->bits == 8 ? 128 : 0, bytes);
    for (size_t row = 0; row < p->rows; row++) {
        t5g_mat_row(p->x + row * cols, r->m, item * T5G_PANEL + row);
        t5g_rotate_row(p->x + row * cols, p->x + row * cols, cols);
    }
    for (size_t g = 0; g < r->groups; g++)
        panel_group(r, p, g, t5g_min(r->group, cols - g * r->group));
    t5g_free(p->x);
    t5g_free(p);
}

unsigned char *
t5g_quantise_matrix(const struct t5g_mat *m, int dtype, size_t group,
                    const struct t5g_factor *factor, struct t5g_pool *pool, size_t *n)
{
    struct t5g_quant_sizes z = t5g_quant_sizes(dtype, m->rows, m->cols, group);
    struct run r = {.m = m, .bits = t5g_quant_bits(dtype), .group = group, .factor = factor};
    r.groups = (m->cols + group - 1) / group;
    *n = z.panels + z.scales + z.zeros;
    r.panels = t5g_alloc(*n, 1);
    r.scales = (uint16_t *)(void *)(r.panels + z.panels);
    r.zeros = r.panels + z.panels + z.scales;
    t5g_pool_run(pool, panel_item, &r, (m->rows + T5G_PANEL - 1) / T5G_PANEL);
    return r.panels;
}
