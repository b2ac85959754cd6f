/* test_base.c: errors, numbers, conversions, buffers, hashes, pool. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "base/dtype.h"
#include "base/err.h"
#include "base/hash.h"
#include "base/io.h"
#include "base/temporary.h"
#include "base/num.h"
#include "base/threads.h"
#include "base/units.h"
#include "base/utf8.h"

#include <errno.h>
#include <math.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <stdio.h>
#include <fcntl.h>
#include <unistd.h>

static void
errors_escape_controls(void **state)
{
    (void)state;
    struct t5g_err e;
    assert_int_equal(t5g_err_set(&e, 65, "a\nb\x1b[2J"), -1);
    assert_string_equal(e.msg, "a\\x0ab\\x1b[2J");
    t5g_err_in(&e, "%s", "file");
    assert_string_equal(e.msg, "file: a\\x0ab\\x1b[2J");
    t5g_err_set(&e, 65,
                "a\xc2\x9b"
                "1m\xe2\x80\xae\xff\xc3 \xc3\xab\\");
    assert_string_equal(e.msg, "a\\xc2\\x9b1m\\xe2\\x80\\xae\\xff\\xc3 \xc3\xab\\");
    t5g_err_in(&e, "b"); /* and not twice */
    assert_string_equal(e.msg, "b: a\\xc2\\x9b1m\\xe2\\x80\\xae\\xff\\xc3 \xc3\xab\\");
    errno = ENOENT;
    t5g_err_sys(&e, T5G_EX_IO, "x");
    assert_int_equal(e.code, T5G_EX_NOINPUT);
    errno = EACCES;
    t5g_err_sys(&e, T5G_EX_IO, "x");
    assert_int_equal(e.code, T5G_EX_PERM);
}

static void
arrays_grow(void **state)
{
    (void)state;
    size_t cap = 0, moves = 0;
    uint32_t *v = NULL;
    for (size_t n = 0; n < 1000; n++) {
        size_t before = cap;
        v = t5g_grow(v, n, &cap, sizeof *v);
        assert_true(cap > n);
        moves += cap != before;
        assert_int_equal(v[cap - 1], 0);
        v[n] = (uint32_t)n + 1;
    }
    for (size_t n = 0; n < 1000; n++)
        assert_int_equal(v[n], n + 1);
    assert_in_range(moves, 1, 10);
    t5g_free(v);
}

static void
bytes_are_numbers(void **state)
{
    (void)state;
    const unsigned char p[] = {0x21, 0x43, 0x65, 0x87, 0xa9, 0xcb, 0xed, 0xff};
    assert_int_equal(t5g_little(p, 0), 0);
    assert_int_equal(t5g_little(p, 1), 0x21);
    assert_int_equal(t5g_little(p, 4), 0x87654321);
    assert_true(t5g_little(p, 8) == 0xffedcba987654321);
}

static void
whole_numbers(void **state)
{
    (void)state;
    uint64_t v = 7;
    assert_int_equal(t5g_num_u64("-n", "12", 1, 100, &v, NULL), 0);
    assert_int_equal(v, 12);
    const char *bad[] = {"",    "-1",  "+1",  " 1", "1 ",
                         "0x1", "1.0", "101", "0",  "99999999999999999999999",
                         "3K",  "1KK"};
    for (size_t i = 0; i < T5G_LEN(bad); i++)
        assert_int_equal(t5g_num_u64("-n", bad[i], 1, 100, &v, NULL), -1);
}

static void
sizes(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        uint64_t bytes;
    } good[] = {{"0", 0},
                {"3K", 3072},
                {"3k", 3072},
                {"10GB", 10737418240},
                {"50GiB", 50LL << 30},
                {"1T", 1LL << 40},
                {"1tib", 1LL << 40},
                {"7B", 7},
                {"2MiB", 2 << 20},
                {"007m", 7 << 20}};
    static const char *const bad[] = {"",     "K",   "-1K", "1.5G",
                                      "1 G",  "1KK", "1iB", "1Gi ",
                                      "1GBB", "1X",  "1P",  "18446744073709551615K"};
    uint64_t v = 7;
    struct t5g_err e;
    for (size_t i = 0; i < T5G_LEN(good); i++) {
        assert_int_equal(t5g_num_size("-n", good[i].text, 0, UINT64_MAX, &v, NULL), 0);
        assert_int_equal(v, good[i].bytes);
    }
    for (size_t i = 0; i < T5G_LEN(bad); i++)
        assert_int_equal(t5g_num_size("-n", bad[i], 0, UINT64_MAX, &v, NULL), -1);
    assert_int_equal(t5g_num_size("-n", "4K", 4097, 1 << 20, &v, NULL), -1);
    assert_int_equal(t5g_num_size("-n", "2M", 4096, 1 << 20, &v, &e), -1);
    assert_int_equal(e.code, T5G_EX_USAGE);
    assert_string_equal(e.msg,
                        "-n: '2M' is not a size from 4K to 1M: a whole number of bytes, or of K, "
                        "M, G or T (powers of 1024), such as 512M");
}

static void
real_numbers(void **state)
{
    (void)state;
    double v;
    assert_int_equal(t5g_num_double("x", "0.5", 0, 1, &v, NULL), 0);
    assert_true(v == 0.5);
    const char *bad[] = {"", "nan", "inf", "0x1p-1", "1e999", "2", " 1", "0.5x", "."};
    for (size_t i = 0; i < T5G_LEN(bad); i++)
        assert_int_equal(t5g_num_double("x", bad[i], 0, 1, &v, NULL), -1);
    char text[32];
    t5g_num_print_f32(text, 0.1f);
    assert_string_equal(text, "0.1");
    t5g_num_print_f32(text, -1.2345678e-7f);
    assert_true(strtof(text, NULL) == -1.2345678e-7f);
}

static void
half_precision_round_trips(void **state)
{
    (void)state;
    for (uint32_t u = 0; u < 0x10000; u++) {
        float f = t5g_f16_to_f32((uint16_t)u), b = t5g_bf16_to_f32((uint16_t)u);
        if (!isnan(f))
            assert_int_equal(t5g_f32_to_f16(f), u);
        else
            assert_true(isnan(t5g_f16_to_f32(t5g_f32_to_f16(f))));
        if (!isnan(b))
            assert_int_equal(t5g_f32_to_bf16(b), u);
        else
            assert_true(isnan(t5g_bf16_to_f32(t5g_f32_to_bf16(b))));
    }
    assert_true(t5g_f16_to_f32(0x0001) == 0x1p-24f);
    assert_true(t5g_f16_to_f32(0x7bff) == 65504.0f);
    assert_int_equal(t5g_f32_to_f16(65519.9f), 0x7bff);
    assert_int_equal(t5g_f32_to_f16(65520.0f), 0x7c00);
    assert_int_equal(t5g_f32_to_f16(0x1.001p-14f * 0.5f), 0x0200); /* a tie goes to even */
    assert_int_equal(t5g_f32_to_bf16(1.00390625f), 0x3f80);        /* 1 + 2^-8: tie, even */
    assert_int_equal(t5g_f32_to_bf16(1.01171875f), 0x3f82);        /* 1 + 3 * 2^-8: tie, even */
}

static void
buffers_grow(void **state)
{
    (void)state;
    struct t5g_buf b = {0};
    for (int i = 0; i < 1000; i++)
        t5g_buf_printf(&b, "%d,", i);
    assert_int_equal(b.n, 10 * 2 + 90 * 3 + 900 * 4);
    assert_int_equal(b.p[b.n], 0);
    t5g_buf_free(&b);
    char *p = t5g_path_join("a//", "b");
    assert_string_equal(p, "a/b");
    t5g_free(p);
    p = t5g_path_join("/", "b");
    assert_string_equal(p, "//b"); /* the root keeps its slash; the kernel ignores the second */
    t5g_free(p);
    for (size_t n = 0; n < 200; n++) {
        unsigned char *q = t5g_alloc(n, 1);
        assert_int_equal((uintptr_t)q % T5G_ALIGN, 0);
        for (size_t i = 0; i < n; i++)
            assert_int_equal(q[i], 0);
        t5g_free(q);
        static const char *const folders[][2] = {
            {"a/b", "a"}, {"b", "."}, {"/b", "/"}, {"/a/b/c", "/a/b"}};
        for (size_t i = 0; i < T5G_LEN(folders); i++) {
            p = t5g_path_folder(folders[i][0]);
            assert_string_equal(p, folders[i][1]);
            t5g_free(p);
        }
    }
}

static void
hashes_are_xxh3(void **state)
{
    (void)state;
    char hex[T5G_HEX128], hex2[T5G_HEX128];
    assert_true(t5g_hash64("", 0) == 0x2d06800538d394c2u);
    t5g_hash128_hex(hex, "", 0);
    assert_string_equal(hex, "99aa06d3014798d86001c324468d497f");
    struct t5g_hash *h = t5g_hash_open();
    t5g_hash_add(h, "hello ", 6);
    t5g_hash_add(h, "world", 5);
    assert_true(t5g_hash_get64(h) == t5g_hash64("hello world", 11));
    t5g_hash_get128_hex(h, hex);
    t5g_hash128_hex(hex2, "hello world", 11);
    assert_string_equal(hex, hex2);
    t5g_hash_close(h);
}

static void
files_read_whole(void **state)
{
    (void)state;
    char path[] = "/tmp/t5g-test-XXXXXX";
    int fd = mkstemp(path);
    struct t5g_buf b = {0};
    struct t5g_err e;
    struct t5g_map m;
    assert_true(fd >= 0);
    assert_int_equal(t5g_map_file(path, &m, &e), 0);
    assert_int_equal(m.size, 0);
    t5g_unmap(&m);
    assert_int_equal(t5g_write_file(path, "0123456789", 10, &e), 0);
    assert_int_equal(t5g_read_file(path, 10, &b, &e), 0);
    assert_int_equal(b.n, 10);
    b.n = 0;
    assert_int_equal(t5g_read_file(path, 9, &b, &e), -1);
    assert_int_equal(e.code, T5G_EX_DATA);
    assert_int_equal(t5g_read_file("/tmp", 9, &b, &e), -1);
    assert_int_equal(e.code, T5G_EX_NOINPUT);
    assert_int_equal(t5g_map_file("/nowhere/at/all", &m, &e), -1);
    assert_int_equal(e.code, T5G_EX_NOINPUT);
    t5g_buf_free(&b);
    close(fd);
    unlink(path);
}

static void
count_item(void *arg, size_t item, size_t worker)
{
    atomic_uint *counts = arg;
    (void)worker;
    atomic_fetch_add(&counts[item], 1);
}

static void
pool_runs_every_item_once(void **state)
{
    (void)state;
    static atomic_uint counts[1000];
    for (size_t threads = 1; threads <= 5; threads += 2) {
        struct t5g_pool *p = t5g_pool_open(threads, NULL);
        assert_int_equal(t5g_pool_threads(p), threads);
        memset(counts, 0, sizeof counts);
        for (size_t items = 0; items < 1000; items += 37)
            t5g_pool_run(p, count_item, counts, items);
        for (int i = 0; i < 2000; i++)
            t5g_pool_run(p, count_item, counts, 3);
        for (size_t i = 0; i < 1000; i++) {
            unsigned want = i < 3 ? 2000 : 0;
            for (size_t items = 0; items < 1000; items += 37)
                want += i < items;
            assert_int_equal(counts[i], want);
        }
        t5g_pool_close(p);
    }
    assert_true(t5g_cpu_count() >= 1);
}

static void
units(void **state)
{
    (void)state;
    static const struct {
        double s;
        const char *text;
    } times[] = {{0, "0.00 s"},        {0.424, "0.42 s"},     {9.996, "10.0 s"},
                 {59.4, "59.4 s"},     {59.6, "1 min 0 s"},   {80, "1 min 20 s"},
                 {119.9, "2 min 0 s"}, {3599, "59 min 59 s"}, {3601, "1 h 0 min"},
                 {7500, "2 h 5 min"},  {86400, "1 d 0 h"},    {100 * 86400.0, "100 d 0 h"},
                 {-1, "0.00 s"}};
    static const struct {
        uint64_t n;
        const char *text;
    } sizes[] = {
        {0, "0 B"},         {999, "999 B"},        {1000, "1.0 kB"},       {3200000, "3.2 MB"},
        {999960, "1.0 MB"}, {69000000, "69.0 MB"}, {1400000000, "1.4 GB"}, {UINT64_MAX, "18.4 EB"}};
    char out[T5G_UNITS_MAX];
    for (size_t i = 0; i < T5G_LEN(times); i++)
        assert_string_equal(t5g_units_time(out, times[i].s), times[i].text);
    for (size_t i = 0; i < T5G_LEN(sizes); i++)
        assert_string_equal(t5g_units_size(out, sizes[i].n), sizes[i].text);
}

/* A mapped file that others cut is found, and so is the file that an address lies in. */
static void
mappings_are_watched(void **state)
{
    (void)state;
    char path[] = "/tmp/t5g-map-XXXXXX";
    static const char bytes[20000];
    struct t5g_map m;
    struct t5g_err e = {0};
    int status = 0, fd = mkstemp(path);
    assert_int_equal(t5g_write_full(fd, path, bytes, sizeof bytes, &e), 0);
    assert_int_equal(t5g_map_file(path, &m, &e), 0);
    assert_string_equal(t5g_map_at(m.p + 19999, &status), path);
    assert_int_equal(status, T5G_EX_IO);
    t5g_map_cut_status(&m, T5G_EX_UPSTREAM);
    assert_null(t5g_map_at(bytes, &status));
    assert_int_equal(t5g_maps_whole(&e), 0);
    assert_int_equal(ftruncate(fd, 19999), 0);
    assert_int_equal(t5g_maps_whole(&e), -1);
    assert_int_equal(e.code, T5G_EX_UPSTREAM);
    assert_non_null(strstr(e.msg, "was truncated while it was being read"));
    t5g_unmap(&m);
    assert_null(t5g_map_at(m.p, &status));
    assert_int_equal(t5g_maps_whole(&e), -1); /* what was read of it may be wrong */
    close(fd);
    unlink(path);
}

/* Temporary files and folders go, whatever state they are in. */
static void
temporaries_go(void **state)
{
    (void)state;
    char path[] = "/tmp/t5g-folder-XXXXXX", name[400], wanted[400];
    struct t5g_err e = {0};
    struct t5g_temporary *t;
    assert_non_null(mkdtemp(path));
    snprintf(wanted, sizeof wanted, "%s/%0255d", path, 0); /* the longest name there is */
    int fd = t5g_temporary_open(&t, wanted, 0640, &e);
    assert_true(fd >= 0);
    close(fd);
    assert_int_equal(t5g_temporary_rename(t, wanted, &e), 0);
    assert_int_equal(access(wanted, F_OK), 0);
    unlink(wanted);
    t = t5g_temporary_folder(wanted, 0700, &e);
    assert_non_null(t);
    for (int i = 0; i < 300; i++) { /* more than one reading of the folder holds */
        snprintf(name, sizeof name, "%s/%d", t5g_temporary_name(t), i);
        if (strlen(name) < sizeof name - 1 && (fd = open(name, O_CREAT | O_WRONLY, 0600)) >= 0)
            close(fd);
    }
    fd = t5g_temporary_open(&t, wanted, 0600, &e);
    assert_true(fd >= 0);
    close(fd);
    t5g_temporary_remove_all();
    assert_int_equal(rmdir(path), 0);
}

/* Looking at eight bytes at once finds what looking at one character after the other does. */
static void
utf8_is_checked(void **state)
{
    static const char *const parts[] = {"a",
                                        "bcdefghi",
                                        "\xc2\x80",
                                        "\xdf\xbf",
                                        "\xe0\xa0\x80",
                                        "\xed\x9f\xbf",
                                        "\xe1\x80\x80",
                                        "\xef\xbf\xbf",
                                        "\xf0\x90\x80\x80",
                                        "\xf4\x8f\xbf\xbf",
                                        "\xd0\xbf\xd1\x80",
                                        "\xc1\xbf",
                                        "\xe0\x9f\xbf",
                                        "\xed\xa0\x80",
                                        "\xf0\x8f\xbf\xbf",
                                        "\xf4\x90\x80\x80",
                                        "\xc2",
                                        "\x80",
                                        "\xe1\x80",
                                        "\xe1",
                                        "\xff",
                                        "\xc0\x80",
                                        "\xf5\x80\x80\x80"};
    enum { GOOD = 11 };
    uint64_t seed = 1;
    (void)state;
    for (int times = 0; times < 50000; times++) {
        struct t5g_buf b = {0};
        size_t good = 0, len, n = seed >> 40 & 15;
        for (size_t i = 0; i < n; i++) {
            seed = seed * 6364136223846793005u + 1442695040888963407u;
            t5g_buf_adds(&b, parts[(seed >> 33) % ((seed >> 60) == 0 ? T5G_LEN(parts) : GOOD)]);
        }
        seed = seed * 6364136223846793005u + 1442695040888963407u;
        while (good < b.n &&
               (len = t5g_utf8_len((unsigned char *)b.p + good, b.n - good, NULL)) > 0)
            good += len;
        size_t found = t5g_utf8_check(b.n > 0 ? b.p : "", b.n);
        if (found != good)
            fail_msg("string %d: %zu, expected %zu of %zu", times, found, good, b.n);
        t5g_buf_free(&b);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(mappings_are_watched),
        cmocka_unit_test(temporaries_go),
        cmocka_unit_test(errors_escape_controls),
        cmocka_unit_test(arrays_grow),
        cmocka_unit_test(bytes_are_numbers),
        cmocka_unit_test(whole_numbers),
        cmocka_unit_test(sizes),
        cmocka_unit_test(real_numbers),
        cmocka_unit_test(half_precision_round_trips),
        cmocka_unit_test(buffers_grow),
        cmocka_unit_test(hashes_are_xxh3),
        cmocka_unit_test(files_read_whole),
        cmocka_unit_test(pool_runs_every_item_once),
        cmocka_unit_test(utf8_is_checked),
        cmocka_unit_test(units),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
