/*
 * test_torch.c: files of torch.save(): those in tests/data/torch, made by
 * tests/oracle/torch_files.py, damaged ones, and pickles and archives written by hand.
 */
#include "archive/zipmap.h"
#include "base/crc32.h"
#include "model/torch_file.h"
#include "model/torch_pickle.h"
#include "modeldir.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static struct t5g_buf
get(const char *name)
{
    char *dir = t5g_path_join(getenv("T5G_TESTS"), "data/torch");
    struct t5g_buf b = md_get(dir, name);
    t5g_free(dir);
    return b;
}

/* The first n bytes in a block of exactly their size, so that a sanitizer sees a read beyond them.
 */
static int
parse(const struct t5g_buf *b, size_t n, struct t5g_err *e)
{
    unsigned char *p = t5g_alloc_raw(n, 1);
    memcpy(p, b->p, n);
    int r = t5g_torch_parse(p, n, "x", NULL, NULL, e);
    t5g_free(p);
    return r;
}

static void
expect_error(const struct t5g_buf *b, const char *says)
{
    struct t5g_err e = {0};
    if (parse(b, b->n, &e) == 0)
        fail_msg("accepted, expected '%s'", says);
    if (strstr(e.msg, says) == NULL)
        fail_msg("'%s' does not say '%s'", e.msg, says);
    assert_int_equal(e.code, T5G_EX_DATA);
}

static const struct t5g_tensor *
expect_tensor(const struct t5g_tensor_list *l, const char *name, int dtype, size_t ndim,
              const uint64_t *dims, const void *data, size_t size)
{
    const struct t5g_tensor *t = t5g_tensor_list_find(l, name);
    assert_non_null(t);
    assert_int_equal(t->dtype, dtype);
    assert_int_equal(t->ndim, ndim);
    assert_memory_equal(t->dims, dims, ndim * sizeof *dims);
    assert_int_equal(t->size, size);
    assert_memory_equal(t->data, data, size);
    return t;
}

#define DIMS(...)                                      \
    T5G_LEN(((uint64_t[]){__VA_ARGS__})), (uint64_t[]) \
    {                                                  \
        __VA_ARGS__                                    \
    }
#define DATA(type, ...) (type[]){__VA_ARGS__}, sizeof((type[]){__VA_ARGS__})

static void
test_tensors(void **state)
{
    (void)state;
    struct t5g_err e = {0};
    struct t5g_tensor_list l = {0};
    struct t5g_buf b = get("small.bin");
    if (t5g_torch_parse((unsigned char *)b.p, b.n, "x", t5g_tensor_list_add, &l, &e) < 0)
        fail_msg("%s", e.msg);
    assert_int_equal(l.n, 11);
    assert_string_equal(l.v[0].name, "weight"); /* as the pickle has them */
    t5g_tensor_list_sort(&l);
    expect_tensor(&l, "weight", T5G_F32, DIMS(1, 2), DATA(float, 1.5F, -2));
    expect_tensor(&l, "bias", T5G_F32, DIMS(1), DATA(float, 0.25F));
    const struct t5g_tensor *rows = expect_tensor(
        &l, "rows", T5G_F32, DIMS(3, 4), DATA(float, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11));
    assert_ptr_equal(t5g_tensor_list_find(&l, "tied")->data, rows->data);
    assert_int_equal(t5g_tensor_list_find(&l, "tied")->size, rows->size);
    const struct t5g_tensor *view =
        expect_tensor(&l, "view", T5G_F32, DIMS(2, 4), DATA(float, 4, 5, 6, 7, 8, 9, 10, 11));
    assert_ptr_equal(view->data, rows->data + 16);
    expect_tensor(&l, "half", T5G_F16, DIMS(3), DATA(uint16_t, 0x3c00, 0x4000, 0xb800));
    expect_tensor(&l, "brain", T5G_BF16, DIMS(2, 2),
                  DATA(uint16_t, 0x3f80, 0x4000, 0x4040, 0xc080));
    expect_tensor(&l, "ids", T5G_I64, DIMS(2), DATA(int64_t, -1, (int64_t)1 << 40));
    expect_tensor(&l, "one", T5G_F32, 0, NULL, DATA(float, 7));
    expect_tensor(&l, "none", T5G_F32, DIMS(0, 3), "", 0);
    expect_tensor(&l, "long name, in UTF-8: \xc3\xa4", T5G_U8, DIMS(1, 2, 1), DATA(uint8_t, 0, 0));
    t5g_tensor_list_free(&l);
    t5g_buf_free(&b);
}

static void
test_refused_files(void **state)
{
    (void)state;
    static const struct {
        const char *file, *says;
    } cases[] = {
        {"old.bin", "x: of the form before PyTorch 1.6, which is not read: convert it with python3 "
                    "-c \"import"},
        {"strided.bin", "x: tensor 'a': not contiguous"},
        {"foreign.bin", "x: data.pkl: byte 169: the global"},
        {"foreign.bin",
         "the global 'posix.system' is not one of those that make tensors: a pickle is a program"},
        {"nested.bin", "x: 'model' is not a tensor, expected a state_dict of nothing else"},
        {"protocol4.bin",
         "x: data.pkl: byte 2: the opcode FRAME is not one of those that make tensors"},
    };
    for (size_t i = 0; i < T5G_LEN(cases); i++) {
        struct t5g_buf b = get(cases[i].file);
        expect_error(&b, cases[i].says);
        t5g_buf_free(&b);
    }
    static const char *const texts[] = {"", "PK", "PK\3\4", "x: not a file", "\x80\2}."};
    for (size_t i = 0; i < T5G_LEN(texts); i++) {
        struct t5g_buf b = {.p = (char *)(uintptr_t)texts[i], .n = strlen(texts[i])};
        expect_error(&b, i == 2 ? "x: a zip archive without end record after 4 bytes"
                                : "x: not a file of torch.save()");
    }
}

static void
test_damage(void **state)
{
    (void)state;
    struct t5g_err e = {0};
    struct t5g_buf b = get("small.bin");
    for (size_t cut = 0; cut < b.n; cut++) {
        assert_int_equal(parse(&b, cut, &e), -1);
        assert_int_equal(e.code, T5G_EX_DATA);
    }
    size_t refused = 0;
    for (size_t i = 0; i < b.n; i++) {
        b.p[i] = (char)(b.p[i] ^ 1 << i % 8);
        e.code = 0;
        if (parse(&b, b.n, &e) < 0) {
            assert_int_equal(e.code, T5G_EX_DATA);
            refused++;
        }
        b.p[i] = (char)(b.p[i] ^ 1 << i % 8);
    }
    assert_true(refused >
                1400); /* the pickle, names and sizes; not padding, dates or other members */
    t5g_buf_free(&b);
}

/* Every place where b has the bytes `from` gets `to`, of the same length; their number. */
static size_t
replace(struct t5g_buf *b, const char *from, const char *to, size_t n)
{
    size_t hits = 0;
    for (size_t i = 0; i + n <= b->n; i++) {
        if (memcmp(b->p + i, from, n) != 0)
            continue;
        memcpy(b->p + i, to, n);
        hits++;
    }
    return hits;
}

static void
test_archives(void **state)
{
    (void)state;
    static const struct {
        const char *from, *to;
        size_t n, hits;
        const char *says;
    } cases[] = {
        {"small/data/1", "small/data/0", 12, 2, "x: member 'small/data/0' occurs twice"},
        {"small/data/1", "small/dada/1", 12, 2, "x: tensor 'bias': there is no data/1"},
        {"small/data.pkl", "small/data.pcl", 14, 2,
         "x: a zip archive, but not one of torch.save()"},
        {"little", "bigend", 6, 1, "x: byteorder: 'bigend', expected 'little'"},
        {"torch\nFloatStorage", "torch\nLloatStorage", 18, 1, "x: data.pkl is damaged (checksum)"},
        {"PK\6\6", "PK\6\5", 4, 1, "x: its zip64 end record is not where it should be"},
        {"PK\5\6", "PK\5\5", 4, 1, "x: a zip archive without end record"},
        {"PK\1\2", "PK\1\3", 4, 15, "x: its list of members is damaged"},
        {"PK\1\2\0\0\0\0\x08\x08\0\0", "PK\1\2\0\0\0\0\x08\x08\x08\0", 12, 14, "' is compressed"},
        {"PK\1\2\0\0\0\0\x08\x08\0\0", "PK\1\2\0\0\0\0\x09\x08\0\0", 12, 14, "' is encrypted"},
    };
    for (size_t i = 0; i < T5G_LEN(cases); i++) {
        struct t5g_buf b = get("small.bin");
        size_t hits = replace(&b, cases[i].from, cases[i].to, cases[i].n);
        if (hits != cases[i].hits)
            fail_msg("case %zu: %zu hits", i, hits);
        expect_error(&b, cases[i].says);
        t5g_buf_free(&b);
    }
}

/* ---- pickles ---- */

#define PROTO    "\x80\2"
#define DICT_OF  PROTO "}("
#define END      "u."
#define ORDERED  "ccollections\nOrderedDict\n)R"
#define STORE(k) "(X\7\0\0\0storagectorch\nFloatStorage\nX\1\0\0\0" k "X\3\0\0\0cpuK\6tQ"
#define TENSOR(shape, strides) \
    "ctorch._utils\n_rebuild_tensor_v2\n(" STORE("0") "K\0(" shape "t(" strides "t\x89" ORDERED "tR"
#define NAMED(name) "X\1\0\0\0" name

struct seen {
    size_t n;
    struct t5g_pickled last;
};

static int
see(void *arg, const struct t5g_pickled *t, struct t5g_err *e)
{
    struct seen *s = arg;
    (void)e;
    s->n++;
    s->last = *t;
    return 0;
}

struct pickle {
    const char *p;
    size_t n;
    const char *says; /* NULL: accepted */
};

#define PICKLE(text, says)           \
    {                                \
        text, sizeof(text) - 1, says \
    }

static const struct pickle pickles[] = {
    PICKLE(PROTO "}.", NULL),
    PICKLE(DICT_OF NAMED("a") TENSOR("K\2K\3", "K\3K\1") END, NULL),
    PICKLE(DICT_OF NAMED("a") TENSOR("K\1K\3", "K\7K\1") END, NULL), /* one row: any stride */
    PICKLE(PROTO ORDERED "(" NAMED("a") TENSOR("K\6", "K\1") END, NULL),
    PICKLE(PROTO "}" NAMED("a") TENSOR("J\6\0\0\0", "M\1\0") "s.", NULL),
    PICKLE(PROTO "}" NAMED("a") TENSOR("\x8a\1\6", "\x8a\0") "s.", "not contiguous"),
    PICKLE("", "x: data.pkl: byte 0: cut off"),
    PICKLE(PROTO, "x: data.pkl: byte 2: cut off"),
    PICKLE(PROTO "}", "x: data.pkl: byte 3: cut off"),
    PICKLE("\x80\1}.", "x: data.pkl: byte 0: pickle protocol 1, expected 2"),
    PICKLE(PROTO "}.}", "x: data.pkl: byte 3: 1 bytes behind the end"),
    PICKLE(PROTO ".", "not a dictionary of tensors"),
    PICKLE(PROTO "}}.", "not a dictionary of tensors"),
    PICKLE(PROTO "(.", "not a dictionary of tensors"),
    PICKLE(PROTO TENSOR("K\6", "K\1") ".", "not a dictionary of tensors"),
    PICKLE(PROTO "\xff.", "byte 2: 0xff is not an opcode"),
    PICKLE(PROTO "]r.", "byte 2: the opcode EMPTY_LIST is not one of those"),
    PICKLE(PROTO "cos\nsystem\nX\4\0\0\0true\x85R.", "byte 2: the global 'os.system' is not"),
    PICKLE(PROTO "c__builtin__\neval\n.", "the global '__builtin__.eval' is not"),
    PICKLE(PROTO "ctorch\0\nFloatStorage\n.", "is not one of those that make tensors"),
    PICKLE(PROTO "ctorch.\nFloatStorage\n.", "the global 'torch..FloatStorage' is not"),
    PICKLE(PROTO "ccollections.OrderedDict\n\n.", "is not one of those that make tensors"),
    PICKLE(PROTO "ctorch\nQInt8Storage\n.", "the global 'torch.QInt8Storage' is not"),
    PICKLE(PROTO "ctorch\nFloatStorage", "byte 2: cut off"),
    PICKLE(PROTO "(ios\nsystem\n.", "byte 3: the opcode INST is not"),
    PICKLE(PROTO "X\xff\xff\xff\xff.", "byte 2: cut off"),
    PICKLE(PROTO "\x8a\x09\0\0\0\0\0\0\0\0\0.", "a number of 9 bytes"),
    PICKLE(PROTO "\x8a\2\0", "a number of 2 bytes"),
    PICKLE(PROTO "h\0.", "memo 0 was not set"),
    PICKLE(PROTO "}q\1.", "memo 1 out of order"),
    PICKLE(PROTO "q\0.", "nothing on the stack"),
    PICKLE(PROTO "(q\0.", "nothing on the stack"),
    PICKLE(PROTO "K\1t.", "no mark on the stack"),
    PICKLE(PROTO "K\1\x86.", "nothing on the stack"),
    PICKLE(PROTO "(K\1\x86.", "nothing on the stack"),
    PICKLE(PROTO "K\1K\1s.", "nothing on the stack"),
    PICKLE(PROTO "K\1K\1K\1s.", "an item that is not one of a dictionary"),
    PICKLE(PROTO "}K\1K\1s.", "an item that is not one of a dictionary"),
    PICKLE(PROTO "}(K\1u.", "items that are not those of a dictionary"),
    PICKLE(PROTO "(u.", "items that are not those of a dictionary"),
    PICKLE(PROTO "))R.", "a call of something that is not a function"),
    PICKLE(PROTO "ctorch\nFloatStorage\n)R.", "a call of something that is not a function"),
    PICKLE(PROTO "ccollections\nOrderedDict\n}R.", "a call of something that is not a function"),
    PICKLE(PROTO "ccollections\nOrderedDict\n)\x85R.", "an OrderedDict of arguments"),
    PICKLE(PROTO "ctorch._utils\n_rebuild_tensor_v2\n)R.", "a tensor of unexpected arguments"),
    PICKLE(PROTO "ctorch._utils\n_rebuild_parameter\n)R.", "a parameter of unexpected arguments"),
    PICKLE(PROTO "K\1}b.", "attributes of something that is not a dictionary"),
    PICKLE(PROTO "}K\1b.", "attributes of something that is not a dictionary"),
    PICKLE(PROTO ")Q.", "a persistent id that is not a storage's"),
    PICKLE(PROTO "(X\7\0\0\0storageccollections\nOrderedDict\nX\1\0\0\0000X\3\0\0\0cpuK\6tQ.",
           "a persistent id that is not a storage's"),
    PICKLE(PROTO TENSOR("J\xff\xff\xff\xff", "K\1"), "a tensor without shape and strides"),
    PICKLE(PROTO TENSOR("K\2K\3", "K\1"), "a tensor without shape and strides"),
    PICKLE(PROTO TENSOR("K\1K\1K\1K\1K\1K\1K\1K\1K\1", "K\1K\1K\1K\1K\1K\1K\1K\1K\1"),
           "a tensor without shape and strides"),
    PICKLE(DICT_OF NAMED("a") TENSOR("K\2K\3", "K\1K\2") END, "x: tensor 'a': not contiguous"),
    PICKLE(DICT_OF NAMED("a") TENSOR("K\2K\3", "K\0K\0") END, "x: tensor 'a': not contiguous"),
    PICKLE(DICT_OF NAMED("a") TENSOR("\x8a\7\0\0\0\0\0\0\1M\0\1", "M\0\1K\1") END,
           "x: tensor 'a': "),
    PICKLE(DICT_OF NAMED("a") TENSOR("K\7", "K\1") END,
           "x: tensor 'a': 7 elements from 0 on, but its storage has 6"),
    PICKLE(DICT_OF NAMED("a") "K\1" END, "x: 'a' is not a tensor"),
    PICKLE(DICT_OF NAMED("\0") TENSOR("K\6", "K\1") END, "x: a tensor name that is not text"),
    PICKLE(DICT_OF NAMED("\xff") TENSOR("K\6", "K\1") END, "x: a tensor name that is not text"),
    PICKLE(DICT_OF "X\0\0\0\0" TENSOR("K\6", "K\1") END, "x: tensor name of 0 bytes"),
    PICKLE(DICT_OF NAMED("a") TENSOR("K\6", "K\1") NAMED("a") TENSOR("K\6", "K\1") END,
           "x: tensor 'a' occurs twice"),
};

static void
test_pickles(void **state)
{
    (void)state;
    for (size_t i = 0; i < T5G_LEN(pickles); i++) {
        const struct pickle *x = &pickles[i];
        struct t5g_err e = {0};
        struct seen s = {0};
        unsigned char *p = t5g_alloc_raw(x->n, 1);
        memcpy(p, x->p, x->n);
        int r = t5g_torch_pickle(p, x->n, "x", see, &s, &e);
        if ((r < 0) != (x->says != NULL) || (r < 0 && strstr(e.msg, x->says) == NULL))
            fail_msg("pickle %zu: '%s', expected '%s'", i, e.msg, x->says != NULL ? x->says : "");
        assert_int_equal(s.n, r < 0 || x->n == 4 ? 0 : 1);
        if (s.n > 0)
            assert_true(s.last.stored == 6 && s.last.key_len == 1 && *s.last.key == '0');
        t5g_free(p);
    }
}

/* What would take memory without end. */
static void
test_limits(void **state)
{
    (void)state;
    static const struct {
        const char *first, *again, *says;
        size_t times;
    } cases[] = {
        {"", "}", "more than 65536 values on the stack", 65537},
        {"", "(", "more than 65536 values on the stack", 65537},
        {")", "\x85", "more than 2097152 items of tuples", (1 << 21) + 1},
    };
    for (size_t i = 0; i < T5G_LEN(cases); i++) {
        struct t5g_err e = {0};
        struct t5g_buf b = {0};
        t5g_buf_add(&b, PROTO, 2);
        t5g_buf_adds(&b, cases[i].first);
        for (size_t k = 0; k < cases[i].times; k++)
            t5g_buf_adds(&b, cases[i].again);
        assert_int_equal(t5g_torch_pickle((unsigned char *)b.p, b.n, "x", see, NULL, &e), -1);
        if (strstr(e.msg, cases[i].says) == NULL)
            fail_msg("case %zu: %s", i, e.msg);
        t5g_buf_free(&b);
    }
    struct t5g_err e = {0};
    struct t5g_buf b = {0};
    t5g_buf_add(&b, PROTO "}", 3);
    for (uint32_t k = 0; k <= 1 << 20; k++) {
        t5g_buf_addc(&b, 'r');
        t5g_buf_add(&b, &k, 4);
    }
    assert_int_equal(t5g_torch_pickle((unsigned char *)b.p, b.n, "x", see, NULL, &e), -1);
    assert_non_null(strstr(e.msg, "or more than 1048576 of them"));
    t5g_buf_free(&b);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tensors), cmocka_unit_test(test_refused_files),
        cmocka_unit_test(test_damage),  cmocka_unit_test(test_archives),
        cmocka_unit_test(test_pickles), cmocka_unit_test(test_limits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
