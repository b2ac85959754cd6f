/*
 * gptq.c: the sum over inputs, and its triangular factor.
 *
 *   H += x^T x                                            t5g_hessian_add, upper triangle
 *   H + damping I = R R^T                                 factorise
 *     for blocks of columns J from the last to the first
 *       R[J, J] R[J, J]^T = H[J, J]
 *       R[I, J] = H[I, J] R[J, J]^-T                      for all rows I above J
 *       H[I, K] -= R[I, J] R[K, J]^T                      for all blocks above J
 */
#include "model/gptq.h"
#include "kernels/rotate.h"

#include <math.h>
#include <string.h>

enum {
    TILE = 64,   /* rows of an item */
    BLOCK = 128, /* columns of J */
    TRIES = 6,   /* dampings */
};

/*
 * This times columns / inputs of the mean diagonal is added to the diagonal: few inputs say much
 * that others do not bear out, and a matrix adjusted to them would be worse than one that is not.
 */
#define FEW 0.3

void
t5g_hessian_open(struct t5g_hessian *h, size_t k)
{
    *h = (struct t5g_hessian){.k = k, .ld = t5g_round_up(k, T5G_PANEL)};
    h->h = t5g_alloc(h->ld, h->ld * sizeof *h->h);
}

void
t5g_hessian_free(struct t5g_hessian *h)
{
    t5g_free(h->h);
    *h = (struct t5g_hessian){0};
}

struct sum {
    struct t5g_hessian *h;
    const struct t5g_kernels *k;
    const float *a;
    size_t lda, m;
    float *across; /* [ld, m] the rotated rows, transposed */
    float *panels; /* [ld / 16][m, 16] the same, for gemm */
    float *rows;   /* [m, ld] rotated, 0 beyond k */
};

static void
rotate_item(void *arg, size_t item, size_t worker)
{
    const struct sum *s = arg;
    (void)worker;
    s->k->rotate(s->rows + item * s->h->ld, s->a + item * s->lda, s->h->k);
}

static void
panel_item(void *arg, size_t item, size_t worker)
{
    const struct sum *s = arg;
    size_t first = item * T5G_PANEL;
    float *panel = s->panels + first * s->m;
    (void)worker;
    for (size_t i = 0; i < s->m; i++)
        memcpy(panel + i * T5G_PANEL, s->rows + i * s->h->ld + first, T5G_PANEL * sizeof *panel);
    for (size_t c = 0; c < T5G_PANEL; c++)
        for (size_t i = 0; i < s->m; i++)
            s->across[(first + c) * s->m + i] = panel[i * T5G_PANEL + c];
}

static void
sum_item(void *arg, size_t item, size_t worker)
{
    const struct sum *s = arg;
    size_t ld = s->h->ld, at = item * TILE;
    (void)worker;
    s->k->gemm(s->h->h + at * ld + at, ld, s->across + at * s->m, s->m, s->panels + at * s->m,
               s->m * T5G_PANEL, t5g_min(TILE, ld - at), s->m, ld - at, true);
}

void
t5g_hessian_add(struct t5g_hessian *h, const struct t5g_kernels *k, struct t5g_pool *pool,
                const float *a, size_t lda, size_t m)
{
    struct sum s = {.h = h, .k = k, .a = a, .lda = lda, .m = m};
    if (m == 0)
        return;
    s.rows = t5g_alloc(m * h->ld, sizeof *s.rows);
    s.across = t5g_alloc_raw(m * h->ld, sizeof *s.across);
    s.panels = t5g_alloc_raw(m * h->ld, sizeof *s.panels);
    t5g_pool_run(pool, rotate_item, &s, m);
    t5g_pool_run(pool, panel_item, &s, h->ld / T5G_PANEL);
    t5g_pool_run(pool, sum_item, &s, (h->ld + TILE - 1) / TILE);
    h->n += m;
    t5g_free(s.rows);
    t5g_free(s.across);
    t5g_free(s.panels);
}

/* A step of the factorisation: the block of n columns from `at` on. */
struct step {
    const struct t5g_kernels *k;
    float *h;
    size_t ld, at, n;
    double own[BLOCK][BLOCK]; /* R[J, J] */
    float *panels;            /* [at / 16][n, 16] -R[K, J]^T */
};

/* False: not positive definite. */
static bool
factorise_own(struct step *s)
{
    for (size_t i = 0; i < s->n; i++)
        for (size_t c = i; c < s->n; c++)
            s->own[i][c] = (double)s->h[(s->at + i) * s->ld + s->at + c];
    for (size_t c = s->n; c-- > 0;) {
        double pivot = s->own[c][c];
        if (!(pivot > 0) || !isfinite(pivot))
            return false;
        double root = sqrt(pivot);
        for (size_t i = 0; i <= c; i++)
            s->own[i][c] /= root;
        for (size_t i = 0; i < c; i++)
            for (size_t j = i; j < c; j++)
                s->own[i][j] -= s->own[i][c] * s->own[j][c];
    }
    for (size_t i = 0; i < s->n; i++)
        for (size_t c = i; c < s->n; c++)
            s->h[(s->at + i) * s->ld + s->at + c] = (float)s->own[i][c];
    return true;
}

/* R[I, J] for 16 rows I, and their panel. */
static void
solve_item(void *arg, size_t item, size_t worker)
{
    const struct step *s = arg;
    float *panel = s->panels + item * T5G_PANEL * s->n;
    (void)worker;
    for (size_t i = 0; i < T5G_PANEL; i++) {
        float *row = s->h + (item * T5G_PANEL + i) * s->ld + s->at;
        double x[BLOCK];
        for (size_t c = 0; c < s->n; c++)
            x[c] = (double)row[c];
        for (size_t c = s->n; c-- > 0;) {
            x[c] /= s->own[c][c];
            for (size_t j = 0; j < c; j++)
                x[j] -= x[c] * s->own[j][c];
        }
        for (size_t c = 0; c < s->n; c++) {
            row[c] = (float)x[c];
            panel[c * T5G_PANEL + i] = -row[c];
        }
    }
}

static void
update_item(void *arg, size_t item, size_t worker)
{
    const struct step *s = arg;
    size_t at = item * TILE;
    (void)worker;
    s->k->gemm(s->h + at * s->ld + at, s->ld, s->h + at * s->ld + s->at, s->ld,
               s->panels + at * s->n, s->n * T5G_PANEL, t5g_min(TILE, s->at - at), s->n, s->at - at,
               true);
}

/* The upper triangle of h, R R^T, becomes R; false: it has none. */
static bool
factorise(const struct t5g_hessian *h, const struct t5g_kernels *k, struct t5g_pool *pool)
{
    struct step *s = t5g_alloc(1, sizeof *s);
    bool good = true;
    *s = (struct step){.k = k, .h = h->h, .ld = h->ld};
    s->panels = t5g_alloc_raw(h->ld * BLOCK, sizeof *s->panels);
    for (size_t end = h->ld; end > 0 && good; end = s->at) {
        s->at = (end - 1) / BLOCK * BLOCK;
        s->n = end - s->at;
        good = factorise_own(s);
        if (!good)
            break;
        t5g_pool_run(pool, solve_item, s, s->at / T5G_PANEL);
        t5g_pool_run(pool, update_item, s, (s->at + TILE - 1) / TILE);
    }
    t5g_free(s->panels);
    t5g_free(s);
    return good;
}

/* The upper triangle to the lower one, or back, without the diagonal. */
static void
mirror(const struct t5g_hessian *h, bool back)
{
    for (size_t i = 0; i < h->ld; i += TILE)
        for (size_t j = i; j < h->ld; j += TILE)
            for (size_t r = i; r < t5g_min(i + TILE, h->ld); r++)
                for (size_t c = t5g_max(j, r + 1); c < t5g_min(j + TILE, h->ld); c++) {
                    float *upper = &h->h[r * h->ld + c], *lower = &h->h[c * h->ld + r];
                    *(back ? upper : lower) = back ? *lower : *upper;
                }
}

/* h, whole, becomes R. */
static bool
damp_and_factorise(const struct t5g_hessian *h, const struct t5g_kernels *k, struct t5g_pool *pool)
{
    float *diagonal = t5g_alloc(h->ld, sizeof *diagonal);
    double sum = 0, share = 0.01 + FEW * (double)h->k / (double)t5g_max(h->n, 1);
    bool good = false;
    for (size_t i = 0; i < h->ld; i++) {
        diagonal[i] = h->h[i * (h->ld + 1)];
        sum += (double)diagonal[i];
    }
    double mean = sum / (double)h->k;
    mirror(h, false);
    for (int i = 0; i < TRIES && !good && isfinite(mean) && mean > 0; i++, share *= 10) {
        if (i > 0)
            mirror(h, true);
        for (size_t c = 0; c < h->ld; c++)
            h->h[c * (h->ld + 1)] = (float)((double)diagonal[c] + mean * share);
        good = factorise(h, k, pool);
    }
    t5g_free(diagonal);
    return good;
}

struct scaling {
    const struct t5g_hessian *h;
    const struct t5g_factor *f;
};

static void
scale_item(void *arg, size_t item, size_t worker)
{
    const struct scaling *x = arg;
    const struct t5g_hessian *h = x->h;
    size_t first = item * T5G_PANEL;
    float *panel = x->f->s + item * x->f->next;
    (void)worker;
    for (size_t i = 0; i < h->ld; i++)
        for (size_t c = 0; c < T5G_PANEL; c++) {
            const float *column = h->h + first + c;
            panel[i * T5G_PANEL + c] =
                i < first + c ? column[i * h->ld] / column[(first + c) * h->ld] : 0;
        }
}

bool
t5g_factor_make(struct t5g_factor *f, struct t5g_hessian *h, const struct t5g_kernels *k,
                struct t5g_pool *pool)
{
    bool good = damp_and_factorise(h, k, pool);
    *f = (struct t5g_factor){.k = k, .next = h->ld * T5G_PANEL};
    if (good) {
        struct scaling x = {h, f};
        f->s = t5g_alloc_raw(h->ld, h->ld * sizeof *f->s);
        t5g_pool_run(pool, scale_item, &x, h->ld / T5G_PANEL);
    }
    t5g_hessian_free(h);
    return good;
}

void
t5g_factor_free(struct t5g_factor *f)
{
    t5g_free(f->s);
    *f = (struct t5g_factor){0};
}
