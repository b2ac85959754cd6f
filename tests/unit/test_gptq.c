/*
 * test_gptq.c: errors of rounded weights are compensated as GPTQ does it, which is written here
 * once more as its authors have it, with the inverse of H and in f64, and the outputs of a matrix
 * are closer for it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "kernels/rotate.h"
#include "model/quant.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Numbers from -1 to 1, the same in every run. */
static float
noise(uint32_t *x)
{
    *x = *x * 1664525 + 1013904223;
    return (float)(int32_t)*x * 0x1p-31f;
}

/* Inputs [n, k] that depend on each other, of very different sizes. */
static float *
inputs(size_t n, size_t k)
{
    uint32_t seed = 7;
    float *x = t5g_alloc(n * k, sizeof *x);
    for (size_t i = 0; i < n; i++) {
        float common = 3 * noise(&seed);
        for (size_t c = 0; c < k; c++)
            x[i * k + c] =
                noise(&seed) + common * (c % 3 == 0 ? 1 : -0.3f) + (c == 5 ? 20 * common : 0);
    }
    return x;
}

static float *
weights(size_t rows, size_t k)
{
    uint32_t seed = 1;
    float *w = t5g_alloc(rows * k, sizeof *w);
    for (size_t i = 0; i < rows * k; i++)
        w[i] = noise(&seed) + noise(&seed) + noise(&seed);
    return w;
}

static float *
rotated(const float *x, size_t n, size_t k)
{
    float *y = t5g_alloc(n * k, sizeof *y);
    for (size_t i = 0; i < n; i++)
        t5g_rotate_row(y + i * k, x + i * k, k);
    return y;
}

/* The factor of inputs x [n, k], given in two pieces. */
static bool
factor_of(struct t5g_factor *f, const float *x, size_t n, size_t k, struct t5g_pool *pool)
{
    struct t5g_err e = {0};
    const struct t5g_kernels *kernels = t5g_kernels_get(NULL, &e);
    struct t5g_hessian h;
    t5g_hessian_open(&h, k);
    t5g_hessian_add(&h, kernels, pool, x, k, n / 3);
    t5g_hessian_add(&h, kernels, pool, x + n / 3 * k, k, n - n / 3);
    return t5g_factor_make(f, &h, kernels, pool);
}

/* |x (w - q)^T|^2 over all rows of w, all rotated. */
static double
miss(const float *x, size_t n, const float *w, const float *q, size_t rows, size_t k)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        for (size_t r = 0; r < rows; r++) {
            double y = 0;
            for (size_t c = 0; c < k; c++)
                y += (double)x[i * k + c] * ((double)w[r * k + c] - (double)q[r * k + c]);
            sum += y * y;
        }
    return sum;
}

/* In place: lower triangle of a positive definite a [k, k] to that of its Cholesky factor. */
static void
cholesky(double *a, size_t k)
{
    for (size_t j = 0; j < k; j++) {
        for (size_t c = 0; c < j; c++)
            for (size_t i = j; i < k; i++)
                a[i * k + j] -= a[i * k + c] * a[j * k + c];
        double root = sqrt(a[j * k + j]);
        for (size_t i = j; i < k; i++)
            a[i * k + j] /= root;
    }
}

/* U [k, k], upper, of (x^T x + damping)^-1 = U^T U; damping as in gptq.c. */
static double *
inverse_factor(const float *x, size_t n, size_t k)
{
    double *h = t5g_alloc(k * k, sizeof *h), *inv = t5g_alloc(k * k, sizeof *inv), mean = 0;
    for (size_t i = 0; i < k; i++)
        for (size_t j = 0; j < k; j++)
            for (size_t r = 0; r < n; r++)
                h[i * k + j] += (double)x[r * k + i] * (double)x[r * k + j];
    for (size_t i = 0; i < k; i++)
        mean += h[i * k + i] / (double)k;
    for (size_t i = 0; i < k; i++)
        h[i * k + i] += (0.01 + 0.3 * (double)k / (double)n) * mean;
    cholesky(h, k);
    for (size_t j = 0; j < k; j++) { /* L y = e, L^T z = y */
        double *z = inv + j * k;
        for (size_t i = 0; i < k; i++) {
            z[i] = i == j ? 1 : 0;
            for (size_t c = 0; c < i; c++)
                z[i] -= h[i * k + c] * z[c];
            z[i] /= h[i * k + i];
        }
        for (size_t i = k; i-- > 0;) {
            for (size_t c = i + 1; c < k; c++)
                z[i] -= h[c * k + i] * z[c];
            z[i] /= h[i * k + i];
        }
    }
    cholesky(inv, k);
    for (size_t i = 0; i < k; i++)
        for (size_t j = 0; j < k; j++)
            h[i * k + j] = j >= i ? inv[j * k + i] : 0;
    t5g_free(inv);
    return h;
}

/* The grid that the library chooses for a group w [g]: that of a matrix of this row alone. */
static struct t5g_mat
group_grid(unsigned char **owned, const double *w, size_t g, int dtype, struct t5g_pool *pool)
{
    float x[128];
    size_t n;
    for (size_t i = 0; i < g; i++)
        x[i] = (float)w[i];
    t5g_rotate_row(x, x, g); /* it is rotated back */
    struct t5g_mat m = {.p = x, .dtype = T5G_F32, .rows = 1, .cols = g};
    *owned = t5g_quantise_matrix(&m, dtype, g, NULL, pool, &n);
    return t5g_quant_matrix(*owned, dtype, 1, g, g);
}

/* A row w [k] by the published algorithm, with a grid for every g columns. */
static void
reference_row(float *q, const float *w, const double *u, size_t k, size_t g, int dtype,
              struct t5g_pool *pool)
{
    double *x = t5g_alloc(k, sizeof *x), s = 0, zero = 0, top = 0; /* s..top: of the group */
    for (size_t c = 0; c < k; c++)
        x[c] = (double)w[c];
    for (size_t c = 0; c < k; c++) {
        if (c % g == 0) {
            unsigned char *owned;
            struct t5g_mat m = group_grid(&owned, x + c, g, dtype, pool);
            int bits = t5g_quant_bits(dtype);
            s = (double)t5g_bf16_to_f32(m.scale[0]);
            zero = bits == 8 ? 128 : bits == 4 ? m.zero[0] & 15 : m.zero[0];
            top = bits == 8 ? 255 : (1 << bits) - 1;
            t5g_free(owned);
        }
        double number = fmin(fmax(rint(x[c] / s) + zero, top == 255 ? 1 : 0), top);
        double error = (x[c] - (number - zero) * s) / u[c * k + c];
        q[c] = (float)((number - zero) * s);
        for (size_t j = c + 1; j < k; j++)
            x[j] -= error * u[c * k + j];
    }
    t5g_free(x);
}

static void
as_published(void **state)
{
    static const struct {
        int dtype;
        size_t group;
        double gain; /* plain rounding misses more by at least this */
    } kinds[] = {{T5G_Q4, 32, 3}, {T5G_Q6, 32, 3}, {T5G_Q8, 128, 3}};
    enum { N = 300, K = 256, ROWS = 20 };
    struct t5g_err e = {0};
    struct t5g_pool *pool = t5g_pool_open(2, &e);
    float *x = inputs(N, K), *w = weights(ROWS, K);
    float *rx = rotated(x, N, K), *rw = rotated(w, ROWS, K);
    double *u = inverse_factor(rx, N, K);
    (void)state;
    for (size_t i = 0; i < T5G_LEN(kinds); i++) {
        float *q[3]; /* plain; with the factor; by the reference */
        struct t5g_mat m = {.p = w, .dtype = T5G_F32, .rows = ROWS, .cols = K};
        size_t n, equal = 0;
        struct t5g_factor f;
        double missed[3];
        assert_true(factor_of(&f, x, N, K, pool));
        for (int j = 0; j < 3; j++) {
            q[j] = t5g_alloc(ROWS * K, sizeof **q);
            unsigned char *p = t5g_quantise_matrix(&m, kinds[i].dtype, kinds[i].group,
                                                   j == 1 ? &f : NULL, pool, &n);
            struct t5g_mat to = t5g_quant_matrix(p, kinds[i].dtype, ROWS, K, kinds[i].group);
            for (size_t r = 0; r < ROWS; r++)
                if (j < 2)
                    t5g_mat_row_rotated(q[j] + r * K, &to, r);
                else
                    reference_row(q[j] + r * K, rw + r * K, u, K, kinds[i].group, kinds[i].dtype,
                                  pool);
            missed[j] = miss(rx, N, rw, q[j], ROWS, K);
            t5g_free(p);
        }
        /* A number that lies between two may go either way, and then all behind it do. */
        for (size_t r = 0; r < ROWS; r++)
            equal += memcmp(q[1] + r * K, q[2] + r * K, K * sizeof **q) == 0;
        if (equal < ROWS / 2 || fabs(missed[1] / missed[2] - 1) > 0.02)
            fail_msg("dtype %d: %zu of %d rows equal, %g, by reference %g", kinds[i].dtype, equal,
                     ROWS, missed[1], missed[2]);
        if (missed[1] * kinds[i].gain > missed[0])
            fail_msg("dtype %d: %g, plain %g", kinds[i].dtype, missed[1], missed[0]);
        for (int j = 0; j < 3; j++)
            t5g_free(q[j]);
        t5g_factor_free(&f);
    }
    t5g_free(x);
    t5g_free(w);
    t5g_free(rx);
    t5g_free(rw);
    t5g_free(u);
    t5g_pool_close(pool);
}

/* Widths that fill no block, panel or run, more columns than inputs, any number of threads. */
static void
same_bits(void **state)
{
    static const size_t widths[] = {1, 20, 128, 212, 400};
    (void)state;
    for (size_t i = 0; i < T5G_LEN(widths); i++) {
        size_t k = widths[i], rows = 37, n, m = 50;
        float *x = inputs(m, k), *w = weights(rows, k);
        struct t5g_mat mat = {.p = w, .dtype = T5G_F32, .rows = rows, .cols = k};
        void *first = NULL;
        for (size_t threads = 1; threads <= 3; threads++) {
            struct t5g_err e = {0};
            struct t5g_pool *pool = t5g_pool_open(threads, &e);
            struct t5g_factor f;
            assert_true(factor_of(&f, x, m, k, pool));
            unsigned char *p = t5g_quantise_matrix(&mat, T5G_Q4, 32, &f, pool, &n);
            if (first == NULL)
                first = t5g_memdup(p, n);
            assert_memory_equal(p, first, n);
            t5g_free(p);
            t5g_factor_free(&f);
            t5g_pool_close(pool);
        }
        t5g_free(first);
        t5g_free(x);
        t5g_free(w);
    }
}

/* Inputs that say nothing, or cannot be used, give no factor; few are enough. */
static void
without(void **state)
{
    enum { N = 40, K = 64 };
    struct t5g_err e = {0};
    struct t5g_pool *pool = t5g_pool_open(1, &e);
    struct t5g_factor f;
    float x[N * K] = {0};
    (void)state;
    assert_false(factor_of(&f, x, N, K, pool));
    assert_null(f.s);
    t5g_factor_free(&f);
    for (size_t i = 0; i < N * K; i++)
        x[i] = 1e3f;
    assert_true(factor_of(&f, x, N, K, pool));
    for (size_t i = 0; i < K * K; i++)
        assert_true(isfinite(f.s[i]));
    t5g_factor_free(&f);
    x[5] = NAN;
    assert_false(factor_of(&f, x, N, K, pool));
    x[5] = 3e38f;
    assert_false(factor_of(&f, x, N, K, pool));
    t5g_factor_free(&f);
    t5g_pool_close(pool);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(as_published),
        cmocka_unit_test(same_bits),
        cmocka_unit_test(without),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
