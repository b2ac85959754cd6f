/* test_frame.c: the 128 bytes of a header, END's payload, limits. */
#include "base/hash.h"
#include "stream/frame.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

static struct t5g_frame
sample(void)
{
    static const float data[6] = {1, 2, 3, 4, 5, 6};
    struct t5g_frame f = {.kind = 'T', .dtype = T5G_F32, .ndim = 2, .dims = {2, 3}};
    f.doc_key = 0x1122334455667788;
    f.meta = "{\"name\":\"x\"}";
    f.meta_len = strlen(f.meta);
    f.data = (const unsigned char *)data;
    f.size = sizeof data;
    return f;
}

static void
test_pack(void **state)
{
    (void)state;
    unsigned char h[T5G_FRAME_HEADER], want[T5G_FRAME_HEADER] = {0};
    struct t5g_frame f = sample(), back;
    struct t5g_frame_layout l;
    assert_int_equal(t5g_frame_put_header(h, &f, false), 256);
    /* the table of t5g-stream(5), written out */
    memcpy(want, "\x89T5G\r\n\x1aT\x01\x00\x0b\x02", 12);
    want[17] = 1;   /* frame_len 256 */
    want[24] = 24;  /* payload_len */
    want[32] = 192; /* payload_off */
    want[36] = 12;  /* meta_len */
    memcpy(want + 40, (unsigned char[]){0x88, 0x77, 0x66, 0x55, 0x44, 0x33, 0x22, 0x11}, 8);
    want[48] = 2;
    want[56] = 3;
    uint64_t v = t5g_hash64(f.data, 24);
    memcpy(want + 112, &v, 8);
    unsigned char covered[120 + 12];
    memcpy(covered, want, 120);
    memcpy(covered + 120, f.meta, 12);
    v = t5g_hash64(covered, sizeof covered);
    memcpy(want + 120, &v, 8);
    assert_memory_equal(h, want, sizeof want);
    struct t5g_err e;
    assert_int_equal(t5g_frame_take_header(&back, &l, h, 64, T5G_FRAME_SIZE_DEFAULT, &e), 0);
    assert_int_equal(l.frame_len, 256);
    assert_int_equal(l.payload_off, 192);
    assert_int_equal(back.kind, 'T');
    assert_int_equal(back.dtype, T5G_F32);
    assert_int_equal(back.ndim, 2);
    assert_memory_equal(back.dims, f.dims, sizeof f.dims);
    assert_int_equal(back.doc_key, f.doc_key);
    assert_int_equal(back.meta_len, 12);
    assert_int_equal(back.size, 24);
    assert_int_equal(back.head_hash, f.head_hash);
    assert_int_equal(back.payload_hash, f.payload_hash);
    assert_int_equal(back.offset, 64);
}

/* Bytes at an offset of a sound header that make it refused, checksum or not. */
static void
test_unpack_refuses(void **state)
{
    (void)state;
    static const struct {
        size_t at, n;
        const char *bytes, *message;
    } bad[] = {
        {0, 1, "\x88", "damaged"},
        {3, 1, "g", "damaged"},
        {7, 1, "\0", "kind 0x00"},
        {7, 1, "1", "kind 0x31"},
        {7, 1, "H", "dtype or dimensions"},
        {8, 1, "\x02", "format version 2, this program reads 1"},
        {8, 1, "\0", "format version 0"},
        {10, 1, "\0", "unknown dtype 0"},
        {10, 1, "\x0e", "unknown dtype 14"},
        {10, 1, "\x01", "dimensions need 6 bytes, payload has 24"},
        {11, 1, "\x09", "9 dimensions, limit 8"},
        {11, 1, "\x01", "dimension 1 beyond ndim"},
        {12, 1, "\x01", "unknown flags 0x1"},
        {13, 1, "\x80", "unknown flags 0x8000"},
        {14, 1, "\x01", "bytes 14 and 15"},
        {15, 1, "\x01", "bytes 14 and 15"},
        {16, 1, "\x40", "lengths are inconsistent"},
        {23, 1, "\x80", "lengths are inconsistent"},
        {24, 1, "\x19", "dimensions need 24 bytes, payload has 25"},
        {29, 3, "\x01\x00\x00", "payload of 1099511627800 bytes"},
        {31, 1, "\xff", "payload of"},
        {32, 1, "\x80", "lengths are inconsistent"},
        {36, 4, "\x01\x00\x10\x00", "meta of 1048577 bytes, limit 1048576"},
        {36, 1, "\x50", "lengths are inconsistent"},
        {55, 1, "\x80", "dimensions overflow"},
        {48, 8, "\0\0\0\0\0\0\0\x40", "dimensions overflow"},
        {48, 8, "\0\0\0\0\0\0\0\0", "dimensions need 0 bytes"},
        {104, 1, "\x01", "dimension 7 beyond ndim"},
    };
    for (size_t i = 0; i < T5G_LEN(bad); i++) {
        unsigned char h[T5G_FRAME_HEADER];
        struct t5g_frame f = sample();
        struct t5g_frame_layout l;
        struct t5g_err e = {0};
        t5g_frame_put_header(h, &f, false);
        memcpy(h + bad[i].at, bad[i].bytes, bad[i].n);
        int r = t5g_frame_take_header(&f, &l, h, 64, T5G_FRAME_SIZE_DEFAULT, &e);
        if (r != -1 || e.code != T5G_EX_DATA || strstr(e.msg, bad[i].message) == NULL)
            fail_msg("case %zu: %d, code %d: %s", i, r, e.code, e.msg);
        assert_int_equal(strncmp(e.msg, "frame at byte 64: ", 18), 0);
    }
}

static void
test_unpack_accepts(void **state)
{
    (void)state;
    unsigned char h[T5G_FRAME_HEADER];
    struct t5g_frame f = sample();
    struct t5g_frame_layout l;
    struct t5g_err e;
    f.minor = 9;
    t5g_frame_put_header(h, &f, false);
    assert_int_equal(t5g_frame_take_header(&f, &l, h, 0, 256, &e), 0);
    assert_int_equal(f.minor, 9);
    h[7] = 'n'; /* an unknown kind may give dtype and dims another meaning */
    h[10] = 77;
    assert_int_equal(t5g_frame_take_header(&f, &l, h, 0, 256, &e), 0);
    assert_int_equal(t5g_frame_take_header(&f, &l, h, 0, 200, &e), -1);
    assert_non_null(strstr(e.msg, "--max-frame"));
    h[0] = 'x';
    assert_int_equal(t5g_frame_take_header(&f, &l, h, 0, 256, &e), -1);
    assert_string_equal(e.msg, "not a t5g stream");
}

static void
test_meta(void **state)
{
    (void)state;
    static char long_name[T5G_FRAME_NAME_MAX + 20], user[T5G_FRAME_USER_MAX + 100];
    snprintf(long_name, sizeof long_name, "{\"name\":\"%0*d\"}", T5G_FRAME_NAME_MAX + 1, 0);
    snprintf(user, sizeof user, "{\"id\":\"a\",\"user\":\"%0*d\"}", (int)T5G_FRAME_USER_MAX, 0);
    const struct {
        int kind;
        const char *meta;
        bool good;
    } c[] = {
        {'T', "{\"name\":\"x\"}", true},
        {'T', " {\"other\":{},\"name\":\"x\"} ", true},
        {'T', "{\"name\":\"\"}", false},
        {'T', "{\"name\":1}", false},
        {'T', "{}", false},
        {'T', "", false},
        {'T', "[\"name\"]", false},
        {'T', "{\"name\":\"x\",\"name\":\"y\"}", false},
        {'T', "{\"name\":\"x\",\"n\\u0061me\":\"y\"}", false},
        {'T', "\xef\xbb\xbf{\"name\":\"x\"}", false},
        {'T', "{\"name\":\"\\u0000\"}", false},
        {'T', "{\"name\":\"\xff\"}", false},
        {'T', "{\"name\":\"x\"}x", false},
        {'T', long_name, false},
        {'S', "{\"name\":\"x\"}", true},
        {'S', "{}", false},
        {'D', "{\"id\":\"a\"}", true},
        {'D', "{\"id\":\"\\u0061\"}", true},
        {'D', "{\"id\":\"b\"}", false}, /* the key is that of a */
        {'D', "{\"name\":\"a\"}", false},
        {'D', user, false},
        {'C', "", true},
        {'C', "{\"ntok\":4}", true},
        {'C', "null", false},
        {'X', "{}", true},
        {'n', "", true},
        {'n', "{\"a\":1}", true},
        {'n', "1", false},
        {'E', "", true},
        {'H', "", false},
    };
    for (size_t i = 0; i < T5G_LEN(c); i++) {
        struct t5g_err e = {0};
        struct t5g_frame f = {.kind = (uint8_t)c[i].kind, .meta = c[i].meta};
        f.meta_len = strlen(c[i].meta);
        f.doc_key = t5g_doc_key("a", 1);
        int r = t5g_frame_check_meta(&f, &e);
        if ((r == 0) != c[i].good || (r < 0 && e.code != T5G_EX_DATA))
            fail_msg("%c %.60s: %d %s", c[i].kind, c[i].meta, r, e.msg);
    }
}

static void
test_end(void **state)
{
    (void)state;
    unsigned char p[64], want[64] = {0};
    struct t5g_end x = {.stream_len = 0x0102030405060708,
                        .frames = 7,
                        .docs_ok = 3,
                        .docs_failed = 2,
                        .chain = UINT64_MAX,
                        .status = 0x4c,
                        .index_off = 64},
                   y;
    memcpy(want, (unsigned char[]){8, 7, 6, 5, 4, 3, 2, 1, 7}, 9);
    want[16] = 3;
    want[24] = 2;
    memset(want + 32, 255, 8);
    want[40] = 0x4c;
    want[48] = 64;
    t5g_end_put(p, &x);
    assert_memory_equal(p, want, 64);
    t5g_end_take(&y, p);
    assert_memory_equal(&x, &y, sizeof x);
}

static void
test_names_and_keys(void **state)
{
    (void)state;
    struct t5g_frame f = sample();
    struct t5g_err e;
    struct t5g_buf label = {0};
    char name[4];
    assert_int_equal(t5g_frame_check_meta(&f, &e), 0);
    t5g_frame_name(&f, name, sizeof name);
    assert_string_equal(name, "x");
    assert_true(t5g_frame_is(&f, "x") && !t5g_frame_is(&f, "xy") && !t5g_frame_is(&f, ""));
    f.meta = "{\"other\":\"name\",\"name\":\"a\\u0062\\\"def\"}"; /* with escapes */
    f.meta_len = strlen(f.meta);
    assert_int_equal(t5g_frame_check_meta(&f, &e), 0);
    t5g_frame_name(&f, name, sizeof name);
    assert_string_equal(name, "ab\"");
    assert_true(t5g_frame_is(&f, "ab\"def"));
    t5g_frame_label(&f, &label);
    assert_int_equal(label.n, 6);
    assert_memory_equal(label.p, "ab\"def", 6);
    t5g_buf_free(&label);
    f = (struct t5g_frame){.kind = T5G_KIND_CLOSE};
    t5g_frame_name(&f, name, sizeof name);
    assert_string_equal(name, "");
    assert_false(t5g_frame_is(&f, ""));
    assert_int_equal(t5g_doc_key("a", 1), t5g_hash64("a", 1));
    assert_true(t5g_kind_critical('T') && !t5g_kind_critical('n'));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pack),
        cmocka_unit_test(test_unpack_refuses),
        cmocka_unit_test(test_unpack_accepts),
        cmocka_unit_test(test_meta),
        cmocka_unit_test(test_end),
        cmocka_unit_test(test_names_and_keys),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
