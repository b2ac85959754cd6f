/*
 * test_image.c: pictures to pixels, equal to what Pillow makes of the same files (Pillow 13.0.0,
 * libjpeg-turbo 3.2.0); and files that are damaged.
 */
#include "golden.h"
#include "image/image_bytes.h"
#include "image/resize.h"

#include <math.h>

static const char *const png[] = {"adam7",     "bit1", "grey",    "grey16", "grey16low",
                                  "greyalpha", "one",  "palette", "rgb",    "palette_trns",
                                  "rgb16",     "rgba", "tall",    "wide"};
static const char *const jpeg[] = {"base420", "base444", "cmyk", "exif2",  "exif6",
                                   "grey",    "odd",     "prog", "restart"};

static struct t5g_buf
read_file(const char *name)
{
    char path[256];
    struct t5g_buf b = {0};
    struct t5g_err e = {0};
    snprintf(path, sizeof path, "data/pictures/%s", name);
    char *whole = gd_path(path);
    if (t5g_read_file(whole, (size_t)1 << 24, &b, &e) < 0)
        fail_msg("%s", e.msg);
    t5g_free(whole);
    return b;
}

static struct npy
read_npy(const char *name, const char *ending)
{
    char path[256];
    snprintf(path, sizeof path, "data/pictures/%s%s", name, ending);
    char *whole = gd_path(path);
    struct npy a = npy_read(whole);
    t5g_free(whole);
    return a;
}

static struct t5g_arena
arena_open(void)
{
    size_t size = (size_t)64 << 20;
    return (struct t5g_arena){.p = t5g_alloc_raw(size, 1), .size = size};
}

static const struct t5g_image_reader_options options = {
    .size = 896, .exif = true, .cpu_seconds = 5};

/* The 28 x 28 pixels that the golden keeps of an 896 x 896 picture, as u8. */
static void
check_resized(const char *name, const uint8_t *view)
{
    struct npy want = read_npy(name, ".896s.npy"), lut = read_npy("lut", ".npy");
    for (size_t i = 0; i < npy_size(&want); i++) {
        size_t c = i / (28 * 28), row = 16 + 32 * (i / 28 % 28), col = 16 + 32 * (i % 28);
        float got = lut.f[view[(row * 896 + col) * 3 + c]];
        if (got != want.f[i])
            fail_msg("%s: row %zu, column %zu", name, row, col);
    }
    npy_free(&want);
    npy_free(&lut);
}

/* Decode and turn: the golden. */
static void
check_pixels(const char *name)
{
    struct t5g_picture p;
    struct t5g_err e = {0};
    struct t5g_arena a = arena_open();
    struct t5g_buf file = read_file(name);
    struct npy want = read_npy(name, ".rgb.npy");
    uint8_t *rgb;
    if (t5g_picture_check(&p, (unsigned char *)file.p, file.n, &e) < 0 ||
        t5g_picture_decode(&p, (unsigned char *)file.p, file.n, &a, &rgb, &e) < 0)
        fail_msg("%s: %s", name, e.msg);
    size_t w = p.w, h = p.h;
    assert_int_equal(t5g_picture_orient(p.orientation, &a, &rgb, &w, &h, &e), 0);
    assert_int_equal(w, want.dims[1]);
    assert_int_equal(h, want.dims[0]);
    for (size_t i = 0; i < w * h * 3; i++)
        if (rgb[i] != want.u[i])
            fail_msg("%s: sample %zu is %u, expected %u", name, i, rgb[i], want.u[i]);

    /* Resizing what Pillow decoded: equal for every format. */
    uint8_t *view = t5g_alloc(896 * 896, 3);
    assert_int_equal(t5g_resize(view, 896, want.u, w, h, w * 3, &a, &e), 0);
    check_resized(name, view);
    struct t5g_views v;
    a.used = 0;
    assert_int_equal(t5g_image_prepare(&options, (unsigned char *)file.p, file.n, &a, view, &v, &e),
                     0);
    assert_true(v.n == 1 && v.w == w && v.h == h);
    check_resized(name, view);
    t5g_free(view);
    npy_free(&want);
    t5g_buf_free(&file);
    t5g_free(a.p);
}

static void
test_pixels(void **state)
{
    char name[64];
    (void)state;
    for (size_t i = 0; i < T5G_LEN(png); i++) {
        snprintf(name, sizeof name, "%s.png", png[i]);
        check_pixels(name);
    }
    for (size_t i = 0; i < T5G_LEN(jpeg); i++) {
        snprintf(name, sizeof name, "%s.jpg", jpeg[i]);
        check_pixels(name);
    }
}

/* Pan and scan: a picture and its two crops, of which each pass makes one side longer and one
 * shorter. */
static void
test_views(void **state)
{
    struct t5g_image_reader_options o = {
        .size = 56, .exif = true, .pan_and_scan = true, .crops = {16, 4, 1.2}};
    struct t5g_arena a = arena_open();
    struct t5g_buf file = read_file("rgb.png");
    struct npy want = read_npy("pan/views", ".npy");
    uint8_t *views = t5g_alloc(5 * 56 * 56, 3);
    struct t5g_views v;
    struct t5g_err e = {0};
    (void)state;
    if (t5g_image_prepare(&o, (unsigned char *)file.p, file.n, &a, views, &v, &e) < 0)
        fail_msg("%s", e.msg);
    assert_int_equal(v.n, want.dims[0]);
    assert_memory_equal(views, want.u, npy_size(&want));
    npy_free(&want);
    t5g_free(views);
    t5g_buf_free(&file);
    t5g_free(a.p);
}

static int
check(const void *file, size_t n, struct t5g_err *e)
{
    struct t5g_picture p;
    return t5g_picture_check(&p, file, n, e);
}

/* Check, and if that passes, decode. */
static int
check_and_decode(const char *file, size_t n, struct t5g_arena *a, struct t5g_err *e)
{
    struct t5g_picture p;
    uint8_t *rgb;
    unsigned char *copy = t5g_alloc_raw(n + 1, 1);
    memcpy(copy, file, n);
    a->used = 0;
    int r = t5g_picture_check(&p, copy, n, e);
    if (r == 0)
        r = t5g_picture_decode(&p, copy, n, a, &rgb, e);
    t5g_free(copy);
    return r;
}

/* 1,000 single bits of each PNG, every PNG cut at every byte, and JPEGs at many. */
static void
test_damage(void **state)
{
    char name[64];
    struct t5g_err e = {0};
    struct t5g_arena a = arena_open();
    uint32_t seed = 1;
    (void)state;
    for (size_t i = 0; i < T5G_LEN(png) + T5G_LEN(jpeg); i++) {
        bool is_png = i < T5G_LEN(png);
        snprintf(name, sizeof name, is_png ? "%s.png" : "%s.jpg",
                 is_png ? png[i] : jpeg[i - T5G_LEN(png)]);
        struct t5g_buf file = read_file(name);
        assert_int_equal(check(file.p, file.n, &e), 0);
        for (size_t n = 0; n < file.n; n += is_png || n + 20 > file.n ? 1 : 7)
            if ((is_png ? check(file.p, n, &e) : check_and_decode(file.p, n, &a, &e)) == 0)
                fail_msg("%s: cut at byte %zu", name, n);
        for (int k = 0; is_png && k < 1000; k++) {
            seed = seed * 1664525 + 1013904223;
            size_t bit = seed % (8 * file.n);
            file.p[bit / 8] = (char)(file.p[bit / 8] ^ 1 << bit % 8);
            if (check(file.p, file.n, &e) == 0)
                fail_msg("%s: bit %zu flipped", name, bit);
            file.p[bit / 8] = (char)(file.p[bit / 8] ^ 1 << bit % 8);
        }
        /* Behind the end there may be anything. */
        t5g_buf_adds(&file, "\xff\xd9 and more");
        assert_int_equal(check_and_decode(file.p, file.n, &a, &e), 0);
        t5g_buf_free(&file);
    }
    t5g_free(a.p);
}

/* JPEG flips through the child: refused or decoded, and the reader lives on. */
static void
test_jpeg_flips(void **state)
{
    struct t5g_err e = {0};
    struct t5g_image_reader_options o = options;
    struct t5g_views v;
    uint32_t seed = 7;
    (void)state;
    o.size = 56;
    struct t5g_image_reader *r = t5g_image_reader_open(&o, &e);
    if (r == NULL)
        fail_msg("%s", e.msg);
    for (size_t i = 0; i < T5G_LEN(jpeg); i++) {
        char name[64];
        snprintf(name, sizeof name, "%s.jpg", jpeg[i]);
        struct t5g_buf file = read_file(name);
        for (int k = 0; k < 100; k++) {
            seed = seed * 1664525 + 1013904223;
            size_t bit = seed % (8 * file.n);
            file.p[bit / 8] = (char)(file.p[bit / 8] ^ 1 << bit % 8);
            if (t5g_image_read(r, file.p, file.n, &v, &e) < 0)
                assert_int_equal(e.code, T5G_EX_DATA);
            file.p[bit / 8] = (char)(file.p[bit / 8] ^ 1 << bit % 8);
        }
        assert_int_equal(t5g_image_read(r, file.p, file.n, &v, &e), 0);
        t5g_buf_free(&file);
    }
    t5g_image_reader_close(r);
}

/* [n] big-endian bytes, for TIFF. */
static void
put(struct t5g_buf *b, uint32_t v, int n, bool big)
{
    for (int i = 0; i < n; i++)
        t5g_buf_addc(b, (char)(v >> 8 * (big ? n - 1 - i : i)));
}

static void
test_orientation(void **state)
{
    (void)state;
    for (uint32_t want = 0; want < 10; want++)
        for (int big = 0; big < 2; big++) {
            struct t5g_buf b = {0};
            t5g_buf_add(&b, big ? "MM\0*" : "II*\0", 4);
            put(&b, 8, 4, big);
            put(&b, 2, 2, big); /* entries: something else, then the orientation */
            put(&b, 0x0100, 2, big), put(&b, 4, 2, big), put(&b, 1, 4, big), put(&b, 9, 4, big);
            put(&b, 0x0112, 2, big), put(&b, 3, 2, big), put(&b, 1, 4, big);
            put(&b, want, 2, big), put(&b, 0, 2, big);
            unsigned char *p = (unsigned char *)b.p;
            int expect = want >= 1 && want <= 8 ? (int)want : 0;
            assert_int_equal(t5g_exif_orientation(p, b.n), expect);
            for (size_t n = 0; n < b.n; n++)
                assert_int_equal(t5g_exif_orientation(p, n), -1);
            p[4 + (big ? 0 : 3)] = 0xff; /* the directory lies outside */
            assert_int_equal(t5g_exif_orientation(p, b.n), -1);
            t5g_buf_free(&b);
        }
    static const struct {
        const char *text;
        int want;
    } xmp[] = {{"<a tiff:Orientation=\"6\"/>", 6},
               {"<tiff:Orientation>8</tiff:Orientation>", 8},
               {"tiff:Orientation tiff:Orientation=\"3\"", 3},
               {"tiff:Orientation=\"9\"", 0},
               {"tiff:Orientation=\"", 0},
               {"tiff:Orientation", 0},
               {"", 0}};
    for (size_t i = 0; i < T5G_LEN(xmp); i++)
        assert_int_equal(
            t5g_xmp_orientation((const unsigned char *)xmp[i].text, strlen(xmp[i].text)),
            xmp[i].want);

    /* A 3 x 2 picture of numbers, turned in each way, as Pillow's transpose does. */
    static const char *const turned[] = {"",       "012345", "210543", "543210", "345012",
                                         "031425", "304152", "524130", "251403"};
    for (int o = 1; o <= 8; o++) {
        uint8_t memory[64], *rgb = memory;
        struct t5g_arena a = {.p = memory + 32, .size = 32};
        size_t w = 3, h = 2;
        for (size_t i = 0; i < 18; i++)
            memory[i] = (uint8_t)('0' + i / 3);
        assert_int_equal(t5g_picture_orient(o, &a, &rgb, &w, &h, NULL), 0);
        assert_int_equal(w, o >= 5 ? 2 : 3);
        for (size_t i = 0; i < 18; i++)
            assert_int_equal(rgb[i], turned[o][i / 3]);
    }
}

static void
one_pnm(const char *head, const char *samples, size_t n, const char *want, size_t n_want)
{
    struct t5g_buf b = {0};
    struct t5g_picture p;
    struct t5g_err e = {0};
    struct t5g_arena a = arena_open();
    uint8_t *rgb;
    t5g_buf_adds(&b, head);
    t5g_buf_add(&b, samples, n);
    unsigned char *file = (unsigned char *)b.p;
    int r = t5g_picture_check(&p, file, b.n, &e);
    if (want == NULL) {
        assert_int_equal(check_and_decode(b.p, b.n, &a, &e), -1);
        assert_int_equal(e.code, T5G_EX_DATA);
    } else {
        if (r < 0 || t5g_picture_decode(&p, file, b.n, &a, &rgb, &e) < 0)
            fail_msg("%s", e.msg);
        assert_int_equal(p.w * p.h * 3, n_want);
        assert_memory_equal(rgb, want, n_want);
        assert_int_equal(check_and_decode(b.p, b.n - 1, &a, &e), -1);
    }
    t5g_buf_free(&b);
    t5g_free(a.p);
}

static void
test_pnm(void **state)
{
    (void)state;
    one_pnm("P6\n1 2\n255\n", "abcdef", 6, "abcdef", 6);
    one_pnm("P6 # c\n1 # 9 9\n 2\r255 ", "abcdef", 6, "abcdef", 6);
    one_pnm("P5 2 1 255\n", "az", 2, "aaazzz", 6);
    one_pnm("P5 2 1 100\n", "\x32\x64", 2, "\x80\x80\x80\xff\xff\xff", 6); /* 127.5 to even */
    one_pnm("P5 2 1 65535\n", "\0\x7f\1\0", 4, "\x7f\x7f\x7f\xff\xff\xff", 6);
    one_pnm("P6 1 1 65535\n", "\x80\0\0\xff\xff\xff", 6, "\x80\1\xff", 3);
    one_pnm("P4 9 1\n", "\x55\x80", 2,
            "\xff\xff\xff\0\0\0\xff\xff\xff\0\0\0\xff\xff\xff\0\0\0\xff\xff\xff\0\0\0\0\0\0", 27);
    one_pnm("P6\n1 2\n0\n", "abcdef", 6, NULL, 0);
    one_pnm("P6\n1 2\n65536\n", "abcdef", 6, NULL, 0);
    one_pnm("P6\n0 2\n255\n", "abcdef", 6, NULL, 0);
    one_pnm("P6\n1 99999999999\n255\n", "abcdef", 6, NULL, 0);
    one_pnm("P6\n1 -2\n255\n", "abcdef", 6, NULL, 0);
    one_pnm("P6\n16385 1\n255\n", "abcdef", 6, NULL, 0);
    one_pnm("P6x1 2\n255\n", "abcdef", 6, NULL, 0);
    one_pnm("P3\n1 2\n255\n", "1 2 3 4 5 6", 11, "\1\2\3\4\5\6", 6);
    one_pnm("P2 1 1 65535 ", "1", 1, "\1\1\1", 3);
    one_pnm("P1 3 1 ", "101", 3, "\0\0\0\xff\xff\xff\0\0\0", 9);
    one_pnm("P1 3 1 ", "1#1\n", 4, NULL, 0);
}

static void
test_crops(void **state)
{
    static const struct {
        size_t w, h, n, cw, ch;
    } cases[] = {
        /* of transformers' pan_and_scan with its defaults */
        {1000, 1000, 0, 0, 0},      {1200, 1000, 0, 0, 0},       {1300, 1000, 2, 650, 1000},
        {2500, 1000, 3, 834, 1000}, {9000, 1000, 4, 2250, 1000}, {1000, 2500, 3, 1000, 834},
        {600, 100, 0, 0, 0},        {511, 300, 2, 256, 300},     {509, 300, 0, 0, 0}};
    const struct t5g_pan_and_scan o = {256, 4, 1.2};
    (void)state;
    for (size_t i = 0; i < T5G_LEN(cases); i++) {
        size_t cw = 0, ch = 0;
        bool enough = i != 1; /* 1.2 exactly is enough to begin, and 600 x 1000 is made */
        size_t n = t5g_crops(&o, cases[i].w, cases[i].h, &cw, &ch);
        if (!enough) {
            assert_int_equal(n, 2);
            continue;
        }
        assert_int_equal(n, cases[i].n);
        assert_true(n == 0 || (cw == cases[i].cw && ch == cases[i].ch));
    }
}

static void
expect_processor(const char *text, const char *fault)
{
    struct t5g_processor p;
    struct t5g_err e = {0};
    int r = t5g_processor_parse(&p, text, strlen(text), "f", 56, &e);
    if (fault == NULL && r < 0)
        fail_msg("%s", e.msg);
    if (fault != NULL && (r == 0 || strstr(e.msg, fault) == NULL))
        fail_msg("'%s', expected '%s'", e.msg, fault);
}

static void
test_processor(void **state)
{
    struct t5g_processor p;
    struct t5g_err e = {0};
    (void)state;
    static const char flat[] =
        "{\"size\":{\"height\":56,\"width\":56},\"image_mean\":[0.1,0.2,0.3],"
        "\"image_std\":0.25,\"do_pan_and_scan\":true,\"resample\":2,"
        "\"pan_and_scan_min_crop_size\":16}";
    assert_int_equal(t5g_processor_parse(&p, flat, sizeof flat - 1, "f", 56, &e), 0);
    assert_true(p.pan_and_scan && p.crops.min_crop == 16 && p.crops.max_crops == 4);
    for (size_t c = 0; c < 3; c++)
        for (size_t i = 0; i < 256; i++) {
            float mean = c == 0 ? 0.1f : c == 1 ? 0.2f : 0.3f;
            assert_true(p.value[c * 256 + i] == ((float)((double)i * (1.0 / 255)) - mean) / 0.25f);
        }
#define SIZE "\"size\":{\"height\":56,\"width\":56}"
    expect_processor("{\"image_processor\":{" SIZE "}}", NULL);
    expect_processor("{\"image_processor\":{" SIZE ",\"resample\":3}}", "resample: 3 (bicubic)");
    expect_processor("{" SIZE ",\"pan_and_scan_max_num_crops\":0.5}",
                     "pan_and_scan_max_num_crops: 0.5, expected a whole number from 1 to 64");
    expect_processor("{" SIZE ",\"do_resize\":false}", "do_resize: false is not supported");
    expect_processor("{" SIZE ",\"do_center_crop\":true}", "do_center_crop: true is not supported");
    expect_processor("{" SIZE ",\"image_std\":[1,0,1]}", "image_std");
    expect_processor("{" SIZE ",\"image_mean\":[1,0]}", "image_mean");
    expect_processor("{\"size\":{\"shortest_edge\":56}}", "expected height and width");
    expect_processor("{\"size\":{\"height\":56,\"width\":57}}", "size: 57 x 56, expected 56 x 56");
    expect_processor("{}", "size");
    expect_processor("[]", "not a JSON object");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pixels),      cmocka_unit_test(test_views),
        cmocka_unit_test(test_damage),      cmocka_unit_test(test_jpeg_flips),
        cmocka_unit_test(test_orientation), cmocka_unit_test(test_pnm),
        cmocka_unit_test(test_crops),       cmocka_unit_test(test_processor),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
