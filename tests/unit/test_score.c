/*
 * test_score.c: log-probabilities of given targets: those of transformers, those of the same ids
 * fed one after the other, and the same bits whatever stands beside a target.
 *
 * Tolerance: from transformers 1e-4, and on top of it how far transformers in f32 is from itself in
 * f64 in that case (numerics.logits_f32_f64, 5e-5 to 1.5e-4). What is fed in other steps is the
 * same sums in another order: 3e-4, and with factors in bf16 0.3, since the head there is exact,
 * and everything if the ids are few; with quantised weights 0.3, since an activation that is
 * rounded to another step is.
 */
#include "golden.h"
#include "modeldir.h"
#include "modelfix.h"

#include "generate/score.h"
#include "model/pack.h"

#include <math.h>

/* ---- the tree ---- */

static void
test_tree(void **state)
{
    (void)state;
    static const int32_t ids[][3] = {{7, 8, 9}, {7, 8, 1}, {7, 1, 0},
                                     {3, 0, 0}, {7, 8, 9}, {7, 0, 0}};
    static const size_t n[] = {3, 3, 2, 1, 3, 1};
    static const int32_t want[] = {-1, 3, 7, 1,
                                   8,  1, 9}; /* in order: the empty one, 3, 7, 7 1, .. */
    static const size_t parent[] = {0, 0, 0, 2, 2, 4, 4}, fed[] = {0, 2, 4};
    static const size_t leaf[] = {6, 5, 3, 1, 6, 2}, end[] = {7, 2, 7, 4, 7, 6, 7};
    struct t5g_targets t = {0};
    float of_node[7], out[3];
    for (size_t i = 0; i < T5G_LEN(n); i++)
        t5g_targets_add(&t, ids[i], n[i]);
    t5g_targets_grow(&t);
    assert_int_equal(t.n_nodes, 7);
    assert_int_equal(t.n_fed, 3);
    assert_int_equal(t.deepest, 1);
    for (size_t i = 0; i < 7; i++) {
        assert_int_equal(t.nodes[i].id, want[i]);
        assert_int_equal(t.nodes[i].parent, parent[i]);
        assert_int_equal(t.nodes[i].end, end[i]);
        of_node[i] = (float)i;
    }
    assert_memory_equal(t.fed, fed, sizeof fed);
    assert_memory_equal(t.leaf, leaf, sizeof leaf);
    t5g_targets_pick(&t, 1, of_node, out);
    assert_true(out[0] == 2 && out[1] == 4 && out[2] == 5);
    t5g_targets_free(&t);
}

/* ---- goldens ---- */

struct setting {
    struct gd_model *g;
    struct t5g_scorer *s;
    size_t done;
};

static void
golden_case(const struct gd_case *c, void *arg)
{
    struct setting *x = arg;
    struct t5g_targets t = {0};
    const struct t5g_json *list = t5g_json_get(c->json, "targets");
    double most =
        1e-4 + t5g_json_num(t5g_json_get(t5g_json_get(c->json, "numerics"), "logits_f32_f64"));
    size_t n, k = 0;
    for (const struct t5g_json *j = t5g_json_first(list); j != NULL; j = t5g_json_next(j)) {
        int32_t *ids = gd_ids(t5g_json_get(j, "ids"), &n);
        t5g_targets_add(&t, ids, n);
        t5g_free(ids);
    }
    if (t.n == 0)
        return;
    t5g_targets_grow(&t);
    float *enc = gd_encode(x->g, c), *logprob = t5g_alloc(t.n_nodes, sizeof *logprob);
    int32_t *prefix = gd_ids(t5g_json_get(c->json, "decoder_prefix"), &n);
    struct t5g_cross *cross = t5g_cross_build(x->g->dec, enc, c->n, T5G_F32);
    struct t5g_score_job job = {.cross = cross,
                                .prompt = prefix + 1,
                                .n_prompt = n - 1,
                                .targets = &t,
                                .logprob = logprob},
                         *jobs[] = {&job};
    t5g_score(x->s, jobs, 1);
    assert_int_equal(job.err.code, 0);
    for (const struct t5g_json *j = t5g_json_first(list); j != NULL; j = t5g_json_next(j), k++) {
        float have[64];
        double sum = 0;
        (void)t5g_targets_get(&t, k, &n);
        t5g_targets_pick(&t, k, logprob, have);
        const struct t5g_json *p = t5g_json_first(t5g_json_get(j, "logprobs"));
        for (size_t i = 0; i < n; i++, p = t5g_json_next(p)) {
            sum += (double)have[i];
            if (!(fabs((double)have[i] - t5g_json_num(p)) < most))
                fail_msg("%s: target %zu: token %zu: %g, not %g", c->name, k, i, (double)have[i],
                         t5g_json_num(p));
        }
        assert_true(fabs(sum - t5g_json_num(t5g_json_get(j, "sum"))) < most);
        x->done++;
    }
    t5g_cross_free(cross);
    t5g_free(prefix);
    t5g_free(enc);
    t5g_free(logprob);
    t5g_targets_free(&t);
}

static void
goldens_at(const char *level)
{
    for (size_t k = 0; k < 2; k++) {
        const char *name = k == 0 ? "tiny" : "tiny-gqa";
        struct gd_model g = gd_open(name, level, 2);
        struct setting x = {&g, t5g_scorer_open(g.dec, &g.m->config), 0};
        gd_cases(name, golden_case, &x);
        assert_true(x.done >= 4);
        t5g_scorer_close(x.s);
        gd_close(&g);
    }
}

static void
test_goldens(void **state)
{
    (void)state;
    gd_each_level(goldens_at);
}

/* ---- company ---- */

enum { N = 500, LONGEST = 300, PROMPTS = 4, KEPT = 3 };

/* Targets as of a list of labels, and some long ones: they share beginnings of every length. */
struct given {
    int32_t *ids[N];
    size_t n[N];
    int32_t prompt[600];
};

static const size_t prompt_of[PROMPTS] = {0, 5, 250, 600};

static void
make(struct given *g)
{
    for (size_t i = 0; i < N; i++) {
        size_t long_one = i % 200 == 7;
        g->n[i] = long_one ? LONGEST - i / 100 : 1 + i * 7 % 5;
        g->ids[i] = t5g_alloc(g->n[i], sizeof *g->ids[i]);
        for (size_t j = 0; j < g->n[i]; j++) /* long ones branch from each other late */
            g->ids[i][j] = long_one ? (int32_t)(20 + (j * j + (j > 40 * (i / 100)) * i) % 600)
                                    : (int32_t)(20 + (i >> j) % 40 * 3);
    }
    for (size_t i = 0; i < T5G_LEN(g->prompt); i++)
        g->prompt[i] = (int32_t)(20 + i * 37 % 600);
}

/* One model with kernels, and two documents. */
struct place {
    const struct t5g_model *m;
    const struct t5g_kernels *k;
    int kv;
    float *enc;  /* [n, d] rows of any kind */
    size_t n[2]; /* rows of the documents, both from the first row on */
};

/* Results of targets `from`, each of them `by` further, for KEPT jobs: prompt and document. */
static float *
score(const struct place *p, const struct given *g, size_t from, size_t by, bool backwards,
      size_t threads, const size_t jobs_of[][2], size_t n_jobs)
{
    struct t5g_err e = {0};
    struct t5g_pool *pool = t5g_pool_open(threads, &e);
    struct t5g_decoder *x = t5g_decoder_open(p->m, p->k, pool);
    struct t5g_scorer *s = t5g_scorer_open(x, &p->m->config);
    struct t5g_targets t = {0};
    size_t count = (N - from + by - 1) / by, total = 0, at = 0;
    for (size_t i = 0; i < count; i++) {
        size_t k = from + (backwards ? count - 1 - i : i) * by;
        t5g_targets_add(&t, g->ids[k], g->n[k]);
        total += g->n[k];
    }
    t5g_targets_grow(&t);
    struct t5g_cross *cross[2] = {t5g_cross_build(x, p->enc, p->n[0], p->kv),
                                  t5g_cross_build(x, p->enc, p->n[1], p->kv)};
    struct t5g_score_job *jobs = t5g_alloc(n_jobs, sizeof *jobs);
    struct t5g_score_job **all = t5g_alloc(n_jobs, sizeof(struct t5g_score_job *));
    for (size_t j = 0; j < n_jobs; j++) {
        jobs[j] = (struct t5g_score_job){.cross = cross[jobs_of[j][1]],
                                         .prompt = g->prompt,
                                         .n_prompt = prompt_of[jobs_of[j][0]],
                                         .targets = &t,
                                         .logprob = t5g_alloc(t.n_nodes, sizeof(float))};
        all[j] = &jobs[j];
    }
    t5g_score(s, all, n_jobs);
    float *out = t5g_alloc(n_jobs * total, sizeof *out);
    for (size_t j = 0; j < n_jobs; j++)
        for (size_t i = 0; i < count; i++) {
            size_t k = backwards ? count - 1 - i : i;
            assert_int_equal(jobs[j].err.code, 0);
            t5g_targets_pick(&t, k, jobs[j].logprob, out + at);
            at += g->n[from + i * by];
        }
    for (size_t j = 0; j < n_jobs; j++)
        t5g_free(jobs[j].logprob);
    t5g_free(jobs);
    t5g_free(all);
    t5g_targets_free(&t);
    t5g_cross_free(cross[0]);
    t5g_cross_free(cross[1]);
    t5g_scorer_close(s);
    t5g_decoder_close(x);
    t5g_pool_close(pool);
    return out;
}

/* The same by definition: start, prompt and target fed at once, and log_softmax of the logits. */
static void
fed(const struct place *p, const struct given *g, size_t k, size_t prompt, size_t doc,
    const float *have, double most)
{
    struct t5g_err e = {0};
    struct t5g_pool *pool = t5g_pool_open(2, &e);
    struct t5g_decoder *x = t5g_decoder_open(p->m, p->k, pool);
    struct t5g_cross *cross = t5g_cross_build(x, p->enc, p->n[doc], p->kv);
    size_t n = 1 + prompt_of[prompt] + g->n[k], v = p->m->config.decoder.v;
    int32_t *ids = t5g_alloc(n, sizeof *ids);
    float *logits = t5g_alloc(n * v, sizeof *logits);
    struct t5g_kvcache *kv = t5g_kvcache_open(x, n);
    ids[0] = p->m->config.start;
    memcpy(ids + 1, g->prompt, prompt_of[prompt] * sizeof *ids);
    memcpy(ids + 1 + prompt_of[prompt], g->ids[k], g->n[k] * sizeof *ids);
    assert_int_equal(t5g_decoder_feed(x, cross, kv, ids, n, true, logits, &e), 0);
    for (size_t i = 0; i < g->n[k]; i++) {
        const float *row = logits + (prompt_of[prompt] + i) * v;
        double sum = 0;
        for (size_t j = 0; j < v; j++)
            sum += exp((double)row[j]);
        double want = (double)row[g->ids[k][i]] - log(sum);
        if (!(fabs((double)have[i] - want) < most))
            fail_msg("target %zu, prompt %zu: token %zu: %g, not %g", k, prompt, i, (double)have[i],
                     want);
    }
    t5g_kvcache_free(kv);
    t5g_cross_free(cross);
    t5g_free(ids);
    t5g_free(logits);
    t5g_decoder_close(x);
    t5g_pool_close(pool);
}

/* First of the results of target k. */
static size_t
offset(const struct given *g, size_t k)
{
    size_t n = 0;
    for (size_t i = 0; i < k; i++)
        n += g->n[i];
    return n;
}

/* Every prompt over every document, then parts of it, in another order and on other threads. */
static void
check_place(const struct place *p, const struct given *g, double most)
{
    static const size_t every[PROMPTS][2] = {{2, 0}, {0, 1}, {1, 0}, {3, 1}};
    size_t total = offset(g, N);
    float *all = score(p, g, 0, 1, false, 2, every, PROMPTS);
    float *back = score(p, g, 0, 1, true, 3, every + 2, 2); /* at another place of the steps */
    assert_memory_equal(back, all + 2 * total, 2 * total * sizeof *all);
    t5g_free(back);
    for (size_t k = 7; k < N; k += 100) { /* alone; some are long */
        size_t j = k % (PROMPTS);
        float *alone = score(p, g, k, N, false, 1, every + j, 1);
        assert_memory_equal(alone, all + j * total + offset(g, k), g->n[k] * sizeof *all);
        fed(p, g, k, every[j][0], every[j][1], alone, most);
        t5g_free(alone);
    }
    t5g_free(all);
}

static void
fill(struct place *p)
{
    size_t d = p->m->config.decoder.d, n = 300;
    p->enc = t5g_alloc(n * d, sizeof *p->enc);
    for (size_t i = 0; i < n * d; i++)
        p->enc[i] = (float)((double)((i * 2654435761u) % 2000) / 1000 - 1);
    p->n[0] = n;
    p->n[1] = 20;
}

static void
company_at(const char *level)
{
    static const int kv[] = {T5G_F32, T5G_BF16, T5G_I8};
    struct given g;
    struct t5g_err e = {0};
    bool best = level == gd_levels()[0];
    make(&g);
    for (size_t k = 0; k < (best ? 2 : 1); k++) {
        char *dir = md_fixture(k == 0 ? "tiny" : "tiny-gqa");
        struct place p = {.k = t5g_kernels_get(level, &e)};
        p.m = t5g_model_open(dir, T5G_NEED_DECODER, &e);
        fill(&p);
        /* bf16 with one model, the others with the other; at levels other than the best f32 only */
        for (size_t i = k; i < (best ? T5G_LEN(kv) : 1); i += 2) {
            p.kv = kv[i];
            check_place(&p, &g, 3e-4);
        }
        /* v4's products are the bits of ref's, which take long: test_bf16.c */
        if (strcmp(level, "ref") != 0 && (p.k = t5g_kernels_bf16(level, &e)) != NULL)
            check_place(&p, &g, 0.3);
        t5g_free(p.enc);
        t5g_model_close((struct t5g_model *)(uintptr_t)p.m);
        t5g_free(dir);
    }
    for (size_t i = 0; i < N; i++)
        t5g_free(g.ids[i]);
}

static void
test_company(void **state)
{
    (void)state;
    gd_each_level(company_at);
}

static void
test_quantised(void **state)
{
    (void)state;
    static const enum t5g_pack_weights weights[] = {T5G_PACK_BF16, T5G_PACK_Q8, T5G_PACK_Q4};
    struct given g;
    struct t5g_err e = {0};
    char *dir = md_tmp(), *packed = t5g_path_join(dir, "packed.t5g");
    make(&g);
    for (size_t i = 0; i < T5G_LEN(weights); i++) {
        mf_pack(i == 1 ? "tiny-gqa" : "tiny", weights[i], NULL, packed);
        struct place p = {.k = t5g_kernels_get(NULL, &e)};
        p.m = t5g_model_open(packed, T5G_NEED_DECODER, &e);
        p.kv = t5g_cross_dtype(p.m);
        fill(&p);
        check_place(&p, &g, p.m->quantised ? 0.3 : 3e-4);
        t5g_free(p.enc);
        t5g_model_close((struct t5g_model *)(uintptr_t)p.m);
    }
    for (size_t i = 0; i < N; i++)
        t5g_free(g.ids[i]);
    md_remove(dir);
    t5g_free(packed);
    t5g_free(dir);
}

/* ---- faults ---- */

/* A document with a row that is not finite fails; another one in the same steps does not. */
static void
test_not_finite(void **state)
{
    (void)state;
    struct gd_model g = gd_open("tiny", NULL, 2);
    struct t5g_scorer *s = t5g_scorer_open(g.dec, &g.m->config);
    struct t5g_targets t = {0};
    size_t d = g.m->config.decoder.d;
    float *rows = t5g_alloc(2 * d, sizeof *rows), logprob[2][8] = {{0}};
    struct t5g_cross *cross[2] = {t5g_cross_build(g.dec, rows, 2, T5G_F32)};
    rows[d + 3] = INFINITY;
    cross[1] = t5g_cross_build(g.dec, rows, 2, T5G_F32);
    t5g_targets_add(&t, (int32_t[]){30, 31, 1}, 3);
    t5g_targets_add(&t, (int32_t[]){30, 40, 1}, 3);
    t5g_targets_grow(&t);
    struct t5g_score_job jobs[2], *all[] = {&jobs[1], &jobs[0]};
    for (size_t i = 0; i < 2; i++)
        jobs[i] = (struct t5g_score_job){.cross = cross[i], .targets = &t, .logprob = logprob[i]};
    t5g_score(s, all, 2);
    assert_int_equal(jobs[0].err.code, 0);
    for (size_t i = 1; i < t.n_nodes; i++)
        assert_true(isfinite(logprob[0][i]) && logprob[0][i] < 0);
    assert_int_equal(jobs[1].err.code, T5G_EX_DATA);
    assert_string_equal(jobs[1].err.msg, "logits: not finite, at decoder position 0");
    t5g_targets_free(&t);
    t5g_cross_free(cross[0]);
    t5g_cross_free(cross[1]);
    t5g_scorer_close(s);
    t5g_free(rows);
    gd_close(&g);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tree), cmocka_unit_test(test_goldens), cmocka_unit_test(test_company),
        cmocka_unit_test(test_quantised), cmocka_unit_test(test_not_finite)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
