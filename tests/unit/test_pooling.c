/* test_pooling.c: rows to one row, to means of groups, to length 1. */
#include "nn/pooling.h"
#include "base/mem.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

enum { D = 5, MOST = 23 };

static void
fill(float *x, size_t n)
{
    for (size_t i = 0; i < n * D; i++)
        x[i] = sinf((float)(i * i + 1)) * (i % 7 == 0 ? 100 : 1);
}

static void
groups_are_means_in_order(void **state)
{
    (void)state;
    for (size_t n = 0; n <= MOST; n++)
        for (size_t group = 1; group <= MOST + 1; group++) {
            float *x = t5g_alloc(n, D * sizeof *x), *y = t5g_alloc(n, D * sizeof *y);
            fill(x, n);
            memcpy(y, x, n * D * sizeof *x);
            size_t m = t5g_group_rows(y, n, D, group);
            assert_int_equal(m, (n + group - 1) / group);
            for (size_t g = 0; g < m; g++)
                for (size_t j = 0; j < D; j++) {
                    size_t last = t5g_min(n, (g + 1) * group);
                    float sum = x[g * group * D + j];
                    for (size_t i = g * group + 1; i < last; i++)
                        sum += x[i * D + j];
                    float want = sum / (float)(last - g * group);
                    assert_memory_equal(&want, &y[g * D + j], sizeof want);
                }
            t5g_free(x);
            t5g_free(y);
        }
}

static void
one_row_of_many(void **state)
{
    (void)state;
    for (size_t n = 1; n <= MOST; n++)
        for (int how = T5G_POOL_MEAN; how <= T5G_POOL_LAST; how++) {
            float x[MOST * D], y[MOST * D];
            fill(x, n);
            memcpy(y, x, sizeof y);
            t5g_pool_rows(y, n, D, (enum t5g_pooling)how);
            for (size_t j = 0; j < D; j++) {
                double sum = 0;
                float most = -INFINITY;
                for (size_t i = 0; i < n; i++) {
                    sum += (double)x[i * D + j];
                    most = fmaxf(most, x[i * D + j]);
                }
                float want = how == T5G_POOL_MEAN    ? (float)(sum / (double)n)
                             : how == T5G_POOL_MAX   ? most
                             : how == T5G_POOL_FIRST ? x[j]
                                                     : x[(n - 1) * D + j];
                assert_memory_equal(&want, &y[j], sizeof want);
            }
        }
}

static void
length_one(void **state)
{
    (void)state;
    static const float sizes[] = {1, 1e-30f, 1e30f, 1e-12f};
    for (size_t k = 0; k < T5G_LEN(sizes); k++) {
        float x[MOST * D];
        double sum = 0;
        fill(x, MOST);
        for (size_t i = 0; i < MOST * D; i++)
            x[i] *= sizes[k];
        t5g_normalize(x, MOST * D);
        for (size_t i = 0; i < MOST * D; i++)
            sum += (double)x[i] * (double)x[i];
        if (sizes[k] > 1e-20f) /* below, the divisor is 1e-12 */
            assert_true(fabs(sum - 1) < 1e-6);
        else
            assert_true(sum < 1e-20);
    }
    float zero[D] = {0};
    t5g_normalize(zero, D);
    for (size_t j = 0; j < D; j++)
        assert_true(zero[j] == 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(groups_are_means_in_order),
        cmocka_unit_test(one_row_of_many),
        cmocka_unit_test(length_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
