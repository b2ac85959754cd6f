/*
 * test_generate.c: sequences side by side, and with guesses taken from the document, are bit for
 * bit those that come one at a time; and the guesses themselves. What draws are
 * made from is what transformers' processors leave.
 */
#include "generate/draws.h"
#include "generate/lookup.h"
#include "generate/processors.h"
#include "generate/settings.h"
#include "golden.h"

#include <math.h>

enum { JOBS = 37, NEW = 40 };

static int32_t prompts[JOBS][300];

static void
generate(struct t5g_generator *g, struct t5g_job *jobs, size_t n)
{
    struct t5g_job *all[64];
    for (size_t i = 0; i < n; i++)
        all[i] = &jobs[i];
    t5g_generate(g, all, n);
}

/*
 * 37 jobs over three documents, more than there are slots; prompts of 0 to 66 ids, around
 * T5G_PREFILL_FROM and, in one, of more than a step takes.
 */
static void
make_jobs(struct t5g_job *jobs, struct t5g_cross *const *cross, const struct gd_case *c, size_t v)
{
    uint32_t seed = 5;
    for (size_t i = 0; i < JOBS; i++) {
        size_t n = i == 7                        ? T5G_LEN(prompts[i])
                   : i % 5 == 0                  ? 33 + i % 34
                   : i % 5 == 1 || i == JOBS - 1 ? T5G_PREFILL_FROM - 4 + i % 6
                                                 : i % 4;
        for (size_t k = 0; k < n; k++) {
            seed = seed * 1664525 + 1013904223;
            prompts[i][k] = (int32_t)(10 + seed / 65536 % (v - 10));
        }
        size_t doc = i * 3 / JOBS;
        jobs[i] = (struct t5g_job){.cross = cross[doc],
                                   .prompt = prompts[i],
                                   .n_prompt = n,
                                   .source = c[doc].ids.i,
                                   .n_source = c[doc].n};
    }
}

static void
check_same(const struct t5g_sequence *a, const struct t5g_sequence *b)
{
    assert_int_equal(a->n, b->n);
    assert_memory_equal(a->ids, b->ids, a->n * sizeof *a->ids);
    assert_memory_equal(a->logprob, b->logprob, a->n * sizeof *a->logprob);
    assert_true(a->finish == b->finish && a->score == b->score);
}

/* Searches side by side, and each alone. Only some of the jobs: there are three sequences in each.
 */
static void
check_beams(struct gd_model *g, const struct t5g_job *jobs)
{
    enum { FIRST = 5, N = 7 };
    struct t5g_generate_options o = t5g_generate_defaults;
    o.max_new_tokens = 5;
    o.num_beams = 3;
    o.num_return = 1;
    struct t5g_generator *gen = t5g_generator_open(g->dec, g->m, &o);
    struct t5g_job alone[N], all[N];
    for (size_t i = 0; i < N; i++) {
        alone[i] = jobs[FIRST + i];
        alone[i].out = (struct t5g_sequence){0};
        all[i] = alone[i];
        generate(gen, &alone[i], 1);
    }
    generate(gen, all, N);
    for (size_t i = 0; i < N; i++) {
        assert_int_equal(all[i].err.code, 0);
        check_same(&all[i].out, &alone[i].out);
        t5g_sequence_free(&alone[i].out);
        t5g_sequence_free(&all[i].out);
    }
    t5g_generator_close(gen);
}

static void
check_model(const char *name, const char *level, const char *const cases[3])
{
    struct gd_model g = gd_open(name, level, 2);
    struct gd_case c[3];
    struct t5g_cross *cross[3];
    struct t5g_job alone[JOBS], all[JOBS];
    for (size_t i = 0; i < 3; i++) {
        c[i] = gd_case_open(name, cases[i]);
        cross[i] = t5g_cross_build(g.dec, c[i].encoder.f, c[i].n, T5G_F32);
    }
    make_jobs(alone, cross, c, g.m->config.decoder.v);
    make_jobs(all, cross, c, g.m->config.decoder.v);
    struct t5g_generate_options o = {.max_new_tokens = NEW, .min_new_tokens = 9, .logprobs = true};
    struct t5g_generator *gen = t5g_generator_open(g.dec, g.m, &o);
    for (size_t i = 0; i < JOBS; i++)
        generate(gen, &alone[i], 1);
    t5g_generator_close(gen);
    static const size_t lookups[] = {0, 1, 4, T5G_LOOKUP_MAX};
    for (size_t k = 0; k < T5G_LEN(lookups); k++) {
        o.lookup = lookups[k];
        gen = t5g_generator_open(g.dec, g.m, &o);
        generate(gen, all, JOBS);
        for (size_t i = 0; i < JOBS; i++) {
            assert_int_equal(all[i].err.code, 0);
            check_same(&all[i].out, &alone[i].out);
        }
        t5g_generator_close(gen);
    }
    o.logprobs = false; /* only the largest of each step is kept then */
    for (size_t lookup = 0; lookup <= 4; lookup += 4) {
        o.lookup = lookup;
        gen = t5g_generator_open(g.dec, g.m, &o);
        generate(gen, all, JOBS);
        for (size_t i = 0; i < JOBS; i++) {
            assert_int_equal(all[i].out.n, alone[i].out.n);
            assert_memory_equal(all[i].out.ids, alone[i].out.ids, all[i].out.n * sizeof(int32_t));
            assert_true(all[i].out.logprob == NULL && all[i].out.score == 0);
        }
        t5g_generator_close(gen);
    }
    o.logprobs = true;
    check_beams(&g, all);
    /* One document that fails does not harm the others. */
    float *bad = (float *)(void *)t5g_memdup(c[1].encoder.f, npy_size(&c[1].encoder) * 4);
    bad[3] = NAN;
    struct t5g_cross *broken = t5g_cross_build(g.dec, bad, c[1].n, T5G_F32);
    for (size_t i = 0; i < JOBS; i++)
        if (all[i].cross == cross[1])
            all[i].cross = broken;
    gen = t5g_generator_open(g.dec, g.m, &o);
    generate(gen, all, JOBS);
    for (size_t i = 0; i < JOBS; i++) {
        assert_int_equal(all[i].err.code, all[i].cross == broken ? T5G_EX_DATA : 0);
        if (all[i].cross != broken)
            check_same(&all[i].out, &alone[i].out);
    }
    t5g_generator_close(gen);
    for (size_t i = 0; i < JOBS; i++) {
        t5g_sequence_free(&alone[i].out);
        t5g_sequence_free(&all[i].out);
    }
    t5g_cross_free(broken);
    t5g_free(bad);
    for (size_t i = 0; i < 3; i++) {
        t5g_cross_free(cross[i]);
        gd_case_close(&c[i]);
    }
    gd_close(&g);
}

static void
test_together(void **state)
{
    static const char *const tiny[] = {"hello", "enc512", "img_two"};
    static const char *const gqa[] = {"hello", "enc512", "nonascii"};
    (void)state;
    for (const char *const *level = gd_levels(); *level != NULL; level++) {
        check_model("tiny", *level, tiny);
        check_model("tiny-gqa", *level, gqa);
    }
}

static void
test_lookup(void **state)
{
    static const int32_t source[] = {2, 5, 6, 7, 8, 9, 5, 6, 7, 1, 4};
    static const struct {
        int32_t ids[8];
        size_t len, n;
        int32_t want[4];
        size_t n_want;
    } cases[] = {
        {{9, 5, 6, 7}, 4, 4, {1, 4}, 2},       /* four ids decide, at the end of the source */
        {{3, 5, 6, 7}, 4, 4, {8, 9, 5, 6}, 4}, /* three: the first place */
        {{3, 5, 6, 7}, 4, 2, {8, 9}, 2},       /* no more than asked for */
        {{5}, 1, 4, {0}, 0},                   /* one id is too little */
        {{30, 31, 32, 30, 31}, 5, 4, {32, 30, 31}, 3}, /* in the sequence itself */
        {{3, 1, 4}, 3, 4, {0}, 0},                     /* nothing follows */
        {{0}, 0, 4, {0}, 0},
    };
    (void)state;
    for (size_t i = 0; i < T5G_LEN(cases); i++) {
        int32_t draft[4];
        size_t n =
            t5g_lookup(source, T5G_LEN(source), cases[i].ids, cases[i].len, draft, cases[i].n);
        assert_int_equal(n, cases[i].n_want);
        assert_memory_equal(draft, cases[i].want, n * sizeof *draft);
    }
    int32_t draft[1];
    assert_int_equal(t5g_lookup(NULL, 0, cases[0].ids, 4, draft, 1), 0);
}

/* One entry of "samples": probabilities after the processors, from the golden logits. */
static void
check_sample(const char *model, const struct gd_case *c, const struct t5g_config *config,
             const struct t5g_json *sample)
{
    struct t5g_generate_options o = t5g_generate_defaults;
    struct t5g_err e = {0};
    o.sample = true;
    o.top_k = 0;
    if (t5g_settings_read(&o, t5g_json_get(sample, "args"), c->name, config, NULL, &e) < 0)
        fail_msg("%s", e.msg);
    size_t min_keep = o.num_beams > 1 ? config->n_eos + 1 : 1;
    struct t5g_buf path = {0};
    t5g_buf_printf(&path, "golden/%s/%s/%s", model, c->name,
                   t5g_json_str(t5g_json_get(sample, "file")));
    char *full = gd_path(path.p);
    struct npy want = npy_read(full);
    size_t v = config->decoder.v, row = 0;
    float *x = t5g_alloc(v, sizeof *x), *scratch = t5g_alloc(2 * v, sizeof *scratch);
    const struct t5g_json *step = t5g_json_first(t5g_json_get(sample, "steps"));
    for (; step != NULL; step = t5g_json_next(step), row++) {
        size_t at = (size_t)t5g_json_num(step), kept = 0;
        memcpy(x, c->logits.f + at * v, v * sizeof *x);
        struct t5g_history h = {.c = config,
                                .o = &o,
                                .ids = c->dec_ids.i,
                                .n = at + 1,
                                .n_new = at,
                                .source = c->ids.i,
                                .n_source = c->n,
                                .max_new = 99};
        t5g_process(x, v, &h);
        t5g_warp(x, v, &o, min_keep, scratch);
        double all = t5g_log_sum_exp(x, v);
        for (size_t i = 0; i < v; i++) {
            double p = exp((double)x[i] - all), w = (double)want.f[row * v + i];
            assert_true((p > 0) == (w > 0) || (p < 1e-30 && w < 1e-30));
            assert_true(fabs(p - w) < 1e-5);
            kept += x[i] > -INFINITY;
        }
        assert_true(kept > 0);
        /* Draws at the ends of the interval are of what is kept, and their share is p. */
        assert_true(x[t5g_draw(x, v, 0)] > -INFINITY);
        assert_true(x[t5g_draw(x, v, 1 - 1e-16)] > -INFINITY);
        size_t best = t5g_argmax(x, v), hits = 0, draws = 4000;
        for (size_t i = 0; i < draws; i++)
            hits += t5g_draw(x, v, t5g_uniform(7, i)) == best;
        double p = exp((double)x[best] - all), share = (double)hits / (double)draws;
        assert_true(fabs(share - p) < 5 * sqrt(p * (1 - p) / (double)draws) + 1e-9);
    }
    npy_free(&want);
    t5g_generate_options_free(&o);
    t5g_free(x);
    t5g_free(scratch);
    t5g_free(full);
    t5g_buf_free(&path);
}

struct samples {
    const char *model;
    const struct t5g_config *config;
    size_t done;
};

static void
check_samples(const struct gd_case *c, void *arg)
{
    struct samples *x = arg;
    const struct t5g_json *list = t5g_json_get(c->json, "samples");
    for (const struct t5g_json *s = t5g_json_first(list); s != NULL; s = t5g_json_next(s))
        check_sample(x->model, c, x->config, s);
    x->done += t5g_json_size(list);
}

static void
test_samples(void **state)
{
    static const char *const names[] = {"tiny", "tiny-gqa"};
    (void)state;
    for (size_t i = 0; i < T5G_LEN(names); i++) {
        struct gd_model g = gd_open(names[i], NULL, 1);
        struct samples x = {names[i], &g.m->config, 0};
        gd_cases(names[i], check_samples, &x);
        assert_int_equal(x.done, 25);
        gd_close(&g);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_together),
        cmocka_unit_test(test_lookup),
        cmocka_unit_test(test_samples),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
