/*
 * test_qkv.c: attention over keys and values in 8 bits, beside the same in f32: windows, partial
 * tiles, heads that are no multiple of a run; and a value that is not finite.
 */
#include "nn/attention.h"

#include "levels.h" /* last: its k is the name of many parameters */

struct shape {
    size_t h, hk, dh, n, window;
};

/* Outputs [n, h dh] of rows whose keys and values are set block by block. */
static float *
attend(const struct shape *s, const float *q, const float *keys, const float *values, bool q8,
       size_t block)
{
    struct t5g_err e = {0};
    struct t5g_exec x;
    struct t5g_pool *pool = t5g_pool_open(1, &e);
    size_t wide = s->hk * s->dh, out = s->h * s->dh;
    struct t5g_attention a = {.h = s->h, .hk = s->hk, .dh = s->dh, .n = s->n, .window = s->window};
    a.scale = 1 / sqrtf((float)s->dh);
    a.ldv = s->n;
    t5g_exec_open(&x, k, pool, t5g_attention_scratch(s->h, s->hk, s->dh));
    a.keys = t5g_alloc(t5g_attention_keys_size(s->hk, s->dh, s->n), sizeof(float));
    a.values = t5g_alloc(t5g_attention_values_size(s->hk, s->dh, s->n), sizeof(float));
    if (q8)
        a.q8 = t5g_qkv_alloc(s->hk, s->dh, t5g_round_up(s->n, T5G_PANEL));
    for (size_t i = 0; i < s->n; i++)
        for (size_t j = 0; j < wide; j++) {
            size_t panels = (s->dh + 15) / 16, kv = j / s->dh, c = j % s->dh;
            a.values[((kv * panels + c / 16) * a.ldv + i) * 16 + c % 16] = values[i * wide + j];
        }
    float *key = (float *)(void *)t5g_memdup(keys, s->n * wide * sizeof *key);
    float *y = (float *)(void *)t5g_memdup(q, s->n * out * sizeof *y);
    for (size_t r = 0; r < s->n; r += block)
        t5g_attention_set_keys(&x, &a, key + r * wide, wide, r, t5g_min(block, s->n - r));
    t5g_attention_run(&x, &a, y, out, 0, s->n);
    t5g_free(key);
    t5g_free(a.keys);
    t5g_free(a.values);
    t5g_qkv_free(&a.q8);
    t5g_exec_close(&x);
    t5g_pool_close(pool);
    return y;
}

static float *
random_rows(size_t n)
{
    float *x = t5g_alloc(n, sizeof *x);
    for (size_t i = 0; i < n; i++)
        x[i] = noise() + noise() + noise();
    return x;
}

static void
close_to_f32(void **state)
{
    static const struct shape shapes[] = {
        {4, 1, 256, 300, 0}, {4, 2, 72, 129, 0}, {2, 2, 72, 517, 64},
        {1, 1, 16, 1, 0},    {6, 3, 33, 40, 9},
    };
    level(t5g_kernels_get, state);
    for (size_t i = 0; i < T5G_LEN(shapes); i++) {
        const struct shape *s = &shapes[i];
        size_t out = s->n * s->h * s->dh, wide = s->n * s->hk * s->dh;
        float *q = random_rows(out), *keys = random_rows(wide), *values = random_rows(wide);
        for (size_t j = 5; j < wide; j += s->hk * s->dh)
            keys[j] *= 30; /* a channel of outliers, as trained keys have them */
        float *want = attend(s, q, keys, values, false, 512);
        float *got = attend(s, q, keys, values, true, 512);
        float *again = attend(s, q, keys, values, true, 128);
        double miss = 0, size = 0;
        for (size_t j = 0; j < out; j++) {
            double d = (double)got[j] - (double)want[j];
            miss += d * d;
            size += (double)want[j] * (double)want[j];
        }
        if (!(miss < 0.05 * 0.05 * size))
            fail_msg("shape %zu: %g of %g", i, sqrt(miss), sqrt(size));
        assert_memory_equal(got, again, out * sizeof *got);
        t5g_free(q);
        t5g_free(keys);
        t5g_free(values);
        t5g_free(want);
        t5g_free(got);
        t5g_free(again);
    }
}

/* A query, a key or a value that is not finite shows in every row that sees it. */
static void
not_finite(void **state)
{
    struct shape s = {2, 1, 32, 50, 0};
    level(t5g_kernels_get, state);
    for (int what = 0; what < 3; what++) {
        float *x[3] = {random_rows(50 * 64), random_rows(50 * 32), random_rows(50 * 32)};
        x[what][10 * (what == 0 ? 64 : 32) + 3] = what == 1 ? NAN : INFINITY;
        float *y = attend(&s, x[0], x[1], x[2], true, 512);
        bool bad = false;
        for (size_t j = 0; j < 32; j++)
            bad |= !isfinite(y[10 * 64 + j]);
        assert_true(bad);
        t5g_free(y);
        for (int i = 0; i < 3; i++)
            t5g_free(x[i]);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        LEVEL(close_to_f32, "v4"),  LEVEL(not_finite, "v4"),   LEVEL(close_to_f32, "neon"),
        LEVEL(not_finite, "neon"),  LEVEL(close_to_f32, "v3"), LEVEL(not_finite, "v3"),
        LEVEL(close_to_f32, "ref"), LEVEL(not_finite, "ref"),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
