/*
 * test_draws.c: draws have the distribution that is asked for: 100,000 of them, by Pearson's
 * chi-square. What is left by the limits is computed here anew, from their definitions. The
 * random numbers are fixed, so a test fails always or never; the limit on chi-square is five
 * standard deviations above its mean, and one id that is a tenth likelier exceeds it.
 */
#include "generate/draws.h"
#include "generate/processors.h"
#include "generate/search.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { V = 12, DRAWS = 100000 };

static const float logits[V] = {1.5f,  0.25f, -0.75f, 2.0f, 2.0f,  -3.0f,
                                -0.5f, 1.0f,  0.0f,   0.5f, -2.0f, 1.75f};

static double
limit(size_t cells)
{
    double df = (double)cells - 1;
    return df + 5 * sqrt(2 * df) + 5;
}

/* Chi-square of `seen` [n] against probabilities p [n] of `draws` draws; cells of p = 0 are 0. */
static double
chi_square(const size_t *seen, const double *p, size_t n, size_t draws, size_t *cells)
{
    double sum = 0;
    *cells = 0;
    for (size_t i = 0; i < n; i++) {
        double want = p[i] * (double)draws;
        if (p[i] <= 0) {
            assert_int_equal(seen[i], 0);
            continue;
        }
        sum += ((double)seen[i] - want) * ((double)seen[i] - want) / want;
        ++*cells;
    }
    return sum;
}

/* ---- what the limits leave, by their definitions ---- */

static void
normalise(double *p)
{
    double sum = 0;
    for (size_t i = 0; i < V; i++)
        sum += p[i];
    for (size_t i = 0; i < V; i++)
        p[i] /= sum;
}

static size_t
larger(const double *p, double than)
{
    size_t n = 0;
    for (size_t i = 0; i < V; i++)
        n += p[i] > than;
    return n;
}

static double
entropy(const double *p)
{
    double h = 0;
    for (size_t i = 0; i < V; i++)
        h -= p[i] > 0 ? p[i] * log(p[i]) : 0;
    return h;
}

/* Probabilities below `least` go, except for the min_keep largest. */
static void
drop_below(double *p, double least, size_t min_keep)
{
    double old[V];
    memcpy(old, p, sizeof old);
    for (size_t i = 0; i < V; i++)
        if (old[i] < least && larger(old, old[i]) >= min_keep)
            p[i] = 0;
    normalise(p);
}

/* Of all ids, those whose nearer ones have less than `mass` together. */
static void
typical(double *p, double mass, size_t min_keep)
{
    double far[V], old[V], h = entropy(p);
    memcpy(old, p, sizeof old);
    for (size_t i = 0; i < V; i++)
        far[i] = p[i] > 0 ? fabs(-log(p[i]) - h) : INFINITY;
    for (size_t i = 0; i < V; i++) {
        double nearer = 0;
        size_t n = 0;
        for (size_t k = 0; k < V; k++)
            if (far[k] < far[i] - 1e-9) {
                nearer += old[k];
                n++;
            }
        if (nearer >= mass && n >= min_keep)
            p[i] = 0;
    }
    normalise(p);
}

static void
expected(double *p, const struct t5g_generate_options *o, size_t min_keep)
{
    double old[V];
    for (size_t i = 0; i < V; i++)
        p[i] = exp((double)logits[i] / (o->temperature > 0 ? o->temperature : 1));
    normalise(p);
    memcpy(old, p, sizeof old);
    for (size_t i = 0; i < V && o->top_k > 0; i++)
        if (larger(old, old[i]) >= t5g_max(o->top_k, min_keep))
            p[i] = 0;
    normalise(p);
    memcpy(old, p, sizeof old);
    for (size_t i = 0; i < V && o->top_p > 0 && o->top_p < 1; i++) {
        double above = 0;
        for (size_t k = 0; k < V; k++)
            above += old[k] > old[i] ? old[k] : 0;
        if (above >= o->top_p && larger(old, old[i]) >= min_keep)
            p[i] = 0;
    }
    normalise(p);
    double most = 0;
    for (size_t i = 0; i < V; i++)
        most = fmax(most, p[i]);
    if (o->min_p > 0)
        drop_below(p, o->min_p * most, min_keep);
    if (o->typical_p > 0 && o->typical_p < 1)
        typical(p, o->typical_p, min_keep);
    if (o->epsilon_cutoff > 0)
        drop_below(p, o->epsilon_cutoff, min_keep);
    if (o->eta_cutoff > 0)
        drop_below(p, fmin(o->eta_cutoff, sqrt(o->eta_cutoff) * exp(-entropy(p))), min_keep);
}

static const struct {
    struct t5g_generate_options o;
    size_t min_keep, left; /* ids that are left */
} settings[] = {
    {{0}, 1, V},
    {{.temperature = 0.6}, 1, V},
    {{.temperature = 2.5}, 1, V},
    {{.top_k = 5}, 1, 5},
    {{.top_k = 1}, 1, 2}, /* ties stay */
    {{.top_k = 1}, 4, 4},
    {{.top_p = 0.7}, 1, 4},
    {{.top_p = 0.1}, 5, 5},
    {{.min_p = 0.3}, 1, 5},
    {{.min_p = 0.9}, 3, 3},
    {{.typical_p = 0.4}, 1, 5},
    {{.typical_p = 0.9}, 1, 7},
    {{.typical_p = 0.01}, 3, 3},
    {{.epsilon_cutoff = 0.05}, 1, 6},
    {{.epsilon_cutoff = 0.9}, 3, 3},
    {{.eta_cutoff = 0.2}, 1, 5},
    {{.eta_cutoff = 0.9}, 1, 4},
    {{.temperature = 1.4,
      .top_k = 10,
      .top_p = 0.95,
      .min_p = 0.05,
      .typical_p = 0.9,
      .epsilon_cutoff = 0.01,
      .eta_cutoff = 0.05},
     1,
     7},
};

static void
test_limits(void **state)
{
    (void)state;
    for (size_t k = 0; k < T5G_LEN(settings); k++) {
        float x[V], scratch[2 * V];
        double p[V], wrong[V];
        size_t seen[V] = {0}, cells;
        memcpy(x, logits, sizeof x);
        t5g_warp(x, V, &settings[k].o, settings[k].min_keep, scratch);
        for (size_t i = 0; i < DRAWS; i++)
            seen[t5g_draw(x, V, t5g_uniform(k, i))]++;
        expected(p, &settings[k].o, settings[k].min_keep);
        double far = chi_square(seen, p, V, DRAWS, &cells);
        if (cells != settings[k].left)
            fail_msg("setting %zu: %zu ids are left, expected %zu", k, cells, settings[k].left);
        if (far > limit(cells))
            fail_msg("setting %zu: chi-square %g of %zu cells", k, far, cells);
        memcpy(wrong, p, sizeof wrong); /* the most likely id is a tenth likelier */
        size_t best = t5g_argmax(x, V);
        wrong[best] *= 1.1;
        normalise(wrong);
        if (cells > 1)
            assert_true(chi_square(seen, wrong, V, DRAWS, &cells) > limit(cells));
    }
}

/* ---- beams ---- */

/* The first two of the draws without replacement from two beams' continuations, at first step and
 * later: p(a) p(b) / (1 - p(a)). */
static void
test_beam_draws(void **state)
{
    enum { N = 6, CELLS = 4 * N * N };
    static const float rows[2][N] = {{0, -1, -2, 0.5f, -0.5f, 1}, {1, 0, 0.25f, -1, -3, 0.75f}};
    static const float sums[2] = {-1.5f, -1.0f};
    struct t5g_config c = {.eos = {1}, .n_eos = 1};
    struct t5g_generate_options o = {.sample = true, .temperature = 1.3, .top_k = 5};
    struct t5g_job job = {.max_new = 10};
    static struct t5g_search s;
    static struct t5g_rules r;
    struct t5g_group g = {.n_run = 2};
    float scratch[2 * N], all[2 * N], copy[2 * N];
    static size_t seen[CELLS];
    static double p[CELLS];
    double total = 0;
    (void)state;
    c.decoder.v = N;
    r.o = &o;
    r.how = (struct t5g_chooser){.c = &c, .o = &o, .scratch = scratch};
    r.size = 2;
    r.n_found = 4;
    s.job = &job;
    s.logits = copy;
    for (size_t k = 0; k < 2; k++) {
        t5g_choice_start(&s.run[k].choice, (int32_t[]){2}, 1, &job);
        s.run[k].sum = sums[k];
        memcpy(all + k * N, rows[k], sizeof rows[k]);
        double sum = t5g_log_sum_exp(all + k * N, N);
        for (size_t i = 0; i < N; i++)
            all[k * N + i] = (float)((double)rows[k][i] - sum);
        t5g_warp(all + k * N, N, &o, 2, scratch);
        for (size_t i = 0; i < N; i++)
            total += exp((double)(all[k * N + i] + sums[k]));
    }
    for (size_t a = 0; a < 2 * N; a++)
        for (size_t b = 0; b < 2 * N; b++) {
            double pa = exp((double)(all[a] + sums[a / N])) / total;
            double pb = exp((double)(all[b] + sums[b / N])) / total;
            p[a * 2 * N + b] = a == b ? 0 : pa * pb / (1 - pa);
        }
    for (size_t i = 0; i < DRAWS; i++) {
        job.seed = i * 7919;
        memcpy(copy, rows, sizeof rows);
        assert_int_equal(t5g_search_find(&r, &s, &g), 4);
        size_t a = r.found[0].beam * N + (size_t)r.found[0].id;
        size_t b = r.found[1].beam * N + (size_t)r.found[1].id;
        seen[a * 2 * N + b]++;
    }
    size_t cells;
    double far = chi_square(seen, p, CELLS, DRAWS, &cells);
    assert_int_equal(cells, 10 * 9);
    if (far > limit(cells))
        fail_msg("chi-square %g of %zu cells", far, cells);
    t5g_choice_free(&s.run[0].choice);
    t5g_choice_free(&s.run[1].choice);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_limits),
        cmocka_unit_test(test_beam_draws),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
