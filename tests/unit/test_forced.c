/*
 * test_forced.c: the decoder layer by layer over given sequences gives the reference's logits, with
 * documents of every length up to a block and without, and what is seen before a product is what
 * it is made of.
 *
 * Tolerance: that of test_model.c for logits, 1e-3; between the two ways to compute them 1e-4.
 */
#include "golden.h"

#include "nn/forced.h"

#include <stdlib.h>

struct setting {
    const char *model, *level;
};

static void
one_case(const struct gd_case *c, void *arg)
{
    const struct setting *s = arg;
    struct gd_model g = gd_open(s->model, s->level, 2);
    struct t5g_err e = {0};
    const struct t5g_kernels *k = t5g_kernels_get(s->level, &e);
    size_t rows = c->dec_ids.dims[0], v = g.m->config.decoder.v;
    if (rows <= T5G_ROW_BLOCK && c->n <= T5G_ROW_BLOCK) {
        float *enc = gd_encode(&g, c);
        float *logits = gd_forced(g.m, k, g.pool, enc, c->n, c->dec_ids.i, rows);
        double d = gd_distance(logits, c->logits.f, c->logits.dims[0] * v);
        if (d > 1e-3)
            fail_msg("%s %s: %g away", s->model, c->name, d);
        t5g_free(logits);
        t5g_free(enc);
    }
    gd_close(&g);
}

static void
at_level(const char *level)
{
    struct setting s = {"tiny", level};
    gd_cases(s.model, one_case, &s);
    s.model = "tiny-gqa";
    gd_cases(s.model, one_case, &s);
}

static void
goldens(void **state)
{
    (void)state;
    gd_each_level(at_level);
}

/* Whole blocks of rows, over whole blocks of a document and over none: beyond every window. */
static void
blocks(void **state)
{
    struct gd_model g = gd_open("tiny-gqa", NULL, 2);
    struct t5g_err e = {0};
    const struct t5g_kernels *k = t5g_kernels_get(NULL, &e);
    size_t v = g.m->config.decoder.v, rows = T5G_ROW_BLOCK;
    int32_t *ids = t5g_alloc(rows, sizeof *ids);
    float *enc = t5g_alloc(rows * g.m->config.encoder.d, sizeof *enc);
    float *want = t5g_alloc(rows * v, sizeof *want);
    (void)state;
    for (size_t i = 0; i < rows; i++)
        ids[i] = (int32_t)(i * 37 % 500);
    assert_int_equal(t5g_encode(g.enc, ids, rows, NULL, 0, enc, NULL, NULL, &e), 0);
    for (size_t n = 0; n <= rows; n += rows - 3) {
        struct t5g_cross *cross = t5g_cross_build(g.dec, enc, n, T5G_F32);
        struct t5g_kvcache *kv = t5g_kvcache_open(g.dec, rows);
        assert_int_equal(t5g_decoder_feed(g.dec, cross, kv, ids, rows, true, want, &e), 0);
        float *logits = gd_forced(g.m, k, g.pool, enc, n, ids, rows);
        assert_true(gd_distance(logits, want, rows * v) < 1e-4);
        t5g_free(logits);
        t5g_kvcache_free(kv);
        t5g_cross_free(cross);
    }
    t5g_free(ids);
    t5g_free(enc);
    t5g_free(want);
    gd_close(&g);
}

/* What a product was given, and how often. */
struct seen {
    const struct t5g_linear *jobs;
    const float *a;
    size_t n_jobs, lda, m, calls;
};

static void
see(void *arg, const struct t5g_linear *jobs, size_t n_jobs, const float *a, size_t lda, size_t m)
{
    struct seen *s = arg;
    *s = (struct seen){jobs, a, n_jobs, lda, m, s->calls + 1};
}

static void
products_are_seen(void **state)
{
    struct t5g_err e = {0};
    struct t5g_pool *pool = t5g_pool_open(1, &e);
    struct t5g_exec x;
    float a[3][16] = {{1}}, w[16][16] = {{2}}, out[3][16];
    struct t5g_affine m = {{.p = w, .dtype = T5G_F32, .rows = 16, .cols = 16}, NULL};
    struct t5g_linear job = t5g_linear_of(&m, *out, 16);
    struct seen s = {0};
    (void)state;
    t5g_exec_open(&x, t5g_kernels_get("ref", &e), pool,
                  t5g_max(t5g_linear_panels_scratch(16), t5g_linear_rows_scratch()));
    t5g_linear_panels(&x, &job, 1, *a, 16, 3);
    x.seen = see;
    x.seen_arg = &s;
    for (int i = 1; i <= 2; i++) {
        memset(out, 0, sizeof out);
        (i == 1 ? t5g_linear_panels : t5g_linear_rows)(&x, &job, 1, *a, 16, 3);
        assert_int_equal(s.calls, i);
        assert_ptr_equal(s.jobs, &job);
        assert_ptr_equal(s.a, a);
        assert_true(s.n_jobs == 1 && s.lda == 16 && s.m == 3);
        assert_true(out[0][0] == 2);
    }
    t5g_exec_close(&x);
    t5g_pool_close(pool);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(goldens),
        cmocka_unit_test(blocks),
        cmocka_unit_test(products_are_seen),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
