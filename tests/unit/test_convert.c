/* test_convert.c: elements, npy files and JSON lines of a stream: bits, limits, and what is
 * refused. */
#include "streams.h"
#include "convert/convert.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

static void
free_payload(struct t5g_payload *p)
{
    t5g_free(p->owned);
    *p = (struct t5g_payload){0};
}

static void
test_elements(void **state)
{
    (void)state;
    static const struct {
        int dtype;
        const char *bytes, *text;
    } cases[] = {
        {T5G_U8, "\xff", "255"},
        {T5G_I8, "\xff", "-1"},
        {T5G_I16, "\x00\x80", "-32768"},
        {T5G_U16, "\x00\x80", "32768"},
        {T5G_I32, "\xff\xff\xff\x7f", "2147483647"},
        {T5G_U64, "\xff\xff\xff\xff\xff\xff\xff\xff", "18446744073709551615"},
        {T5G_I64, "\x00\x00\x00\x00\x00\x00\x00\x80", "-9223372036854775808"},
        {T5G_BOOL, "\x01", "1"},
        {T5G_F16, "\x00\x3c", "1"},
        {T5G_BF16, "\x80\x3f", "1"},
        {T5G_F32, "\xcd\xcc\xcc\x3d", "0.1"},
        {T5G_F32, "\x00\x00\x80\xff", "-inf"},
        {T5G_BF16, "\xc0\x7f", "nan"},
        {T5G_F64, "\x9a\x99\x99\x99\x99\x99\xb9\x3f", "0.10000000000000001"},
    };
    for (size_t i = 0; i < T5G_LEN(cases); i++) {
        struct t5g_buf b = {0};
        struct t5g_frame f = {.dtype = (uint8_t)cases[i].dtype};
        unsigned char two[16] = {0};
        size_t size = t5g_dtype_size(cases[i].dtype);
        memcpy(two + size, cases[i].bytes, size); /* the second element: it need not be aligned */
        f.data = two;
        t5g_element_put(&b, &f, 1);
        assert_string_equal(b.p, cases[i].text);
        t5g_buf_free(&b);
    }
}

/* The array that is written reads back to the same bytes. */
static void
round_trip(int dtype, const void *data, size_t n, const char *want)
{
    struct t5g_buf b = {0};
    struct t5g_err e;
    struct t5g_frame f = {.dtype = (uint8_t)dtype, .data = data};
    struct t5g_payload p = {.dtype = dtype};
    f.size = n * t5g_dtype_size(dtype);
    t5g_numbers_put(&b, &f);
    assert_string_equal(b.p, want);
    const char *array = b.p + strlen(",\"data\":");
    assert_int_equal(t5g_numbers_take(&p, array, strlen(array), &e), 0);
    assert_int_equal(p.size, f.size);
    assert_memory_equal(p.data, data, f.size);
    free_payload(&p);
    t5g_buf_free(&b);
}

static void
test_numbers(void **state)
{
    (void)state;
    round_trip(T5G_I8, (int8_t[]){-128, 0, 127}, 3, ",\"data\":[-128,0,127]");
    round_trip(T5G_I64, (int64_t[]){INT64_MIN, -1, INT64_C(1) << 53, (INT64_C(1) << 53) + 1}, 4,
               ",\"data\":[\"-9223372036854775808\",-1,9007199254740992,\"9007199254740993\"]");
    round_trip(T5G_U64, (uint64_t[]){UINT64_MAX}, 1, ",\"data\":[\"18446744073709551615\"]");
    round_trip(T5G_F32, (float[]){0.1f, -1e30f, 16777217}, 3, ",\"data\":[0.1,-1e+30,16777216]");
    round_trip(T5G_F64, (double[]){0.1}, 1, ",\"data\":[0.10000000000000001]");
    round_trip(T5G_BF16, (uint16_t[]){0x3f80, 0xff80}, 2, ",\"data\":[1,\"-Infinity\"]");
    round_trip(T5G_F16, (uint16_t[]){0x7c00, 0x0001}, 2, ",\"data\":[\"Infinity\",5.9604645e-08]");
    round_trip(T5G_U8, "", 0, ",\"data\":[]");
}

static void
test_numbers_refused(void **state)
{
    (void)state;
    static const struct {
        int dtype;
        const char *array, *msg;
    } cases[] = {
        {T5G_U8, "[1,256]", "element 1 is 256, expected u8"},
        {T5G_U8, "[-1]", "element 0 is -1, expected u8"},
        {T5G_I8, "[[127],[-129]]", "element 1 is -129, expected i8"},
        {T5G_I32, "[1.5]", "element 0 is 1.5, expected i32"},
        {T5G_U64, "[\"18446744073709551616\"]", "is 18446744073709551616, expected u64"},
        {T5G_F32, "[null]", "element 0 is null, expected f32"},
        {T5G_F32, "[\"0x1p3\"]", "element 0 is 0x1p3, expected f32"},
    };
    for (size_t i = 0; i < T5G_LEN(cases); i++) {
        struct t5g_payload p = {.dtype = cases[i].dtype};
        struct t5g_err e = {0};
        assert_int_equal(t5g_numbers_take(&p, cases[i].array, strlen(cases[i].array), &e), -1);
        assert_int_equal(e.code, T5G_EX_DATA);
        assert_non_null(strstr(e.msg, cases[i].msg));
        free_payload(&p);
    }
    struct t5g_payload p = {0};
    struct t5g_err e;
    assert_int_equal(t5g_numbers_take_shape(&p, "[2, 0,3]", 8, &e), 0);
    assert_true(p.ndim == 3 && p.dims[0] == 2 && p.dims[1] == 0 && p.dims[2] == 3);
    assert_int_equal(t5g_numbers_take_shape(&p, "[-2]", 4, &e), -1);
    static const char many[] = "[1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1]";
    assert_int_equal(t5g_numbers_take_shape(&p, many, strlen(many), &e), -1);
}

/* A .npy file of version `version` with this dictionary and data. */
static void
make_npy(struct t5g_buf *b, int version, const char *dict, const void *data, size_t n)
{
    size_t len = strlen(dict);
    b->n = 0;
    t5g_buf_add(b, "\x93NUMPY", 6);
    t5g_buf_addc(b, (char)version);
    t5g_buf_addc(b, 0);
    for (size_t i = 0; i < (version == 1 ? 2u : 4u); i++)
        t5g_buf_addc(b, (char)(len >> (8 * i)));
    t5g_buf_adds(b, dict);
    t5g_buf_add(b, data, n);
}

static void
test_npy_written(void **state)
{
    (void)state;
    static const char want[] = "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }";
    struct t5g_buf b = {0};
    struct t5g_payload p = {0};
    struct t5g_err e;
    t5g_npy_header(&b, T5G_F32, 2, (uint64_t[]){2, 3});
    assert_int_equal(b.n % 64, 0);
    assert_memory_equal(b.p + 10, want, strlen(want));
    assert_int_equal(b.p[b.n - 1], '\n');
    for (int dtype = T5G_U8; dtype <= T5G_BOOL; dtype++)
        for (size_t ndim = 0; ndim <= 3; ndim++) {
            size_t size = t5g_dtype_size(dtype == T5G_BF16 ? T5G_F32 : dtype);
            size_t n = ndim == 0 ? 1 : ndim == 1 ? 2 : ndim == 2 ? 6 : 24;
            b.n = 0;
            t5g_npy_header(&b, dtype, ndim, (uint64_t[]){2, 3, 4});
            assert_int_equal(b.n % 64, 0);
            for (size_t i = 0; i < n * size; i++)
                t5g_buf_addc(&b, (char)i);
            assert_int_equal(t5g_npy_parse(&p, (unsigned char *)b.p, b.n, &e), 0);
            assert_int_equal(p.dtype, dtype == T5G_BF16 ? T5G_F32 : dtype);
            assert_int_equal(p.ndim, ndim);
            assert_true(ndim < 3 || (p.dims[0] == 2 && p.dims[1] == 3 && p.dims[2] == 4));
            assert_null(p.owned);
            assert_ptr_equal(p.data, b.p + b.n - n * size);
        }
    t5g_buf_free(&b);
}

static void
test_npy_orders(void **state)
{
    (void)state;
    static const int16_t want[] = {1, 2, 3, 4, 5, 6};
    struct t5g_buf b = {0};
    struct t5g_payload p = {0};
    struct t5g_err e;
    make_npy(&b, 1, "{'descr': '>i2', 'fortran_order': False, 'shape': (2, 3)}",
             "\0\1\0\2\0\3\0\4\0\5\0\6", 12);
    assert_int_equal(t5g_npy_parse(&p, (unsigned char *)b.p, b.n, &e), 0);
    assert_memory_equal(p.data, want, 12);
    free_payload(&p);
    make_npy(&b, 2, "{'descr': '<i2', 'fortran_order': True, 'shape': (2, 3)}",
             (int16_t[]){1, 4, 2, 5, 3, 6}, 12);
    assert_int_equal(t5g_npy_parse(&p, (unsigned char *)b.p, b.n, &e), 0);
    assert_memory_equal(p.data, want, 12);
    free_payload(&p);
    make_npy(&b, 3, "{'descr': '>i2', 'fortran_order': True, 'shape': (1, 3, 2)}",
             "\0\1\0\3\0\5\0\2\0\4\0\6", 12);
    assert_int_equal(t5g_npy_parse(&p, (unsigned char *)b.p, b.n, &e), 0);
    assert_memory_equal(p.data, want, 12);
    assert_true(p.ndim == 3 && p.dims[1] == 3 && p.dims[2] == 2);
    free_payload(&p);
    t5g_buf_free(&b);
}

static void
test_npy_refused(void **state)
{
    (void)state;
    static const struct {
        const char *dict, *msg;
    } cases[] = {
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (3,)}",
         "truncated: its shape needs 12"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (1,)}", "too long: its shape needs 4"},
        {"{'descr': '<c8', 'fortran_order': False, 'shape': (1,)}", "element type '<c8'"},
        {"{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (2,)}", "records"},
        {"{'descr': '<f4', 'shape': (2,)}", "no fortran_order"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (2,", "no shape"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (9223372036854775808, 2)}", "overflow"},
    };
    struct t5g_buf b = {0};
    struct t5g_payload p = {0};
    for (size_t i = 0; i < T5G_LEN(cases); i++) {
        struct t5g_err e = {0};
        make_npy(&b, 1, cases[i].dict, "\0\0\0\0\0\0\0\0", 8);
        assert_int_equal(t5g_npy_parse(&p, (unsigned char *)b.p, b.n, &e), -1);
        assert_int_equal(e.code, T5G_EX_DATA);
        assert_non_null(strstr(e.msg, cases[i].msg));
        free_payload(&p);
    }
    make_npy(&b, 1, "{'descr': '<f4', 'fortran_order': False, 'shape': (2,)}", "\0\0\0\0\0\0\0\0",
             8);
    for (size_t n = 0; n < b.n; n++) { /* cut anywhere */
        struct t5g_err e = {0};
        char *copy = t5g_memdup(b.p, n);
        assert_int_equal(t5g_npy_parse(&p, (unsigned char *)copy, n, &e), -1);
        assert_int_equal(e.code, T5G_EX_DATA);
        free_payload(&p);
        t5g_free(copy);
    }
    t5g_buf_free(&b);
}

static void
test_spans(void **state)
{
    (void)state;
    static const char text[] =
        "{\"a\":[ {\"x\":\"]\\\"}\"} , [1,[2]],3 ,\"\\u00e9,\"], \"b\" :1, \"\\u0062\":\"q\"}";
    static const char *const keys[] = {"a", "b", "c"};
    static const char *const want[] = {"{\"x\":\"]\\\"}\"} ", "[1,[2]]", "3 ", "\"\\u00e9,\""};
    struct t5g_json_span m[3], element = {0};
    struct t5g_buf b = {0};
    t5g_json_span_pick(text, strlen(text), keys, m, 3);
    assert_true(t5g_json_span_starts(&m[0], '[') && !t5g_json_span_starts(&m[0], '{'));
    assert_true(t5g_json_span_starts(&m[1], '"')); /* the last one, whose key is escaped */
    assert_true(m[2].p == NULL && !t5g_json_span_starts(&m[2], '['));
    for (size_t i = 0; i < T5G_LEN(want); i++) {
        assert_true(t5g_json_span_next(&m[0], &element));
        assert_int_equal(element.n, strlen(want[i]));
        assert_memory_equal(element.p, want[i], element.n);
    }
    t5g_json_span_decode(&b, &element);
    assert_string_equal(b.p, "\xc3\xa9,");
    assert_false(t5g_json_span_next(&m[0], &element));
    t5g_json_span_pick("[1]", 3, keys, m, 3);
    assert_true(m[0].p == NULL && m[1].p == NULL);
    t5g_buf_free(&b);
}

/* The index of a stream, with the elements in it. */
static void
to_lines(struct t5g_buf *lines, const void *stream, size_t n)
{
    struct t5g_err e = {0};
    struct t5g_doc doc = {0};
    struct t5g_source *in =
        t5g_source_open_fd(open_bytes(stream, n, MAPPED), "in", T5G_FRAME_SIZE_DEFAULT);
    assert_int_equal(t5g_source_start(in, &e), 0);
    t5g_index_put_head(lines, in);
    while (t5g_source_next(in, &doc, &e) == 1) {
        assert_int_equal(t5g_index_put(lines, &doc, t5g_index_put_data, NULL, &e), 0);
        t5g_buf_addc(lines, '\n');
    }
    assert_int_equal(e.code, 0);
    t5g_doc_clear(&doc);
    t5g_source_close(in);
}

static void
test_index(void **state)
{
    (void)state;
    struct make m = {0};
    struct t5g_buf lines = {0}, again = {0}, stream = {0};
    struct t5g_err e = {0};
    make_sample(&m);
    to_lines(&lines, m.b.p, m.b.n);
    int fd = open_bytes("", 0, MAPPED);
    struct t5g_run run = {.w = t5g_writer_open(fd, "out")};
    struct t5g_importer im = {.run = &run};
    struct t5g_index_place place = {"lines", 0};
    assert_int_equal(t5g_index_take(&im, lines.p, lines.n, true, &place, NULL, &e), 0);
    assert_int_equal(t5g_index_end(&im, &e), 0);
    assert_int_equal(t5g_writer_docs_ok(run.w), m.ok);
    assert_int_equal(t5g_writer_docs_failed(run.w), m.failed);
    assert_int_equal(t5g_writer_end(run.w, 0, &e), 0);
    t5g_writer_free(run.w);
    assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
    assert_int_equal(t5g_read_all(fd, "out", (size_t)1 << 30, &stream, &e), 0);
    close(fd);
    to_lines(&again, stream.p, stream.n);
    /* All documents are the same; HEAD names one program more. */
    const char *a = strchr(lines.p, '\n'), *b = strchr(again.p, '\n');
    assert_string_equal(a, b);
    assert_int_equal(m.failed, 1);
    t5g_buf_free(&lines);
    t5g_buf_free(&again);
    t5g_buf_free(&stream);
    make_free(&m);
}

static void
test_index_refused(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"{\"id\":1}", "string \"id\""},
        {"{\"id\":\"a\",\"frames\":1}", "\"frames\": expected an array"},
        {"{\"id\":\"a\",\"frames\":[{}]}", "a frame has no \"name\""},
        {"{\"id\":\"a\",\"frames\":[{\"name\":\"x\"}]}", "frame \"x\": no elements"},
        {"{\"id\":\"a\",\"frames\":[{\"name\":\"x\",\"file\":\"f\"}]}", "expected \"data\""},
        {"{\"id\":\"a\",\"frames\":[{\"name\":\"x\",\"data\":[1]}]}", "without \"dtype\""},
        {"{\"id\":\"a\",\"frames\":[{\"name\":\"x\",\"dtype\":\"z\",\"data\":[]}]}", "dtype z"},
        {"{\"id\":\"a\"", "JSON"},
    };
    for (size_t i = 0; i < T5G_LEN(cases); i++) {
        struct t5g_err e = {0};
        int fd = open_bytes("", 0, MAPPED);
        struct t5g_run run = {.w = t5g_writer_open(fd, "out")};
        struct t5g_importer im = {.run = &run};
        struct t5g_index_place place = {"f", 0};
        const char *line = cases[i][0];
        assert_int_equal(t5g_index_take(&im, line, strlen(line), true, &place, NULL, &e), -1);
        assert_int_equal(e.code, T5G_EX_DATA);
        assert_non_null(strstr(e.msg, cases[i][1]));
        assert_memory_equal(e.msg, "f:1: ", 5);
        t5g_writer_free(run.w);
        close(fd);
    }
}

/* Text that comes in two pieces, cut at every byte. */
static void
test_index_pieces(void **state)
{
    (void)state;
    static const char text[] =
        "{\"id\":\"a\"}\n{\"id\":\"b\",\"error\":{\"msg\":\"x\"}}\n{\"id\":\"c\"}";
    size_t n = sizeof text - 1;
    for (size_t cut = 0; cut <= n; cut++) {
        struct t5g_err e = {0};
        size_t taken, again;
        int fd = open_bytes("", 0, MAPPED);
        struct t5g_run run = {.w = t5g_writer_open(fd, "out")};
        struct t5g_importer im = {.run = &run};
        struct t5g_index_place place = {"f", 0};
        assert_int_equal(t5g_index_take(&im, text, cut, false, &place, &taken, &e), 0);
        assert_true(taken <= cut && (taken == 0 || text[taken - 1] == '\n'));
        assert_int_equal(t5g_index_take(&im, text + taken, n - taken, true, &place, &again, &e), 0);
        assert_int_equal(taken + again, n);
        assert_int_equal(place.lines, 3);
        assert_int_equal(t5g_writer_docs_ok(run.w), 2);
        assert_int_equal(t5g_writer_docs_failed(run.w), 1);
        t5g_writer_free(run.w);
        close(fd);
    }
}

/* --on-error stop: nothing is taken after the failed document. */
static void
test_index_stops(void **state)
{
    (void)state;
    static const char text[] = "{\"id\":\"b\",\"error\":{\"msg\":\"x\"}}\nno JSON\n";
    struct t5g_err e = {0};
    size_t taken;
    int fd = open_bytes("", 0, MAPPED);
    struct t5g_run run = {.w = t5g_writer_open(fd, "out")};
    struct t5g_importer im = {.run = &run};
    struct t5g_index_place place = {"f", 0};
    t5g_common.on_error = 1;
    assert_int_equal(t5g_index_take(&im, text, sizeof text - 1, true, &place, &taken, &e), 0);
    t5g_common.on_error = 0;
    assert_true(run.stop);
    assert_int_equal(taken, sizeof text - 1 - strlen("no JSON\n"));
    t5g_writer_free(run.w);
    close(fd);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_elements),        cmocka_unit_test(test_numbers),
        cmocka_unit_test(test_numbers_refused), cmocka_unit_test(test_npy_written),
        cmocka_unit_test(test_npy_orders),      cmocka_unit_test(test_npy_refused),
        cmocka_unit_test(test_spans),           cmocka_unit_test(test_index),
        cmocka_unit_test(test_index_refused),   cmocka_unit_test(test_index_pieces),
        cmocka_unit_test(test_index_stops),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
