/*
 * test_quant.c: quantised matrices: what their rows stand for, whatever the width, and which
 * layouts of packed models are taken.
 */
#include "guard.h"
#include "streams.h"

#include "kernels/rotate.h"
#include "model/packed.h"
#include "model/quant.h"
#include "stream/writer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/*
 * A row comes back with an error that is the bits', though an element of it is 40 times the size of
 * the others: rotated, it no longer costs them their digits. 212 = 128 + 64 + 16 + 4.
 */
static void
rows_come_back(void **state)
{
    static const struct {
        int dtype;
        size_t group;
        double most; /* relative error of a row */
    } kinds[] = {{T5G_Q8, 128, 0.008}, {T5G_Q8, 64, 0.007}, {T5G_Q6, 32, 0.03}, {T5G_Q4, 32, 0.1}};
    static const size_t widths[] = {1, 16, 128, 212, 640};
    struct t5g_err e = {0};
    struct t5g_pool *pool = t5g_pool_open(1, &e);
    (void)state;
    for (size_t i = 0; i < T5G_LEN(kinds); i++)
        for (size_t w = 0; w < T5G_LEN(widths); w++) {
            size_t rows = 37, cols = widths[w], n;
            float *x = t5g_alloc(rows * cols, sizeof *x), *y = t5g_alloc(cols, sizeof *y);
            struct t5g_mat m = {.p = x, .dtype = T5G_F32, .rows = rows, .cols = cols};
            for (size_t k = 0; k < rows * cols; k++)
                x[k] = noise() + noise() + noise();
            for (size_t r = 0; r < rows && cols > 100; r++)
                x[r * cols + 7] = 40;
            unsigned char *p =
                t5g_quantise_matrix(&m, kinds[i].dtype, kinds[i].group, NULL, pool, &n);
            struct t5g_mat q = t5g_quant_matrix(p, kinds[i].dtype, rows, cols, kinds[i].group);
            for (size_t r = 0; r < rows; r++) {
                double miss = 0, size = 0;
                t5g_mat_row(y, &q, r);
                for (size_t k = 0; k < cols; k++) {
                    double d = (double)y[k] - (double)x[r * cols + k];
                    miss += d * d;
                    size += (double)x[r * cols + k] * (double)x[r * cols + k];
                }
                if (miss > kinds[i].most * kinds[i].most * size)
                    fail_msg("dtype %d, %zu columns, row %zu: %g of %g", kinds[i].dtype, cols, r,
                             miss, size);
            }
            t5g_free(p);
            t5g_free(x);
            t5g_free(y);
        }
    t5g_pool_close(pool);
}

static int
count(void *arg, const struct t5g_tensor *t, struct t5g_err *e)
{
    (void)t;
    (void)e;
    ++*(int *)arg;
    return 0;
}

/* Opening a packed model with one matrix [16, 32] of this layout and so many bytes. */
static int
opened(const char *layout, uint64_t bytes, struct t5g_err *e)
{
    char path[] = "/tmp/t5g-test-XXXXXX", extra[120];
    int fd = mkstemp(path), tensors = 0;
    unsigned char *data = t5g_alloc(bytes, 1);
    struct t5g_writer *w = t5g_writer_open(fd, "out");
    struct t5g_map map;
    snprintf(extra, sizeof extra, "\"layout\":\"%s\",\"rows\":16,\"cols\":32,\"group\":32", layout);
    assert_int_equal(t5g_writer_begin(w, NULL, "test", NULL, e), 0);
    assert_int_equal(t5g_writer_doc(w, "m", 1, NULL, e), 0);
    assert_int_equal(t5g_writer_tensor(w, "a.weight", T5G_U8, 1, &bytes, data, extra, e), 0);
    assert_int_equal(t5g_writer_close(w, NULL, e), 0);
    assert_int_equal(t5g_writer_end(w, 0, e), 0);
    t5g_writer_free(w);
    assert_int_equal(t5g_map_file(path, &map, e), 0);
    int r = t5g_packed_tensors(map.p, map.size, "m.t5g", -1, count, &tensors, e);
    assert_int_equal(tensors, r == 0);
    t5g_unmap(&map);
    close(fd);
    unlink(path);
    t5g_free(data);
    return r;
}

static void
layouts(void **state)
{
    struct t5g_err e = {0};
    (void)state;
    if (opened("q8-rotated-16x4", 16 * 32 + 32, &e) != 0)
        fail_msg("%s", e.msg);
    assert_int_equal(opened("q6-rotated-16x16", 16 * 32 * 6 / 8 + 32 + 16, &e), 0);
    assert_int_equal(opened("q4-rotated-16x8", 16 * 32 / 2 + 32 + 8, &e), 0);
    assert_int_equal(opened("q4-rotated-16x8", 16 * 32 / 2 + 32, &e), -1);
    assert_int_equal(e.code, T5G_EX_DATA);
    /* Of earlier versions: other numbers under the same bytes. */
    static const char *const old[] = {"q8-16x4", "q4-16x8"};
    for (size_t i = 0; i < T5G_LEN(old); i++) {
        char want[160];
        assert_int_equal(opened(old[i], i == 0 ? 16 * 32 + 32 : 16 * 32 / 2 + 32, &e), -1);
        snprintf(want, sizeof want,
                 "m.t5g: tensor 'a.weight': layout %s is not known to this version: pack the model "
                 "again",
                 old[i]);
        assert_string_equal(e.msg, want);
        assert_int_equal(e.code, T5G_EX_DATA);
    }
}

/* An END without its 64 bytes, where the mapping ends: refused, and nothing behind it is read. */
static void
short_end(void **state)
{
    struct make m = {0};
    struct t5g_err e = {0};
    int tensors = 0;
    (void)state;
    make_head(&m);
    make_frame(&m, T5G_KIND_END, 0, NULL, NULL, 0);
    struct guard file = guard(m.b.n, false);
    memcpy(file.p, m.b.p, m.b.n);
    assert_int_equal(t5g_packed_tensors(file.p, m.b.n, "m.t5g", -1, count, &tensors, &e), -1);
    assert_string_equal(e.msg, "m.t5g: not the whole of one packed model");
    assert_int_equal(e.code, T5G_EX_DATA);
    release(&file);
    make_free(&m);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_come_back),
        cmocka_unit_test(layouts),
        cmocka_unit_test(short_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
