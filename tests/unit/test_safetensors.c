/* test_safetensors.c: header rules, damaged files, shards and their index. */
#include "model/safetensors.h"
#include "modeldir.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

/* A file image: length, header, `data` bytes of data. */
static struct t5g_buf
image(const char *header, size_t data)
{
    struct t5g_buf b = {0};
    uint64_t n = strlen(header);
    t5g_buf_add(&b, &n, 8);
    t5g_buf_adds(&b, header);
    for (size_t i = 0; i < data; i++)
        t5g_buf_addc(&b, (char)i);
    return b;
}

/* The bytes in a block of exactly their size, so that a sanitizer sees a read beyond them. */
static int
parse(const struct t5g_buf *b, struct t5g_err *e)
{
    unsigned char *p = t5g_alloc_raw(b->n, 1);
    memcpy(p, b->p, b->n);
    int r = t5g_safetensors_parse(p, b->n, "x", NULL, NULL, e);
    t5g_free(p);
    return r;
}

static int
count_add(void *arg, const struct t5g_tensor *t, struct t5g_err *e)
{
    size_t *n = arg;
    static const char *const names[] = {"e", "b", "a"};
    (void)e;
    assert_true(*n < 3);
    assert_string_equal(t->name, names[*n]);
    ++*n;
    return 0;
}

static void
test_header(void **state)
{
    (void)state;
    struct t5g_err e = {0};
    size_t n = 0;
    /* by offset, an empty tensor before the one that begins where it does; blanks behind */
    struct t5g_buf b =
        image("{\"a\":{\"dtype\":\"BF16\",\"shape\":[2,3],\"data_offsets\":[4,16]},"
              "\"b\": { \"dtype\" : \"F32\" , \"shape\" : [ ] , \"data_offsets\" : [ 0 , 4 ], "
              "\"more\":1},\"e\":{\"dtype\":\"I64\",\"shape\":[0,5],\"data_offsets\":[0,0]},"
              "\"__metadata__\":{\"format\":\"pt\"}}   ",
              16);
    if (t5g_safetensors_parse((unsigned char *)b.p, b.n, "x", count_add, &n, &e) < 0)
        fail_msg("%s", e.msg);
    assert_int_equal(n, 3);
    for (size_t cut = 0; cut < b.n; cut++) {
        struct t5g_buf part = {.p = b.p, .n = cut};
        assert_int_equal(parse(&part, &e), -1);
        assert_int_equal(e.code, T5G_EX_DATA);
    }
    t5g_buf_free(&b);
    b = image("{}", 0);
    assert_int_equal(parse(&b, &e), 0);
    t5g_buf_free(&b);
}

static void
test_list(void **state)
{
    (void)state;
    struct t5g_err e = {0};
    struct t5g_tensor_list l = {0};
    size_t len;
    struct t5g_buf b = image("{\"b\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1]},"
                             "\"a\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[1,2]}}",
                             2);
    const unsigned char *p = (unsigned char *)b.p;
    assert_null(t5g_tensor_list_find(&l, "a"));
    assert_int_equal(t5g_safetensors_parse(p, b.n, "x", t5g_tensor_list_add, &l, &e), 0);
    const char *header = t5g_safetensors_header(p, &len);
    assert_true(header[0] == '{' && header + len + 2 == b.p + b.n);
    assert_int_equal(l.n, 2);
    assert_string_equal(l.v[0].name, "b");
    t5g_tensor_list_sort(&l);
    assert_string_equal(l.v[0].name, "a");
    assert_ptr_equal(t5g_tensor_list_find(&l, "b"), &l.v[1]);
    assert_null(t5g_tensor_list_find(&l, "c"));
    t5g_tensor_list_free(&l);
    t5g_buf_free(&b);
}

#define T(dtype, shape, begin, end) \
    "{\"dtype\":\"" dtype "\",\"shape\":" shape ",\"data_offsets\":[" begin "," end "]}"

static void
test_refusals(void **state)
{
    (void)state;
    static const struct {
        const char *header;
        size_t data;
        const char *says;
    } cases[] = {
        {"{\"a\":" T("F32", "[2]", "0", "8") "}", 9, "x: 1 bytes of data belong to no tensor"},
        {"{\"a\":" T("F32", "[2]", "0", "8") "}", 7,
         "x: tensor 'a': data ends at 8, but the file holds 7 bytes of data"},
        {"{\"a\":" T("F32", "[2]", "4", "12") "}", 12,
         "x: tensor 'a': data begins at 4, expected 0 (a hole)"},
        {"{\"a\":" T("F32", "[2]", "0", "8") ",\"b\":" T("F32", "[1]", "4", "8") "}", 8,
         "x: tensor 'b': data begins at 4, expected 8 (an overlap)"},
        {"{\"a\":" T("F32", "[2]", "0", "8") ",\"a\":" T("F32", "[1]", "8", "12") "}", 12,
         "x: header: byte 54: duplicate key"},
        {"{\"a\":" T("F32", "[3]", "0", "8") "}", 8,
         "x: tensor 'a': data_offsets do not fit dtype and shape"},
        {"{\"a\":" T("F32", "[2]", "8", "0") "}", 8,
         "x: tensor 'a': data_offsets do not fit dtype and shape"},
        {"{\"a\":" T("F32", "[4294967296,4294967296]", "0", "0") "}", 0,
         "x: tensor 'a': data_offsets do not fit dtype and shape"},
        {"{\"a\":" T("F32", "[99999999999999999999]", "0", "0") "}", 0,
         "x: tensor 'a': no shape of at most 8 dimensions"},
        {"{\"a\":" T("F32", "[-1]", "0", "0") "}", 0,
         "x: tensor 'a': no shape of at most 8 dimensions"},
        {"{\"a\":" T("F32", "[1.0]", "0", "4") "}", 4,
         "x: tensor 'a': no shape of at most 8 dimensions"},
        {"{\"a\":" T("F32", "[1,1,1,1,1,1,1,1,1]", "0", "4") "}", 4,
         "x: tensor 'a': no shape of at most 8 dimensions"},
        {"{\"a\":" T("F32", "\"2\"", "0", "8") "}", 8,
         "x: tensor 'a': no shape of at most 8 dimensions"},
        {"{\"a\":" T("F8_E4M3", "[2]", "0", "2") "}", 2,
         "x: tensor 'a': dtype 'F8_E4M3' is not supported"},
        {"{\"a\":{\"shape\":[2],\"data_offsets\":[0,8]}}", 8,
         "x: tensor 'a': dtype '' is not supported"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0]}}", 8,
         "x: tensor 'a': no data_offsets of two whole numbers"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8,9]}}", 8,
         "x: tensor 'a': no data_offsets of two whole numbers"},
        {"{\"a\":7}", 0, "x: tensor 'a': not an object"},
        {"{\"\":" T("F32", "[2]", "0", "8") "}", 8, "x: tensor name of 0 bytes, expected 1 to 256"},
        {"[]", 0, "x: header does not begin with '{'"},
        {" {}", 0, "x: header does not begin with '{'"},
        {"", 4, "x: header does not begin with '{'"},
        {"{\"a\":", 0, "x: header: byte 5: end of text, expected a value"},
        {"{} x", 0, "x: header: byte 3: text after the value"},
    };
    for (size_t i = 0; i < T5G_LEN(cases); i++) {
        struct t5g_err e = {0};
        struct t5g_buf b = image(cases[i].header, cases[i].data);
        assert_int_equal(parse(&b, &e), -1);
        assert_string_equal(e.msg, cases[i].says);
        assert_int_equal(e.code, T5G_EX_DATA);
        t5g_buf_free(&b);
    }
    struct t5g_err e = {0};
    struct t5g_buf b = image("{}", 0);
    memset(b.p, 0xff, 8); /* a length that would overflow when 8 is added */
    assert_int_equal(parse(&b, &e), -1);
    assert_string_equal(e.msg,
                        "x: header of 18446744073709551615 bytes, but the file ends after 2");
    b.p[0] = 3;
    memset(b.p + 1, 0, 7);
    assert_int_equal(parse(&b, &e), -1);
    assert_string_equal(e.msg, "x: header of 3 bytes, but the file ends after 2");
    t5g_buf_free(&b);
    t5g_buf_adds(&b, "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 7\n");
    assert_int_equal(parse(&b, &e), -1);
    assert_string_equal(e.msg, "x: a Git LFS pointer, expected the weights themselves");
    t5g_buf_free(&b);
}

static void
expect_open_error(const char *dir, int code, const char *says)
{
    struct t5g_err e = {0};
    struct t5g_safetensors *s = t5g_safetensors_open(dir, &e);
    assert_null(s);
    if (strstr(e.msg, says) == NULL)
        fail_msg("'%s' does not say '%s'", e.msg, says);
    assert_int_equal(e.code, code);
}

static void
test_directory(void **state)
{
    (void)state;
    char *dir = md_tmp(), *fixture = md_fixture("tiny-gqa");
    struct t5g_err e = {0};
    expect_open_error(dir, T5G_EX_NOINPUT,
                      ": no model.safetensors and no pytorch_model.bin, and no index of either");
    struct t5g_safetensors *s = t5g_safetensors_open(fixture, &e);
    assert_non_null(s);
    assert_int_equal(t5g_safetensors_files(s), 1);
    for (size_t i = 1; i < t5g_safetensors_count(s); i++)
        assert_true(strcmp(t5g_safetensors_at(s, i - 1)->name, t5g_safetensors_at(s, i)->name) < 0);
    const struct t5g_tensor *t = t5g_safetensors_find(s, "model.decoder.norm.weight");
    assert_non_null(t);
    assert_true(t->dtype == T5G_BF16 && t->ndim == 1 && t->dims[0] == 72 && t->size == 144);
    assert_string_equal(t->file, "model.safetensors");
    assert_null(t5g_safetensors_find(s, "model.decoder.norm"));
    t5g_safetensors_close(s);

    struct t5g_buf b = md_get(fixture, "model.safetensors");
    static const size_t cuts[] = {0, 1, 7, 8, 9, 100, 20000, 100000};
    for (size_t i = 0; i < T5G_LEN(cuts); i++) {
        md_put(dir, "model.safetensors", b.p, cuts[i]);
        expect_open_error(dir, T5G_EX_DATA, "model.safetensors: ");
    }
    md_put(dir, "model.safetensors", b.p, b.n - 1);
    expect_open_error(dir, T5G_EX_DATA, "bytes of data");
    t5g_buf_free(&b);
    md_remove(dir);
    t5g_free(dir);
    t5g_free(fixture);
}

static const char index_head[] = "{\"metadata\":{\"total_size\":1},\"weight_map\":{";

static void
put_index(const char *dir, const char *map)
{
    struct t5g_buf b = {0};
    t5g_buf_printf(&b, "%s%s}}", index_head, map);
    md_put(dir, "model.safetensors.index.json", b.p, b.n);
    t5g_buf_free(&b);
}

static void
test_index(void **state)
{
    (void)state;
    char *dir = md_tmp();
    char *one = t5g_path_join(dir, "m-1.safetensors"), *two = t5g_path_join(dir, "m-2.safetensors");
    float data[3] = {1, 2, 3};
    char a[] = "a", b[] = "b", c[] = "c";
    struct md_tensor t[3] = {{a, T5G_F32, 1, {1}, &data[0], 4},
                             {b, T5G_F32, 1, {1}, &data[1], 4},
                             {c, T5G_F32, 1, {1}, &data[2], 4}};
    struct md_list l = {t, 3};
    md_write(&l, 0, 2, 0, one);
    md_write(&l, 2, 3, 0, two);
    put_index(dir, "\"c\":\"m-2.safetensors\",\"a\":\"m-1.safetensors\",\"b\":\"m-1.safetensors\"");
    struct t5g_err e = {0};
    struct t5g_safetensors *s = t5g_safetensors_open(dir, &e);
    if (s == NULL)
        fail_msg("%s", e.msg);
    assert_int_equal(t5g_safetensors_count(s), 3);
    assert_int_equal(t5g_safetensors_files(s), 2);
    assert_string_equal(t5g_safetensors_find(s, "c")->file, "m-2.safetensors");
    assert_memory_equal(t5g_safetensors_find(s, "c")->data, &data[2], 4);
    t5g_safetensors_close(s);

    static const struct {
        const char *map, *says;
    } cases[] = {
        {"", "index.json: no weight_map"},
        {"\"a\":\"m-1.safetensors\",\"b\":\"m-1.safetensors\"",
         NULL}, /* a whole shard less is a smaller model: what it lacks, t5g_model_open says */
        {"\"a\":\"m-1.safetensors\"",
         "index.json: tensor 'b' of m-1.safetensors is not in weight_map"},
        {"\"a\":\"m-1.safetensors\",\"b\":\"m-2.safetensors\",\"c\":\"m-2.safetensors\"",
         "index.json: tensor 'b' is in m-1.safetensors, expected m-2.safetensors"},
        {"\"a\":\"m-1.safetensors\",\"b\":\"m-1.safetensors\",\"d\":\"m-1.safetensors\"",
         "index.json: tensor 'd' is not in m-1.safetensors"},
        {"\"a\":\"../m-1.safetensors\"", "index.json: tensor 'a': expected a plain file name"},
        {"\"a\":\"..\"", "index.json: tensor 'a': expected a plain file name"},
        {"\"a\":\"\"", "index.json: tensor 'a': expected a plain file name"},
        {"\"a\":7", "index.json: tensor 'a': expected a plain file name"},
        {"\"a\":\"m-1.safetensors\",\"a\":\"m-1.safetensors\"", "duplicate key"},
    };
    for (size_t i = 0; i < T5G_LEN(cases); i++) {
        put_index(dir, cases[i].map);
        if (cases[i].says != NULL) {
            expect_open_error(dir, T5G_EX_DATA, cases[i].says);
        } else {
            s = t5g_safetensors_open(dir, &e);
            assert_non_null(s);
            t5g_safetensors_close(s);
        }
    }
    put_index(dir, "\"a\":\"m-9.safetensors\"");
    expect_open_error(dir, T5G_EX_NOINPUT, "m-9.safetensors");
    md_write(&l, 1, 3, 0, two);
    put_index(dir, "\"a\":\"m-1.safetensors\",\"b\":\"m-1.safetensors\",\"c\":\"m-2.safetensors\"");
    expect_open_error(dir, T5G_EX_DATA, "tensor 'b' is in m-");
    md_put(dir, "model.safetensors.index.json", "[]", 2);
    expect_open_error(dir, T5G_EX_DATA, "index.json: no weight_map");
    md_remove(dir);
    t5g_free(one);
    t5g_free(two);
    t5g_free(dir);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_header),   cmocka_unit_test(test_list),
        cmocka_unit_test(test_refusals), cmocka_unit_test(test_directory),
        cmocka_unit_test(test_index),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
