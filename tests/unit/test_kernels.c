/*
 * test_kernels.c: every kernel of every level that this CPU has, against sums in double precision,
 * at sizes around every tile, with its buffers against pages that may not be touched.
 *
 * Tolerance of sums of products: (k + 3) * 2^-24 * sum |terms|, the bound for adding k rounded
 * terms in any order. Elementary functions: stated at the test.
 */
#include "levels.h"

static const int dtypes[] = {T5G_F32, T5G_BF16, T5G_F16, T5G_I8}; /* of dot */

/* ---- panels, gemm ---- */

struct gemm {
    struct product p;
    const float *panel;
    size_t next;
};

static void
gemm_alone(const void *arg, size_t row, size_t panel, float *c, size_t cols)
{
    const struct gemm *g = arg;
    k->gemm(c, T5G_PANEL, g->p.a + row * g->p.lda, g->p.lda, g->panel + panel * g->next, 0, 1,
            g->p.k, cols, g->p.add);
}

/* Panels of w [cols, k] of dtype; wide: what it holds. */
static struct guard
panels_of(const void *w, int dtype, const float *wide, size_t cols, size_t kk, bool front)
{
    size_t panels = (cols + T5G_PANEL - 1) / T5G_PANEL, next = kk * T5G_PANEL;
    struct guard panel = floats(panels * next, front);
    for (size_t p = 0; p < panels; p++)
        k->to_panel((float *)panel.p + p * next,
                    (const char *)w + p * T5G_PANEL * kk * t5g_dtype_size(dtype), kk, dtype,
                    t5g_min(T5G_PANEL, cols - p * T5G_PANEL), kk);
    for (size_t l = 0; l < kk; l++)
        for (size_t j = 0; j < panels * T5G_PANEL; j++)
            assert_true(((float *)panel.p)[j / T5G_PANEL * next + l * T5G_PANEL + j % T5G_PANEL] ==
                        (j < cols ? wide[j * kk + l] : 0));
    return panel;
}

static void
one_gemm(size_t m, size_t kk, size_t cols, int dtype, bool add, bool front)
{
    struct gemm g = {.p = {m, kk, cols, .lda = kk + 3, .ldc = cols + 2, .add = add}};
    size_t nc = product_size(&g.p);
    float *wide;
    struct guard w = weights(cols * kk, dtype, front, &wide);
    struct guard panel = panels_of(w.p, dtype, wide, cols, kk, front);
    struct guard a = floats(m > 0 ? (m - 1) * g.p.lda + kk : 0, front), c = floats(nc, front);
    float *before = (float *)(void *)t5g_memdup(c.p, nc * sizeof(float));
    g.p.a = a.p;
    g.p.w = wide;
    g.p.before = before;
    g.p.c = c.p;
    g.panel = panel.p;
    g.next = kk * T5G_PANEL;
    k->gemm(c.p, g.p.ldc, a.p, g.p.lda, panel.p, g.next, m, kk, cols, add);
    check_product(&g.p, 1);
    check_alone(&g.p, gemm_alone, &g);
    release(&w);
    release(&panel);
    release(&a);
    release(&c);
    t5g_free(wide);
    t5g_free(before);
}

static void
check_gemm(void)
{
    static const size_t deep[] = {255, 256, 257, 319, 320, 321, 641};
    each_size(one_gemm, deep, T5G_LEN(deep));
}

/* ---- dot ---- */

static void
one_dot(size_t n, size_t rows, size_t kk, int dtype, bool front)
{
    size_t ldx = kk + 1, ldy = rows + 3, ny = n > 0 ? (n - 1) * ldy + rows : 0;
    float *wide;
    struct guard w = weights(rows * kk, dtype, front, &wide);
    struct guard x = floats(n > 0 ? (n - 1) * ldx + kk : 0, front);
    struct guard y = floats(ny, front);
    float *before = (float *)(void *)t5g_memdup(y.p, ny * sizeof(float));
    float *py = y.p;
    const float *px = x.p;
    size_t es = t5g_dtype_size(dtype);
    k->dot(py, ldy, px, ldx, n, w.p, dtype, rows, kk);
    for (size_t i = 0; i < ny; i++) {
        size_t row = i / ldy, r = i % ldy;
        if (r >= rows) {
            assert_true(py[i] == before[i]);
            continue;
        }
        double want = 0, size = 0;
        for (size_t l = 0; l < kk; l++) {
            double t = (double)px[row * ldx + l] * (double)wide[r * kk + l];
            want += t;
            size += fabs(t);
        }
        check_sum(py[i], want, size, kk);
        /* One row of x with one row of w gives the same bits. */
        float alone;
        k->dot(&alone, 1, px + row * ldx, ldx, 1, (char *)w.p + r * kk * es, dtype, 1, kk);
        assert_memory_equal(&alone, &py[i], sizeof alone);
    }
    release(&w);
    release(&x);
    release(&y);
    t5g_free(wide);
    t5g_free(before);
}

static void
check_dot(void)
{
    static const size_t ns[] = {0, 1, 2, 3, 4, 5, 6, 7, 33}, rs[] = {0, 1, 3, 4, 5, 7, 8, 9, 17};
    static const size_t ks[] = {0, 1, 2, 7, 8, 9, 24, 127, 128, 129, 300};
    for (size_t i = 0; i < T5G_LEN(ns); i++)
        for (size_t r = 0; r < T5G_LEN(rs); r++)
            for (size_t l = 0; l < T5G_LEN(ks); l++)
                one_dot(ns[i], rs[r], ks[l], dtypes[(i + r + l) % 4], (i + r) % 2);
}

/* ---- mix ---- */

static void
one_mix(size_t rows, size_t n, size_t kk, int dtype, bool front)
{
    size_t ldo = kk + 5, ldp = n + 1, ldv = kk + 2, no = rows > 0 ? (rows - 1) * ldo + kk : 0;
    struct guard o = floats(no, front);
    struct guard p = floats(rows > 0 ? (rows - 1) * ldp + n : 0, front);
    float *pv;
    struct guard v = weights(n > 0 ? (n - 1) * ldv + kk : 0, dtype, front, &pv);
    float *before = (float *)(void *)t5g_memdup(o.p, no * sizeof(float));
    float *po = o.p, *pp = p.p;
    k->mix(po, ldo, pp, ldp, rows, v.p, dtype, ldv, n, kk);
    for (size_t i = 0; i < no; i++) {
        size_t r = i / ldo, c = i % ldo;
        if (c >= kk) {
            assert_true(po[i] == before[i]);
            continue;
        }
        double want = (double)before[i], size = fabs(want);
        for (size_t j = 0; j < n; j++) {
            double t = (double)pp[r * ldp + j] * (double)pv[j * ldv + c];
            want += t;
            size += fabs(t);
        }
        check_sum(po[i], want, size, n);
    }
    /* One key after the other, one row alone: the same bits. */
    for (size_t r = 0; r < rows; r++) {
        for (size_t j = 0; j < n; j++)
            k->mix(before + r * ldo, ldo, pp + r * ldp + j, ldp, 1,
                   (char *)v.p + j * ldv * t5g_dtype_size(dtype), dtype, ldv, 1, kk);
        assert_memory_equal(before + r * ldo, po + r * ldo, kk * sizeof *po);
    }
    release(&o);
    release(&p);
    release(&v);
    t5g_free(pv);
    t5g_free(before);
}

static void
check_mix(void)
{
    static const int kinds[] = {T5G_F32, T5G_BF16, T5G_I8};
    static const size_t rs[] = {0, 1, 2, 4, 7}, ns[] = {0, 1, 3, 4, 5, 9}, ks[] = {1, 7, 8, 9, 24};
    for (size_t r = 0; r < T5G_LEN(rs); r++)
        for (size_t n = 0; n < T5G_LEN(ns); n++)
            for (size_t l = 0; l < T5G_LEN(ks); l++)
                one_mix(rs[r], ns[n], ks[l], kinds[(r + n + l) % 3], (r + n) % 2);
}

/* ---- softmax ---- */

/*
 * Pieces of keys of a row, as they come in an online softmax. Tolerance 1e-6 of the value:
 * exponents up to 8 in size are rounded to 2^-22, and exp to 2 units in the last place.
 */
static void
one_softmax(size_t n, size_t lo, size_t hi, bool front)
{
    enum { PIECES = 3 };
    size_t padded = (n + T5G_SOFT_PAD - 1) / T5G_SOFT_PAD * T5G_SOFT_PAD;
    struct guard s[PIECES];
    double *want = t5g_alloc(PIECES * padded + 1, sizeof *want), top = -INFINITY, all = 0;
    float max = -INFINITY, sum = 0, factor[PIECES];
    for (size_t q = 0; q < PIECES; q++) {
        s[q] = floats(padded, front);
        float *p = s[q].p;
        size_t from = q == 1 ? hi : lo; /* nothing visible in the middle one */
        for (size_t j = 0; j < padded; j++) {
            p[j] *= 4 * (float)(q + 1);
            if (j < from || j >= hi)
                p[j] = j % 2 ? NAN : INFINITY; /* hidden: must not matter */
            else if ((double)p[j] * 0.5 > top)
                top = (double)p[j] * 0.5;
            want[q * padded + j] = j < from || j >= hi ? -INFINITY : (double)p[j] * 0.5;
        }
        factor[q] = k->softmax(p, n, from, hi, 0.5f, &max, &sum);
        assert_true(q != 1 || factor[q] == 1);
    }
    for (size_t q = 0; q < PIECES; q++) {
        double f = 1;
        for (size_t later = q + 1; later < PIECES; later++)
            f *= (double)factor[later];
        for (size_t j = 0; j < padded; j++) {
            double x = want[q * padded + j], w = x == -INFINITY ? 0 : exp(x - top);
            double got = (double)((float *)s[q].p)[j] * f;
            assert_true(w != 0 || ((float *)s[q].p)[j] == 0);
            assert_true(fabs(got - w) <= 1.5e-6 * w);
            all += w;
        }
        release(&s[q]);
    }
    if (lo < hi) {
        assert_true((double)max == top);
        assert_true(fabs((double)sum - all) <= 2e-6 * all);
        assert_true(factor[0] == 0); /* whatever was there before the first key */
    } else {
        assert_true(max == -INFINITY && sum == 0);
    }
    t5g_free(want);
}

/* Zeros behind a row do not change its sum: a decoder row may be looked at beside longer ones. */
static void
same_when_longer(size_t n)
{
    float a[64] = {0}, b[64] = {0}, ma = -INFINITY, mb = -INFINITY, sa = 0, sb = 0;
    for (size_t j = 0; j < n; j++)
        a[j] = b[j] = noise() * 9;
    k->softmax(a, n, 0, n, 1, &ma, &sa);
    k->softmax(b, 64, 0, n, 1, &mb, &sb);
    assert_memory_equal(&sa, &sb, sizeof sa);
    assert_memory_equal(a, b, n * sizeof *a);
}

/* e^x where it is a normal number: 4 units in the last place; below: less than the smallest one. */
static void
check_exp(void)
{
    for (double x = -100; x <= 0; x += 0.00371) {
        float s[8] = {(float)x, 0}, max = -INFINITY, sum = 0;
        k->softmax(s, 2, 0, 2, 1, &max, &sum);
        double want = exp((double)(float)x);
        double most = want >= 0x1p-125 ? 4 * 0x1p-24 * want : 0x1p-125;
        assert_true(s[1] == 1 && fabs((double)s[0] - want) <= most);
    }
}

static void
check_softmax(void)
{
    static const size_t ns[] = {1, 7, 8, 9, 16, 23, 128};
    for (size_t i = 0; i < T5G_LEN(ns); i++) {
        size_t n = ns[i];
        one_softmax(n, 0, n, i % 2);
        one_softmax(n, n - 1, n, false);
        one_softmax(n, 0, 1, true);
        one_softmax(n, n / 2, n / 2, false);
        one_softmax(n, n / 3, n - n / 4, true);
    }
    for (size_t n = 1; n < 60; n++)
        same_when_longer(n);
    check_exp();
    float s[8] = {1, NAN, 2}, max = -INFINITY, sum = 0;
    k->softmax(s, 3, 0, 3, 1, &max, &sum);
    assert_true(isnan(sum));
}

/* ---- element by element ---- */

static void
one_rms(size_t n, bool front)
{
    struct guard x = floats(n, front), w = floats(n, front), y = floats(n, front);
    struct guard sum = floats(n, front);
    const float *px = x.p, *pw = w.p;
    float *py = y.p, *ps = sum.p;
    float *before = (float *)(void *)t5g_memdup(ps, n * sizeof(float));
    double mean = 0;
    for (size_t i = 0; i < n; i++)
        mean += (double)px[i] * (double)px[i] / (double)n;
    k->rms(py, px, pw, n, 1e-6f);
    k->rms_add(ps, px, pw, n, 1e-6f);
    for (size_t i = 0; i < n; i++) {
        double want = (double)px[i] / sqrt(mean + 1e-6) * (double)pw[i];
        /* the sum of n squares, a root, three more roundings */
        double most = ((double)n / 8 + 8) * 0x1p-24 * fabs(want);
        assert_true(fabs((double)py[i] - want) <= most);
        double added = (double)before[i] + want;
        assert_true(fabs((double)ps[i] - added) <= most + 0x1p-24 * fabs(added));
    }
    k->rms(x.p, px, pw, n, 1e-6f); /* in place */
    assert_memory_equal(px, py, n * sizeof *py);
    release(&x);
    release(&w);
    release(&y);
    release(&sum);
    t5g_free(before);
}

/* Layer norm: the sums of n numbers twice, a root, four more roundings; relative to |x| + |mean|.
 */
static void
one_layer_norm(size_t n, bool front)
{
    struct guard x = floats(n, front), w = floats(n, front), b = floats(n, front);
    struct guard y = floats(n, front);
    float *px = x.p, *pw = w.p, *pb = b.p, *py = y.p;
    double mean = 0, var = 0;
    for (size_t i = 0; i < n; i++)
        mean += (double)px[i] / (double)n;
    for (size_t i = 0; i < n; i++)
        var += ((double)px[i] - mean) * ((double)px[i] - mean) / (double)n;
    double f = 1 / sqrt(var + 1e-2);
    k->layer_norm(py, px, pw, pb, n, 1e-2f);
    for (size_t i = 0; i < n; i++) {
        double want = ((double)px[i] - mean) * f * (double)pw[i] + (double)pb[i];
        double most = ((double)n / 4 + 12) * 0x1p-24 *
                      ((fabs((double)px[i]) + 1) * f * fabs((double)pw[i]) + fabs((double)pb[i]));
        assert_true(fabs((double)py[i] - want) <= most);
    }
    k->layer_norm(px, px, pw, pb, n, 1e-2f); /* in place */
    assert_memory_equal(px, py, n * sizeof *py);
    release(&x);
    release(&w);
    release(&b);
    release(&y);
}

static void
one_rope(size_t half, bool front)
{
    struct guard x = floats(2 * half, front), c = floats(half, front), s = floats(half, front);
    float *px = x.p, *pc = c.p, *ps = s.p;
    float *before = (float *)(void *)t5g_memdup(px, 2 * half * sizeof(float));
    for (size_t i = 0; i < half; i++) {
        double angle = 9 * (double)noise();
        pc[i] = (float)cos(angle);
        ps[i] = (float)sin(angle);
    }
    k->rope(px, pc, ps, half);
    for (size_t i = 0; i < half; i++) {
        double a = (double)before[i], b = (double)before[half + i];
        double co = (double)pc[i], si = (double)ps[i];
        check_sum(px[i], a * co - b * si, fabs(a * co) + fabs(b * si), 2);
        check_sum(px[half + i], b * co + a * si, fabs(b * co) + fabs(a * si), 2);
    }
    release(&x);
    release(&c);
    release(&s);
    t5g_free(before);
}

/* gelu_tanh(g) u: absolute error at most 4e-7 |g u|, over all of where gelu is neither 0 nor g. */
static void
one_geglu(size_t m, size_t n, bool front)
{
    size_t ldg = n + 1, ldu = n + 4, ng = (m - 1) * ldg + n;
    struct guard g = floats(ng, front), u = floats((m - 1) * ldu + n, front);
    float *pg = g.p, *pu = u.p;
    for (size_t i = 0; i < ng; i++)
        pg[i] *= i % 5 == 0 ? 100 : 7;
    float *before = (float *)(void *)t5g_memdup(pg, ng * sizeof(float));
    float *alone = (float *)(void *)t5g_memdup(pg, ng * sizeof(float));
    k->geglu(pg, ldg, pu, ldu, m, n);
    k->gelu(alone, ldg, m, n);
    for (size_t i = 0; i < ng; i++) {
        size_t row = i / ldg, j = i % ldg;
        if (j >= n) {
            assert_true(pg[i] == before[i] && alone[i] == before[i]);
            continue;
        }
        assert_true(pg[i] == alone[i] * pu[row * ldu + j]);
        double x = (double)before[i], other = (double)pu[row * ldu + j];
        double y = sqrt(2 / 3.14159265358979323846) * (x + 0.044715 * x * x * x);
        double want = 0.5 * x * (1 + tanh(y)) * other;
        assert_true(fabs((double)pg[i] - want) <= 4e-7 * fabs(x * other));
    }
    release(&g);
    release(&u);
    t5g_free(before);
    t5g_free(alone);
}

/* cap tanh(x / cap): 6 units in the last place of the result (5 of tanh, 1 of the product). */
static void
one_softcap(size_t n, float cap, bool front)
{
    struct guard x = floats(n, front);
    float *px = x.p;
    for (size_t i = 0; i < n; i++)
        px[i] *= i % 3 == 0 ? 0.3f * cap : 5 * cap;
    float *before = (float *)(void *)t5g_memdup(px, n * sizeof(float));
    k->softcap(px, n, cap);
    for (size_t i = 0; i < n; i++) {
        double want = (double)cap * tanh((double)before[i] / (double)cap);
        assert_true(fabs((double)px[i] - want) <= 6 * 0x1p-23 * fabs(want));
    }
    release(&x);
    t5g_free(before);
}

/* y + far and y - far within the rounding of far and of the sum; one y counts for nothing. */
static void
one_bounds(size_t n, bool front)
{
    struct guard y = floats(n, front), a = floats(n, front), b = floats(n, !front),
                 upper = floats(n, front);
    float *py = y.p, *pa = a.p, *pb = b.p, *pu = upper.p, top, p = 0.7f, q = 3;
    double high = -INFINITY, low = -INFINITY;
    for (size_t i = 0; i < n; i++) {
        pa[i] = fabsf(pa[i]);
        pb[i] = fabsf(pb[i]);
    }
    if (n > 2)
        py[n / 2] = -INFINITY;
    float best = k->bounds(pu, &top, py, pa, pb, p, q, n);
    for (size_t i = 0; i < n; i++) {
        double far = (double)p * (double)pa[i] + (double)q * (double)pb[i];
        double at = (double)py[i], most = 0x1p-22 * (far + fabs(at));
        assert_true(isinf(py[i]) ? pu[i] == py[i] : fabs((double)pu[i] - (at + far)) <= most);
        high = fmax(high, (double)pu[i]);
        low = fmax(low, at - far);
    }
    assert_true((double)top == high);
    assert_true(fabs((double)best - low) <= 0x1p-21 * (fabs(low) + 8));
    release(&y);
    release(&a);
    release(&b);
    release(&upper);
}

static void
check_elements(void)
{
    for (size_t n = 1; n < 70; n++) {
        one_bounds(n, n % 2);
        one_rms(n, n % 2);
        one_layer_norm(n, n % 2);
        one_rope(n, n % 2);
        one_geglu(1 + n % 4, n, n % 2);
        one_softcap(n, n % 2 ? 30.0f : 0.5f, n % 3 == 0);
        struct guard x = floats(n, n % 2);
        float *p = x.p, *was = (float *)(void *)t5g_memdup(p, n * sizeof *p);
        k->scale(p, n, 1.7f);
        for (size_t i = 0; i < n; i++)
            assert_true(p[i] == was[i] * 1.7f);
        release(&x);
        t5g_free(was);
    }
    one_rms(640, false);
    one_rms(2561, true);
    one_layer_norm(1152, true);
    one_softcap(5000, 3, false);
    float odd[3] = {INFINITY, -INFINITY, NAN};
    k->softcap(odd, 3, 2);
    assert_true(odd[0] == 2 && odd[1] == -2 && isnan(odd[2]));
    float g[2] = {NAN, -200}, u[2] = {1, 1};
    k->geglu(g, 2, u, 2, 1, 2);
    assert_true(isnan(g[0]) && fabsf(g[1]) < 1e-30f);
}

/* ---- levels ---- */

static void
test_level(void **state)
{
    level(t5g_kernels_get, state);
    check_gemm();
    check_dot();
    check_mix();
    check_softmax();
    check_elements();
}

static void
test_get(void **state)
{
    (void)state;
    static const char *const bad[] = {"", "v5", "REF", "ref "};
    struct t5g_err e = {0};
    assert_non_null(t5g_kernels_get(NULL, &e));
    assert_string_equal(t5g_kernels_get("ref", &e)->name, "ref");
    for (size_t i = 0; i < T5G_LEN(bad); i++) {
        e.code = 0;
        assert_null(t5g_kernels_get(bad[i], &e));
        assert_int_equal(e.code, T5G_EX_USAGE);
        assert_non_null(strstr(e.msg, bad[i]));
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_get), LEVEL(test_level, "v4"),  LEVEL(test_level, "neon"),
        LEVEL(test_level, "v3"),    LEVEL(test_level, "ref"),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
