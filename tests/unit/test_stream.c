/* test_stream.c: what a reader takes and refuses, through a mapping and through a pipe alike. */
#include "streams.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

/* Both ways must refuse with this code, and say this. */
static void
refused(const struct make *m, int code, const char *message)
{
    for (enum way way = MAPPED; way < WAYS; way++) {
        struct t5g_err e = {0};
        int got = read_bytes(m->b.p, m->b.n, way, NULL, &e);
        if (got != code || strstr(e.msg, message) == NULL)
            fail_msg("way %d: code %d: %s; expected %d, %s", (int)way, got, e.msg, code, message);
    }
}

static void
accepted(const struct make *m, size_t want)
{
    for (enum way way = MAPPED; way < WAYS; way++) {
        struct t5g_err e = {0};
        size_t frames;
        if (read_bytes(m->b.p, m->b.n, way, &frames, &e) != 0)
            fail_msg("way %d: %s", (int)way, e.msg);
        assert_int_equal(frames, want);
    }
}

static void
test_sample(void **state)
{
    (void)state;
    struct make m = {0};
    make_sample(&m);
    for (enum way way = MAPPED; way < WAYS; way++) {
        static const char kinds[] = "HDTTSCDXDTCE";
        static const float row[] = {1.5f, -2};
        struct t5g_frame f;
        struct t5g_err e;
        struct t5g_reader *r =
            t5g_reader_open_fd(open_bytes(m.b.p, m.b.n, way), true, "in", T5G_FRAME_SIZE_DEFAULT);
        assert_int_equal(t5g_reader_mapped(r), way == MAPPED);
        for (size_t i = 0; kinds[i] != '\0'; i++) {
            assert_int_equal(t5g_reader_next(r, &f, &e), 1);
            assert_int_equal(f.kind, kinds[i]);
            assert_int_equal((uintptr_t)f.data % T5G_ALIGN, 0);
            assert_int_equal(f.meta[f.meta_len], '\0');
            if (i == 3) {
                assert_int_equal(f.dtype, T5G_F32);
                assert_int_equal(f.dims[0], 2);
                assert_int_equal(f.dims[1], 3);
                assert_memory_equal(f.data, row, sizeof row);
            }
            if (i == 4)
                assert_memory_equal(f.data, "sec\xc3\xa9tion:", f.size);
        }
        assert_int_equal(t5g_reader_next(r, &f, &e), 0);
        t5g_reader_close(r);
    }
    make_free(&m);
}

/* Every proper prefix is a cut stream, never a damaged one, and never a whole one. */
static void
test_truncated(void **state)
{
    (void)state;
    struct make m = {0};
    make_sample(&m);
    for (enum way way = MAPPED; way < WAYS; way++)
        for (size_t n = 0; n < m.b.n; n++) {
            struct t5g_err e = {0};
            int code = read_bytes(m.b.p, n, way, NULL, &e);
            const char *want = n == 0 ? "empty input: upstream wrote nothing" : "unexpected end";
            if (code != T5G_EX_UPSTREAM || strstr(e.msg, want) == NULL)
                fail_msg("cut at %zu: %d %s", n, code, e.msg);
        }
    size_t at[20];
    frame_offsets(&m, at, 20);
    struct t5g_err e;
    read_bytes(m.b.p, at[4], MAPPED, NULL, &e);
    assert_string_equal(e.msg, "in: unexpected end of stream after frame 4 (encoder.out)");
    read_bytes(m.b.p, at[6] + 5, PIPED, NULL, &e);
    assert_string_equal(e.msg, "in: unexpected end of stream after frame 6 (CLOSE)");
    make_free(&m);
}

/* Every bit, padding included. */
static void
test_flipped(void **state)
{
    (void)state;
    struct make m = {0};
    make_sample(&m);
    for (enum way way = MAPPED; way < WAYS; way++)
        for (size_t bit = 0; bit < 8 * m.b.n; bit++) {
            m.b.p[bit / 8] ^= (char)(1 << bit % 8);
            int code = read_bytes(m.b.p, m.b.n, way, NULL, NULL);
            if (code != T5G_EX_DATA)
                fail_msg("bit %zu of byte %zu: %d", bit % 8, bit / 8, code);
            m.b.p[bit / 8] ^= (char)(1 << bit % 8);
        }
    accepted(&m, 12);
    make_free(&m);
}

/* The frames of `from` in the order of list [n]. */
static void
arrange(struct make *out, const struct make *from, const size_t *list, size_t n)
{
    size_t at[64];
    frame_offsets(from, at, 64);
    out->b.n = 0;
    for (size_t i = 0; i < n; i++)
        t5g_buf_add(&out->b, from->b.p + at[list[i]], at[list[i] + 1] - at[list[i]]);
}

static void
test_dropped_doubled_swapped(void **state)
{
    (void)state;
    struct make m = {0}, x = {0};
    make_sample(&m);
    for (size_t k = 0; k < 12; k++) {
        size_t list[13], n = 0;
        for (size_t i = 0; i < 12; i++)
            if (i != k)
                list[n++] = i;
        arrange(&x, &m, list, n);
        refused(&x, k == 11 ? T5G_EX_UPSTREAM : T5G_EX_DATA, "");
        n = 0;
        for (size_t i = 0; i < 12; i++) {
            list[n++] = i;
            if (i == k)
                list[n++] = i;
        }
        arrange(&x, &m, list, n);
        refused(&x, T5G_EX_DATA, "");
        for (size_t j = 0; j < k; j++) {
            for (size_t i = 0; i < 12; i++)
                list[i] = i == k ? j : i == j ? k : i;
            arrange(&x, &m, list, 12);
            refused(&x, T5G_EX_DATA, "");
        }
    }
    /* whole documents too: nothing but END knows of them */
    arrange(&x, &m, (size_t[]){0, 6, 7, 8, 9, 10, 11}, 7);
    refused(&x, T5G_EX_DATA, "END does not match the frames before it");
    arrange(&x, &m, (size_t[]){0, 6, 7, 1, 2, 3, 4, 5, 8, 9, 10, 11}, 12);
    refused(&x, T5G_EX_DATA, "END does not match");
    make_free(&m);
    make_free(&x);
}

static void
test_segments(void **state)
{
    (void)state;
    struct make m = {0};
    make_sample(&m);
    size_t one = m.b.n;
    make_sample(&m);
    accepted(&m, 24);
    assert_int_equal(read_bytes(m.b.p, one, MAPPED, NULL, NULL), 0);
    for (size_t n = one + 1; n < 2 * one; n += 7)
        assert_int_equal(read_bytes(m.b.p, n, PIPED, NULL, NULL), T5G_EX_UPSTREAM);
    make_free(&m);
    for (int i = 0; i < 1000; i++) {
        make_head(&m);
        if (i % 2) {
            make_doc(&m, "x");
            make_close(&m);
        }
        make_end(&m, 0);
    }
    accepted(&m, 3000);
    make_free(&m);
}

static void
test_foreign(void **state)
{
    (void)state;
    struct make m = {0};
    t5g_buf_adds(&m.b, "RIFF and so on, as in any other file that is longer than one header "
                       "of a frame, which has one hundred and twenty-eight bytes, and no more.");
    refused(&m, T5G_EX_DATA, "in: not a t5g stream");
    m.b.n = 1;
    refused(&m, T5G_EX_DATA, "in: not a t5g stream");
    m.b.n = 0;
    t5g_buf_adds(&m.b, "\x89T5");
    refused(&m, T5G_EX_UPSTREAM, "unexpected end of stream in the first frame");
    m.b.n = 0;
    make_sample(&m);
    t5g_buf_adds(&m.b, "\n");
    refused(&m, T5G_EX_DATA, "damaged: no frame starts here");
    make_free(&m);
}

/* A length is a claim: nothing may be set aside for it before the bytes are there. */
static void
test_huge_lengths(void **state)
{
    (void)state;
    struct make m = {0};
    for (int good = 0; good < 2; good++) {
        uint64_t size = ((uint64_t)1 << 40) - 256, len = size + 192;
        make_head(&m);
        make_doc(&m, "a");
        make_frame(&m, 'n', m.key, "{}", "", 0);
        make_patch(&m, 24, &size, 8);
        make_patch(&m, 16, &len, 8);
        if (!good)
            m.b.p[m.at + 120] ^= 1;
        refused(&m, T5G_EX_DATA, "limit 8589934592 (--max-frame)");
        for (enum way way = MAPPED; way < WAYS; way++) {
            struct t5g_frame f;
            struct t5g_err e;
            struct t5g_reader *r = t5g_reader_open_fd(open_bytes(m.b.p, m.b.n, way), true, "in",
                                                      T5G_FRAME_PAYLOAD_MAX);
            assert_int_equal(t5g_reader_next(r, &f, &e), 1);
            assert_int_equal(t5g_reader_next(r, &f, &e), 1);
            assert_int_equal(t5g_reader_next(r, &f, &e), -1);
            assert_int_equal(e.code, good ? T5G_EX_UPSTREAM : T5G_EX_DATA);
            t5g_reader_close(r);
        }
        make_free(&m);
    }
}

static void
test_kinds(void **state)
{
    (void)state;
    struct make m = {0};
    make_head(&m);
    make_frame(&m, 'n', 0, "{\"note\":\"before\"}", "abc", 3);
    make_doc(&m, "a");
    make_frame(&m, 'z', m.key, NULL, "\0\1", 2);
    make_patch(&m, 10, "\xc8\x03\0\0\0\0", 2); /* dtype 200, 3 dimensions: not for us to judge */
    make_close(&m);
    make_frame(&m, 'i', 0, NULL, NULL, 0);
    make_end(&m, 0);
    accepted(&m, 7);
    make_free(&m);
    make_head(&m);
    make_doc(&m, "a");
    make_frame(&m, 'Q', m.key, "{}", "", 0);
    refused(&m, T5G_EX_DATA, "unknown critical kind 'Q'");
    make_free(&m);
    make_head(&m);
    make_frame(&m, 'Q', 0, NULL, "xyz", 3);
    refused(&m, T5G_EX_DATA, "unknown critical kind 'Q'");
    make_free(&m);
}

static void
test_versions(void **state)
{
    (void)state;
    static const struct {
        size_t at, n;
        const char *bytes;
        int code;
        const char *message;
    } c[] = {
        {9, 1, "\x09", 0, ""},
        {8, 1, "\x02", T5G_EX_DATA, "format version 2"},
        {12, 2, "\x01\0", T5G_EX_DATA, "unknown flags 0x1"},
        {12, 2, "\0\x80", T5G_EX_DATA, "unknown flags 0x8000"},
        {14, 1, "\x01", T5G_EX_DATA, "bytes 14 and 15"},
        {10, 1, "\x0f", T5G_EX_DATA, "unknown dtype 15"},
        {11, 1, "\x09", T5G_EX_DATA, "9 dimensions"},
        {40, 1, "\x01", T5G_EX_DATA, "belongs to another document"},
        {48, 8, "\xff\xff\xff\xff\xff\xff\xff\x7f", T5G_EX_DATA, "dimensions overflow"},
        {56, 1, "\x01", T5G_EX_DATA, "dimension 1 beyond ndim is not 0"},
        {120, 1, "", 0, ""}, /* make_patch mends it */
    };
    for (size_t i = 0; i < T5G_LEN(c); i++) {
        struct make m = {0};
        make_head(&m);
        make_doc(&m, "a");
        m.key = t5g_doc_key("a", 1);
        make_ids(&m, "x", (int32_t[]){1, 2, 3}, 3);
        make_patch(&m, c[i].at, c[i].bytes, c[i].n);
        make_close(&m);
        make_end(&m, 0);
        if (c[i].code == 0)
            accepted(&m, 5);
        else
            refused(&m, c[i].code, c[i].message);
        make_free(&m);
    }
}

static void
test_grammar(void **state)
{
    (void)state;
    /* d: DOC, t: tensor, c: CLOSE, x: ERROR, the rest as kinds */
    static const struct {
        const char *frames, *message;
    } bad[] = {
        {"E", "where a HEAD is expected"},   {"d", "where a HEAD is expected"},
        {"n", "where a HEAD is expected"},   {"HH", "outside a document"},
        {"Ht", "outside a document"},        {"HS", "outside a document"},
        {"Hc", "outside a document"},        {"HdH", "inside a document"},
        {"Hdd", "inside a document"},        {"HdE", "inside a document"},
        {"HxdcE", "where END is expected"},  {"HxnE", "where END is expected"},
        {"HxE", "status 0 after an ERROR"},  {"HEE", "where a HEAD is expected"},
        {"HEd", "where a HEAD is expected"},
    };
    for (size_t i = 0; i < T5G_LEN(bad); i++) {
        struct make m = {0};
        uint64_t key = 0;
        for (const char *p = bad[i].frames; *p != '\0'; p++) {
            if (*p == 'H')
                make_frame(&m, 'H', key, "{\"t5g\":1,\"pg\":[]}", NULL, 0);
            else if (*p == 'd')
                make_doc(&m, "a");
            else if (*p == 't')
                make_ids(&m, "x", NULL, 0);
            else if (*p == 'c')
                make_close(&m);
            else if (*p == 'x')
                make_error(&m, "why");
            else if (*p == 'E' && key == 0)
                make_end(&m, 0);
            else if (*p == 'E')
                make_frame(&m, 'E', key, NULL, NULL, 0);
            else
                make_frame(&m, *p, key, "{\"name\":\"x\"}", NULL, 0);
            key = m.key;
        }
        refused(&m, T5G_EX_DATA, bad[i].message);
        make_free(&m);
    }
    struct make m = {0};
    make_head(&m);
    make_frame(&m, 'n', 7, NULL, NULL, 0);
    refused(&m, T5G_EX_DATA, "document key outside a document");
    make_free(&m);
    make_frame(&m, 'H', 7, "{\"t5g\":1,\"pg\":[]}", NULL, 0);
    refused(&m, T5G_EX_DATA, "document key outside a document");
    make_free(&m);
}

static void
test_end(void **state)
{
    (void)state;
    static const size_t fields[] = {0, 8, 16, 24, 32, 44, 56}; /* counts, chain, reserved */
    for (size_t i = 0; i < T5G_LEN(fields); i++) {
        struct make m = {0};
        make_sample(&m);
        unsigned char *payload = (unsigned char *)m.b.p + m.at + T5G_FRAME_HEADER;
        payload[fields[i]] ^= 1;
        uint64_t h = t5g_hash64(payload, 64);
        make_patch(&m, 112, &h, 8);
        refused(&m, T5G_EX_DATA,
                fields[i] == 44 || fields[i] == 56 ? "reserved bytes" : "END does not match");
        make_free(&m);
    }
    struct make m = {0};
    make_head(&m);
    make_error(&m, "no model");
    make_end(&m, 66);
    accepted(&m, 3); /* what a status means is for the reader's caller */
    make_free(&m);
    make_head(&m);
    make_frame(&m, 'E', 0, NULL, "", 0);
    refused(&m, T5G_EX_DATA, "END has the wrong size");
    make_free(&m);
}

static void
test_metas(void **state)
{
    (void)state;
    static const struct {
        const char *head, *message;
    } heads[] = {
        {"{\"t5g\":2,\"pg\":[]}", "\"t5g\": expected 1"},
        {"{\"t5g\":1}", "\"pg\": expected an array"},
        {"{\"t5g\":1,\"pg\":[1]}", "\"pg\": expected objects"},
        {"{\"t5g\":1,\"pg\":[{\"tok\":7}]}", "\"tok\": expected a string"},
        {"{\"t5g\":1,\"pg\":[],\"pg\":[]}", "duplicate key"},
        {"\xef\xbb\xbf{\"t5g\":1,\"pg\":[]}", "byte 0"},
        {"{\"t5g\":1,\"pg\":[]", "end of text"},
        {"[]", "not an object"},
    };
    struct make m = {0};
    for (size_t i = 0; i < T5G_LEN(heads); i++) {
        make_frame(&m, 'H', 0, heads[i].head, NULL, 0);
        refused(&m, T5G_EX_DATA, heads[i].message);
        make_free(&m);
    }
    make_head(&m);
    make_doc(&m, "a");
    make_frame(&m, 'S', m.key, "{\"name\":\"x\"}", "ab\xff", 3);
    refused(&m, T5G_EX_DATA, "text is not UTF-8 at its byte 2");
    make_free(&m);
    /* one MiB of meta is taken, one byte more is not */
    char *big = t5g_alloc(T5G_FRAME_META_MAX + 2, 1);
    memset(big, ' ', T5G_FRAME_META_MAX + 1);
    memcpy(big, "{\"a\":1}", 7);
    for (int more = 0; more < 2; more++) {
        big[T5G_FRAME_META_MAX + 1] = '\0';
        if (!more)
            big[T5G_FRAME_META_MAX] = '\0';
        else
            big[T5G_FRAME_META_MAX] = ' ';
        make_head(&m);
        make_frame(&m, 'n', 0, big, NULL, 0);
        make_end(&m, 0);
        if (more)
            refused(&m, T5G_EX_DATA, "meta of 1048577 bytes");
        else
            accepted(&m, 3);
        make_free(&m);
    }
    t5g_free(big);
}

/* A payload longer than one step of the buffer, kept beyond the next frame. */
static void
test_large_payload(void **state)
{
    (void)state;
    size_t n = ((size_t)5 << 20) + 4;
    int32_t *v = t5g_alloc(n / 4, 4);
    for (size_t i = 0; i < n / 4; i++)
        v[i] = (int32_t)(i * 2654435761u);
    struct make m = {0};
    make_head(&m);
    make_doc(&m, "a");
    make_ids(&m, "x", v, n / 4);
    make_ids(&m, "y", v, 2);
    make_close(&m);
    make_end(&m, 0);
    for (enum way way = MAPPED; way < WAYS; way++) {
        struct t5g_reader *r =
            t5g_reader_open_fd(open_bytes(m.b.p, m.b.n, way), true, "in", T5G_FRAME_SIZE_DEFAULT);
        struct t5g_frame f, g;
        struct t5g_err e;
        void *owned = NULL;
        for (int i = 0; i < 3; i++)
            assert_int_equal(t5g_reader_next(r, &f, &e), 1);
        t5g_reader_keep(r, &owned);
        assert_int_equal(owned != NULL, way == PIPED);
        assert_int_equal(t5g_reader_next(r, &g, &e), 1);
        assert_int_equal(f.size, n);
        assert_memory_equal(f.data, v, n);
        assert_memory_equal(g.data, v, 8);
        t5g_free(owned);
        t5g_reader_close(r);
    }
    make_free(&m);
    t5g_free(v);
}

static void
test_open(void **state)
{
    (void)state;
    struct t5g_err e;
    assert_null(t5g_reader_open("/nonexistent/x.t5g", T5G_FRAME_SIZE_DEFAULT, &e));
    assert_int_equal(e.code, T5G_EX_NOINPUT);
    assert_null(t5g_reader_open("/", T5G_FRAME_SIZE_DEFAULT, &e));
    assert_int_equal(e.code, T5G_EX_NOINPUT);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sample),        cmocka_unit_test(test_truncated),
        cmocka_unit_test(test_flipped),       cmocka_unit_test(test_dropped_doubled_swapped),
        cmocka_unit_test(test_segments),      cmocka_unit_test(test_foreign),
        cmocka_unit_test(test_huge_lengths),  cmocka_unit_test(test_kinds),
        cmocka_unit_test(test_versions),      cmocka_unit_test(test_grammar),
        cmocka_unit_test(test_end),           cmocka_unit_test(test_metas),
        cmocka_unit_test(test_large_payload), cmocka_unit_test(test_open),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
