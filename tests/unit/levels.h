/* levels.h: a table of kernels under test, each level in turn, and the error that sums may have. */
#ifndef T5G_TEST_LEVELS_H
#define T5G_TEST_LEVELS_H

#include "guard.h"

#include "kernels/kernels.h"

#include <math.h>
#include <string.h>

typedef const struct t5g_kernels *get_kernels(const char *level, struct t5g_err *e);

/* A test of a level, which is its state. */
#define LEVEL(test, name) cmocka_unit_test_prestate(test, (char[]){name})

static const struct t5g_kernels *k; /* of the level under test */

/* Take the level that *state names from t5g_kernels_get or t5g_kernels_bf16; skip if it is not
 * here. */
static inline void
level(get_kernels *get, void **state)
{
    struct t5g_err e = {0};
    k = get(*state, &e);
    if (k == NULL) {
        assert_int_equal(e.code, T5G_EX_UNAVAIL);
        skip();
    }
    assert_string_equal(k->name, (const char *)*state);
}

static inline const struct t5g_kernels *
reference(get_kernels *get)
{
    struct t5g_err e;
    return get("ref", &e);
}

/*
 * A sum of `terms` products whose sizes add up to `size`. Rounded terms, added in any order, err by
 * up to (terms + 3) * 2^-24 * size, and by `roundings` times that if products are rounded too.
 */
static inline void
check_sum_of(float got, double want, double size, size_t terms, double roundings)
{
    double most = roundings * (double)(terms + 3) * 0x1p-24 * size;
    assert_false(isnan(got));
    if (fabs((double)got - want) > most)
        fail_msg("%s: got %.9g, expected %.9g +- %.2g", k->name, (double)got, want, most);
}

static inline void
check_sum(float got, double want, double size, size_t terms)
{
    check_sum_of(got, want, size, terms, 1);
}

/* Products of m rows a [m, k], stride lda, with w [cols, k]: what gemm has made of `before`. */
struct product {
    size_t m, k, cols, lda, ldc;
    const float *a, *w;
    const float *before, *c; /* [(m - 1) * ldc + cols], cols of each row used */
    bool add;
};

/* Elements of c. */
static inline size_t
product_size(const struct product *p)
{
    return p->m > 0 ? (p->m - 1) * p->ldc + p->cols : 0;
}

/* c is right, and between its rows nothing was written. */
static inline void
check_product(const struct product *p, double roundings)
{
    for (size_t i = 0; i < product_size(p); i++) {
        size_t row = i / p->ldc, j = i % p->ldc;
        if (j >= p->cols) {
            assert_true(p->c[i] == p->before[i]);
            continue;
        }
        double want = p->add ? (double)p->before[i] : 0, size = fabs(want);
        for (size_t l = 0; l < p->k; l++) {
            double t = (double)p->a[row * p->lda + l] * (double)p->w[j * p->k + l];
            want += t;
            size += fabs(t);
        }
        check_sum_of(p->c[i], want, size, p->k, roundings);
    }
}

/* A row and a panel alone have the same bits: one(arg, row, panel, c, cols) computes them. */
static inline void
check_alone(const struct product *p,
            void (*one)(const void *arg, size_t row, size_t panel, float *c, size_t cols),
            const void *arg)
{
    for (size_t row = 0; row < p->m; row++)
        for (size_t j = 0; j < p->cols; j += T5G_PANEL) {
            float alone[T5G_PANEL];
            size_t at = row * p->ldc + j, n = t5g_min(T5G_PANEL, p->cols - j);
            memcpy(alone, p->before + at, n * sizeof *alone);
            one(arg, row, j / T5G_PANEL, alone, n);
            assert_memory_equal(alone, p->c + at, n * sizeof *alone);
        }
}

/* one(...) at sizes around every tile, and at these depths [n_deep] around the pieces of sums. */
static inline void
each_size(void (*one)(size_t m, size_t k, size_t cols, int dtype, bool add, bool front),
          const size_t *deep, size_t n_deep)
{
    static const int dtypes[] = {T5G_F32, T5G_BF16, T5G_F16};
    static const size_t ms[] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 12, 13};
    static const size_t ks[] = {0, 1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 32, 33, 40, 63, 64, 65};
    static const size_t cs[] = {1, 7, 8, 9, 15, 16};
    for (size_t i = 0; i < T5G_LEN(ms); i++)
        for (size_t l = 0; l < T5G_LEN(ks); l++)
            for (size_t j = 0; j < T5G_LEN(cs); j++)
                one(ms[i], ks[l], cs[j], dtypes[(i + l + j) % 3], (i + j) % 2, l % 2);
    for (size_t l = 0; l < n_deep; l++)
        for (size_t d = 0; d < 3; d++)
            one(7, deep[l], l % 2 ? 16 : 11, dtypes[d], l % 3 == 0, d % 2);
    for (size_t i = 0; i < T5G_LEN(ms); i++)
        for (size_t cols = 17; cols < 150; cols += 13)
            one(ms[i], cols % 3 * 9 + 1, cols, dtypes[cols % 3], i % 2, cols % 2);
    one(95, 9, 16, T5G_BF16, false, false);
    one(96, 9, 16, T5G_BF16, true, true);
    one(97, 330, 5, T5G_F32, true, false);
    one(131, 350, 64, T5G_BF16, false, true);
    one(131, 350, 47, T5G_BF16, true, false);
    one(200, 9, 16, T5G_F16, false, true);
}

#endif
