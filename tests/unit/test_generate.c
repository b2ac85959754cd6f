/*
 * test_generate.c: sequences side by side, and with guesses taken from the document, are bit for
 * bit those that come one at a time; and the guesses themselves.
 */
#include "generate/lookup.h"
#include "golden.h"

#include <math.h>

enum { JOBS = 37, NEW = 40 };

static int32_t prompts[JOBS][70];

/* 37 jobs over three documents, prompts of 0 to 66 ids: more than there are slots. */
static void
generate(struct t5g_generator *g, struct t5g_job *jobs, size_t n)
{
    struct t5g_job *all[64];
    for (size_t i = 0; i < n; i++)
        all[i] = &jobs[i];
    t5g_generate(g, all, n);
}

static void
make_jobs(struct t5g_job *jobs, struct t5g_cross *const *cross, const struct gd_case *c, size_t v)
{
    uint32_t seed = 5;
    for (size_t i = 0; i < JOBS; i++) {
        size_t n = i % 5 == 0 ? 33 + i % 34 : i % 4;
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

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_together),
        cmocka_unit_test(test_lookup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
