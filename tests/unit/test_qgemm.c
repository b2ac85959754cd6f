/*
 * test_qgemm.c: rotation, quantised activations and products with quantised weights of every level
 * that this CPU has: bits of the reference, which is checked against sums in double precision, at
 * sizes around every tile, with buffers against pages that may not be touched.
 */
#include "levels.h"

/* rotate: H x / sqrt(n) in double precision, equal bits at every level, and its own inverse. */
static void
one_rotate(size_t n, bool front)
{
    struct guard x = floats(n, front), y = guard(n * sizeof(float), front);
    float *px = x.p, *py = y.p, *want = t5g_alloc(n, sizeof *want);
    k->rotate(py, px, n);
    reference(t5g_kernels_get)->rotate(want, px, n);
    assert_memory_equal(py, want, n * sizeof *want);
    for (size_t i = 0, run; i < n; i += run) {
        run = 128;
        while (run > n - i)
            run /= 2;
        for (size_t j = 0; j < run; j++) {
            double sure = 0, size = 0;
            for (size_t l = 0; l < run; l++) {
                double t = (double)px[i + l] / sqrt((double)run);
                sure += __builtin_parityll(j & l) ? -t : t;
                size += fabs(t);
            }
            check_sum(py[i + j], sure, size, 10);
        }
    }
    k->rotate(py, py, n);
    for (size_t i = 0; i < n; i++)
        assert_true(fabsf(py[i] - px[i]) < 1e-5f);
    release(&x);
    release(&y);
    t5g_free(want);
}

/* quantize: what its comment says, in the same order as the reference: equal bits. */
static void
one_quantize(size_t n, size_t group, size_t piece, int special, bool front)
{
    size_t groups = (n + group - 1) / group, pieces = (n + piece - 1) / piece;
    size_t filled = t5g_round_up(n, 32);
    struct guard x = floats(n, front), q = guard(filled, front);
    float scale[64], want_scale[64], *px = x.p, *y = t5g_alloc(filled, sizeof *y);
    int32_t sum[64], want_sum[64];
    int8_t want[4096];
    px[n / 2] = special == 1 ? NAN : special == 2 ? -INFINITY : px[n / 2];
    for (size_t i = 0; special == 3 && i < n; i++)
        px[i] *= 1e-33f;
    k->quantize(q.p, scale, sum, px, n, group, piece);
    reference(t5g_kernels_get)->quantize(want, want_scale, want_sum, px, n, group, piece);
    reference(t5g_kernels_get)->rotate(y, px, n);
    assert_memory_equal(q.p, want, filled);
    assert_memory_equal(sum, want_sum, pieces * sizeof *sum);
    for (size_t i = 0; i < n; i++)
        sum[i / piece] -= want[i];
    for (size_t i = 0; i < pieces; i++)
        assert_int_equal(sum[i], 0);
    for (size_t g = 0; g < groups; g++) {
        float top = 0;
        assert_true(scale[g] == want_scale[g] || (isnan(scale[g]) && isnan(want_scale[g])));
        for (size_t i = g * group; i < t5g_min((g + 1) * group, n); i++) {
            top = fmaxf(top, fabsf(y[i]));
            if (special == 0)
                assert_true(fabs((double)want[i] * (double)scale[g] - (double)y[i]) <=
                            0.5001 * (double)scale[g]);
        }
        if (special == 0)
            assert_true(scale[g] == top / 127);
    }
    for (size_t i = n; i < filled; i++)
        assert_int_equal(want[i], 0);
    if (special == 1 || special == 2)
        assert_true(isnan(scale[n / 2 / group]));
    release(&x);
    release(&q);
    t5g_free(y);
}

/* The number that element l of a row of a panel is stored as, by the words of kernels.h. */
static int
number_of(const uint8_t *p, int bits, size_t row, size_t l)
{
    if (bits == 8)
        return p[(l / 4 * 16 + row) * 4 + l % 4];
    if (bits == 4)
        return p[(l / 8 * 16 + row) * 4 + l % 4] >> (l % 8 < 4 ? 0 : 4) & 15;
    p += l / 16 * 192;
    int high = p[128 + row * 4 + l % 4] >> l % 16 / 4 * 2 & 3;
    return high << 4 | (p[(l % 16 / 8 * 16 + row) * 4 + l % 4] >> (l % 8 < 4 ? 0 : 4) & 15);
}

/* Panels of noise, and what they stand for in *wide [16 panels, k]. */
static struct guard
panels_of(struct t5g_qpanel *b, size_t panels, int bits, size_t n, size_t group, bool front,
          struct guard more[2], float **wide)
{
    size_t filled = t5g_round_up(n, 16), groups = (n + group - 1) / group;
    size_t next = filled * 16 * (size_t)bits / 8, zeros = bits == 8 ? 0 : bits == 6 ? 16 : 8;
    struct guard w = guard(panels * next, front);
    more[0] = guard(panels * groups * 16 * 2, front);
    more[1] = guard(panels * groups * zeros, front);
    for (size_t i = 0; i < panels * next; i++)
        ((uint8_t *)w.p)[i] = (uint8_t)(128 + 127 * noise());
    for (size_t i = 0; i < panels * groups * 16; i++) {
        uint16_t s = t5g_f32_to_bf16(fabsf(noise()));
        memcpy((char *)more[0].p + 2 * i, &s, 2);
    }
    for (size_t i = 0; i < panels * groups * zeros; i++)
        ((uint8_t *)more[1].p)[i] = (uint8_t)((bits == 6 ? 63 : 255) * fabsf(noise()));
    *b = (struct t5g_qpanel){w.p,  more[0].p,   bits == 8 ? NULL : more[1].p,
                             bits, n,           group,
                             next, groups * 16, groups * zeros};
    *wide = t5g_alloc(16 * panels * n, sizeof **wide);
    for (size_t i = 0; i < 16 * panels * n; i++) {
        size_t row = i / n % 16, l = i % n, panel = i / n / 16, g = panel * groups + l / group;
        const uint8_t *z = (const uint8_t *)more[1].p + g * zeros;
        int zero = bits == 8 ? 128 : bits == 6 ? z[row] : z[row % 8] >> (row < 8 ? 0 : 4) & 15;
        (*wide)[i] = (float)(number_of(b->w + panel * next, bits, row, l) - zero) *
                     t5g_bf16_to_f32(b->scale[g * 16 + row]);
    }
    return w;
}

static void
one_qgemm(int bits, size_t m, size_t n, size_t group, size_t cols, bool add, bool front)
{
    size_t wider = bits == 8 ? group : T5G_ACTS_GROUP;
    size_t groups = (n + wider - 1) / wider, pieces = (n + group - 1) / group;
    size_t ldq = t5g_round_up(n, 32), ldc = cols + 3;
    size_t nc = m > 0 ? (m - 1) * ldc + cols : 0;
    struct t5g_qpanel b;
    float *wide;
    struct guard more[2], w = panels_of(&b, (cols + 15) / 16, bits, n, group, front, more, &wide);
    struct guard q = guard(m * ldq, front), x = floats(m * n, front), c = floats(nc, front);
    struct guard s = floats(m * groups, front), sum = floats(m * pieces, front);
    float *pc = c.p, *before = (float *)(void *)t5g_memdup(pc, nc * sizeof *pc), *px = x.p;
    float *want = (float *)(void *)t5g_memdup(pc, nc * sizeof *pc), *ps = s.p;
    int8_t *pq = q.p;
    for (size_t i = 0; i < m; i++)
        k->quantize(pq + i * ldq, ps + i * groups, (int32_t *)sum.p + i * pieces, px + i * n, n,
                    wider, group);
    struct t5g_qacts a = {pq, ldq, ps, sum.p, wider, groups, group, pieces};
    k->qgemm(pc, ldc, &a, &b, m, cols, add);
    reference(t5g_kernels_get)->qgemm(want, ldc, &a, &b, m, cols, add);
    assert_memory_equal(pc, want, nc * sizeof *pc); /* at every level */
    for (size_t i = 0; i < nc; i++) {
        size_t row = i / ldc, j = i % ldc;
        if (j >= cols) {
            assert_true(pc[i] == before[i]);
            continue;
        }
        double sure = add ? (double)before[i] : 0, size = fabs(sure);
        for (size_t l = 0; l < n; l++) {
            double t = (double)pq[row * ldq + l] * (double)ps[row * groups + l / wider] *
                       (double)wide[j * n + l];
            sure += t;
            size += fabs(t);
        }
        check_sum(pc[i], sure, size, pieces + 2);
    }
    for (size_t row = 0; row < m; row++) { /* a row alone */
        struct t5g_qacts one = {pq + row * ldq,
                                ldq,
                                ps + row * groups,
                                (int32_t *)sum.p + row * pieces,
                                wider,
                                groups,
                                group,
                                pieces};
        k->qgemm(before + row * ldc, ldc, &one, &b, 1, cols, add);
    }
    assert_memory_equal(pc, before, nc * sizeof *pc);
    release(&w);
    release(&more[0]);
    release(&more[1]);
    release(&q);
    release(&x);
    release(&c);
    release(&s);
    release(&sum);
    t5g_free(wide);
    t5g_free(before);
    t5g_free(want);
}

/* The largest sums there can be, with weights all `byte`, of which `zero` is taken off. */
static void
largest_sums(uint8_t byte, int acts)
{
    uint8_t w[128 * 16];
    uint16_t s[16];
    int8_t q[128];
    float scale = 1, y[16];
    int32_t sum = acts * 128;
    memset(w, byte, sizeof w);
    memset(q, acts, sizeof q);
    for (size_t i = 0; i < 16; i++)
        s[i] = t5g_f32_to_bf16(1);
    struct t5g_qpanel b = {.w = w, .scale = s, .bits = 8, .k = 128, .group = 128};
    struct t5g_qacts a = {q, 128, &scale, &sum, 128, 1, 128, 1};
    k->qgemm(y, 16, &a, &b, 1, 16, false);
    for (size_t i = 0; i < 16; i++)
        assert_true(y[i] == (float)(acts * (byte - 128) * 128));
}

static void
check_quantised(void)
{
    static const size_t ns[] = {1,  3,  4,  7,   8,   9,   31,  32,  33, 63,
                                64, 65, 96, 128, 130, 212, 257, 384, 463};
    static const size_t ms[] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 11, 25, 33};
    for (size_t i = 0; i < T5G_LEN(ns); i++) {
        one_rotate(ns[i], i % 2);
        for (int special = 0; special < 4; special++)
            for (size_t group = 32; group <= 128; group *= 2)
                for (size_t piece = 32; piece <= group; piece *= 2)
                    one_quantize(ns[i], group, piece, special, (i + group / 32) % 2);
    }
    one_quantize(2048, 128, 32, 0, true);
    for (size_t i = 0; i < T5G_LEN(ns); i++)
        for (size_t m = 0; m < T5G_LEN(ms); m++)
            one_qgemm((int[]){8, 4, 6}[(m + i) % 3], ms[m], ns[i], (size_t)32 << (i + m / 3) % 3,
                      (size_t[]){16, 5, 64, 57, 83}[(i + m) % 5], i % 2, (i + m) % 4 < 2);
    largest_sums(255, 127);
    largest_sums(255, -127);
    largest_sums(1, 127);
    largest_sums(1, -127);
}

static void
test_level(void **state)
{
    level(t5g_kernels_get, state);
    check_quantised();
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        LEVEL(test_level, "v4"),
        LEVEL(test_level, "neon"),
        LEVEL(test_level, "v3"),
        LEVEL(test_level, "ref"),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
