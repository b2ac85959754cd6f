/*
 * test_bf16.c: products in bf16 of every level that this CPU has, against sums in double precision
 * of rounded factors, at sizes around every tile, with buffers against pages that may not be
 * touched. Level v4 gives the bits of the reference.
 *
 * Tolerance of sums: 2 (k + 3) * 2^-24 * sum |terms|: products may be rounded before they are added
 * (neon), and each addition is.
 */
#include "levels.h"

static size_t
filled(size_t n)
{
    return t5g_round_up(n, T5G_BF16_STEP);
}

/* ---- rounding ---- */

static void
one_round(size_t n, bool front)
{
    struct guard x = floats(n, front), y = guard(filled(n) * 2, front);
    const float *px = x.p;
    const uint16_t *py = y.p;
    memset(y.p, 0x77, filled(n) * 2);
    k->bf16_round(y.p, px, n);
    for (size_t i = 0; i < filled(n); i++)
        assert_int_equal(py[i], i < n ? t5g_f32_to_bf16(px[i]) : 0);
    release(&x);
    release(&y);
}

static void
check_round(void)
{
    static const float odd[] = {
        1,
        1 + 0x1p-8f,
        1 + 3 * 0x1p-8f,
        1 + 0x1p-8f + 0x1p-23f,
        -(1 + 0x1p-8f),
        -0.0f,
        0x1p-126f,
        0x1.fffffep127f,
        INFINITY,
        -INFINITY,
    };
    uint16_t y[T5G_LEN(odd) + 4];
    float special[2] = {NAN, 0x1p-130f};
    for (size_t n = 0; n < 70; n++)
        one_round(n, n % 2);
    k->bf16_round(y, odd, T5G_LEN(odd));
    for (size_t i = 0; i < T5G_LEN(odd); i++)
        assert_int_equal(y[i], t5g_f32_to_bf16(odd[i]));
    k->bf16_round(y, special, 2);
    assert_true(isnan(t5g_bf16_to_f32(y[0])));
    assert_true(y[1] == 0 || y[1] == t5g_f32_to_bf16(special[1]));
}

/* ---- gemm ---- */

struct gemm {
    struct product p; /* of rounded factors, widened */
    size_t next, lda; /* lda: of a in bf16 */
    struct guard a, c, panel;
};

static void
fill_panels(const struct t5g_kernels *level, uint16_t *panel, const void *w, int dtype,
            const struct gemm *g)
{
    for (size_t j = 0; j < g->p.cols; j += T5G_PANEL)
        level->bf16_panel(panel + j / T5G_PANEL * g->next,
                          (const char *)w + j * g->p.k * t5g_dtype_size(dtype), g->p.k, dtype,
                          t5g_min(T5G_PANEL, g->p.cols - j), g->p.k);
}

/* bf16_repanel gives what bf16_panel gives of the transpose. */
static void
one_repanel(size_t kk, bool front)
{
    struct guard from = floats(kk * T5G_PANEL, front),
                 got = guard(filled(kk) * T5G_PANEL * 2, front);
    float *w = t5g_alloc(kk * T5G_PANEL + 1, sizeof *w);
    uint16_t *want = t5g_alloc(filled(kk) * T5G_PANEL + 1, sizeof *want);
    for (size_t i = 0; i < kk * T5G_PANEL; i++)
        w[i % T5G_PANEL * kk + i / T5G_PANEL] = ((float *)from.p)[i];
    k->bf16_panel(want, w, kk, T5G_F32, T5G_PANEL, kk);
    k->bf16_repanel(got.p, from.p, kk);
    assert_memory_equal(got.p, want, filled(kk) * T5G_PANEL * 2);
    release(&from);
    release(&got);
    t5g_free(w);
    t5g_free(want);
}

static struct gemm
gemm_open(size_t m, size_t kk, size_t cols, int dtype, bool add, bool front)
{
    struct gemm g = {.p = {m, kk, cols, .lda = kk, .ldc = cols + 2, .add = add},
                     .lda = filled(kk) + 4,
                     .next = filled(kk) * T5G_PANEL};
    float *w16, *a = t5g_alloc(m * kk + 1, sizeof *a);
    struct guard w = weights(cols * kk, dtype, front, &w16), x = floats(m * kk, front);
    size_t panels = (cols + T5G_PANEL - 1) / T5G_PANEL, nc = product_size(&g.p);
    g.panel = guard(panels * g.next * 2, front);
    g.a = guard(m > 0 ? ((m - 1) * g.lda + filled(kk)) * 2 : 0, front);
    g.c = floats(nc, front);
    for (size_t i = 0; i < m; i++) {
        uint16_t *row = (uint16_t *)g.a.p + i * g.lda;
        k->bf16_round(row, (float *)x.p + i * kk, kk);
        t5g_to_f32(a + i * kk, row, T5G_BF16, kk);
    }
    fill_panels(k, g.panel.p, w.p, dtype, &g);
    for (size_t i = 0; i < cols * kk; i++)
        w16[i] = t5g_bf16_to_f32(t5g_f32_to_bf16(w16[i]));
    g.p.a = a;
    g.p.w = w16;
    g.p.before = (float *)(void *)t5g_memdup(g.c.p, nc * sizeof(float));
    g.p.c = g.c.p;
    release(&w);
    release(&x);
    return g;
}

static void
gemm_close(struct gemm *g)
{
    release(&g->a);
    release(&g->c);
    release(&g->panel);
    t5g_free((void *)(uintptr_t)g->p.a);
    t5g_free((void *)(uintptr_t)g->p.w);
    t5g_free((void *)(uintptr_t)g->p.before);
}

static void
gemm_alone(const void *arg, size_t row, size_t panel, float *c, size_t cols)
{
    const struct gemm *g = arg;
    k->bf16_gemm(c, T5G_PANEL, (uint16_t *)g->a.p + row * g->lda, g->lda,
                 (uint16_t *)g->panel.p + panel * g->next, 0, 1, g->p.k, cols, g->p.add);
}

static void
check_reference(const struct gemm *g)
{
    const struct product *p = &g->p;
    const struct t5g_kernels *ref = reference(t5g_kernels_bf16);
    size_t nc = product_size(p);
    uint16_t *panel = t5g_alloc((p->cols / T5G_PANEL + 1) * g->next + 1, sizeof *panel);
    float *c = (float *)(void *)t5g_memdup(p->before, nc * sizeof *c);
    fill_panels(ref, panel, p->w, T5G_F32, g);
    ref->bf16_gemm(c, p->ldc, g->a.p, g->lda, panel, g->next, p->m, p->k, p->cols, p->add);
    assert_memory_equal(c, p->c, nc * sizeof *c);
    t5g_free(panel);
    t5g_free(c);
}

static void
one_gemm(size_t m, size_t kk, size_t cols, int dtype, bool add, bool front)
{
    struct gemm g = gemm_open(m, kk, cols, dtype, add, front);
    k->bf16_gemm(g.c.p, g.p.ldc, g.a.p, g.lda, g.panel.p, g.next, m, kk, cols, add);
    check_product(&g.p, 2);
    check_alone(&g.p, gemm_alone, &g);
    if (strcmp(k->name, "v4") == 0)
        check_reference(&g);
    gemm_close(&g);
}

static void
check_gemm(void)
{
    static const size_t deep[] = {255, 639, 640, 641, 642, 645, 1283};
    for (size_t n = 0; n < 70; n++)
        one_repanel(n, n % 2);
    each_size(one_gemm, deep, T5G_LEN(deep));
}

/* Exponents from all of the range: what is too small, too large or not finite, as the reference. */
static void
check_range(void)
{
    enum { N = 40 };
    for (int round = 0; round < 300; round++) {
        uint16_t a[N], w[16 * N], panel[16 * N], other[16 * N];
        float c[16], want[16];
        struct gemm g = {.p = {1, N, 16}, .next = 16 * N};
        for (size_t i = 0; i < N; i++)
            a[i] = (uint16_t)(32768 + 32767 * noise());
        for (size_t i = 0; i < 16 * N; i++)
            w[i] = (uint16_t)((uint16_t)(32768 + 32767 * noise()) & (round % 2 ? 0x9fff : 0xffff));
        for (size_t i = 0; i < N && round < 200; i++)
            a[i] &= 0xbfff; /* below 2 */
        fill_panels(k, panel, w, T5G_BF16, &g);
        fill_panels(reference(t5g_kernels_bf16), other, w, T5G_BF16, &g);
        k->bf16_gemm(c, 16, a, N, panel, 0, 1, N, 16, false);
        reference(t5g_kernels_bf16)->bf16_gemm(want, 16, a, N, other, 0, 1, N, 16, false);
        for (size_t j = 0; j < 16; j++)
            assert_true(memcmp(&c[j], &want[j], 4) == 0 || (isnan(c[j]) && isnan(want[j])));
    }
}

/* ---- levels ---- */

static void
test_level(void **state)
{
    level(t5g_kernels_bf16, state);
    check_round();
    check_gemm();
    if (strcmp(k->name, "neon") != 0)
        check_range();
}

static void
test_get(void **state)
{
    (void)state;
    struct t5g_err e = {0};
    assert_null(t5g_kernels_bf16("v3", &e)); /* no such instructions, or none of that machine */
    assert_int_equal(e.code, T5G_EX_UNAVAIL);
    assert_non_null(strstr(e.msg, "v3"));
    assert_null(t5g_kernels_bf16("bf16", &e));
    assert_int_equal(e.code, T5G_EX_USAGE);
    assert_non_null(t5g_kernels_bf16("ref", &e)->bf16_gemm);
    assert_null(t5g_kernels_get("ref", &e)->bf16_gemm);
    assert_null(t5g_kernels_get(NULL, &e)->bf16_gemm);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_get),
        LEVEL(test_level, "v4"),
        LEVEL(test_level, "neon"),
        LEVEL(test_level, "ref"),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
