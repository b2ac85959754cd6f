/* test_alpha.c: transparency of PNGs, against transformers' pixels (tests/oracle/alpha_cases.py).
 */
#include "golden.h"
#include "image/picture.h"

enum { ARENA = 1 << 20 };

static uint64_t
fnv(const uint8_t *p, size_t n)
{
    uint64_t h = 0xcbf29ce484222325;
    for (size_t i = 0; i < n; i++)
        h = (h ^ p[i]) * 0x100000001b3;
    return h;
}

static uint64_t
decoded(const char *name, const char *file, size_t n, enum t5g_alpha alpha, uint8_t *memory)
{
    struct t5g_err e = {0};
    struct t5g_picture p;
    struct t5g_arena a = {.p = memory, .size = ARENA};
    unsigned char *copy = t5g_alloc_raw(n, 1); /* may be written to */
    uint8_t *rgb;
    memcpy(copy, file, n);
    int r = t5g_picture_check(&p, copy, n, &e);
    p.alpha = alpha;
    if (r < 0 || t5g_picture_decode(&p, copy, n, &a, &rgb, &e) < 0)
        fail_msg("%s: %s", name, e.msg);
    t5g_free(copy);
    return fnv(rgb, p.w * p.h * 3);
}

static void
as_transformers_has_it(void **state)
{
    static const enum t5g_alpha ways[] = {T5G_ALPHA_DROP, T5G_ALPHA_AUTO, T5G_ALPHA_WHITE};
    struct t5g_buf b = {0};
    struct t5g_err e = {0};
    uint8_t *memory = t5g_alloc_raw(ARENA, 1);
    char *path = gd_path("data/pictures/alpha.cases");
    size_t cases = 0, differ = 0;
    (void)state;
    if (t5g_read_file(path, (size_t)1 << 28, &b, &e) < 0)
        fail_msg("%s", e.msg);
    t5g_buf_addc(&b, '\0'); /* for sscanf */
    for (const char *p = b.p; p + 1 < b.p + b.n; cases++) {
        char name[64];
        size_t bytes;
        unsigned long long want[3];
        int head;
        assert_int_equal(sscanf(p, "%63s %zu %llx %llx %llx%n", name, &bytes, &want[0], &want[1],
                                &want[2], &head),
                         5);
        p += head + 1;
        for (size_t i = 0; i < T5G_LEN(ways); i++)
            if (decoded(name, p, bytes, ways[i], memory) != want[i])
                fail_msg("%s: other pixels, way %zu", name, i);
        differ += want[0] != want[1] || want[1] != want[2];
        p += bytes;
    }
    assert_true(cases >= 60 && differ >= 30);
    t5g_free(memory);
    t5g_free(path);
    t5g_buf_free(&b);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(as_transformers_has_it)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
