/*
 * test_adapters.c: adapters beside a model against what PEFT computes with them, at every kernel
 * level. PEFT's own sums in f32 differ from ours in order only: 1e-4 of encoder rows, 1e-3 of
 * logits, and the same ids. Results do not depend on threads or on what is computed beside them.
 */
#include "golden.h"
#include "modelfix.h"

#include "model/adapter.h"
#include "nn/linear.h"
#include "nn/siglip.h"

#include <math.h>

static const char *const models[] = {"tiny", "tiny-gqa"};
static const char *const cases[] = {"attention",  "linear", "rslora",     "dora",
                                    "decoder",    "head",   "head-lora",  "embed",
                                    "embed-lora", "tokens", "tokens-tied"};

/* tests/models/NAME with an adapter of tests/golden/adapters. */
static struct gd_model
open_adapted(const char *name, const char *adapter, const char *level, size_t threads)
{
    struct gd_model g;
    struct t5g_err e = {0};
    char path[256];
    snprintf(path, sizeof path, "models/%s", name);
    char *dir = gd_path(path);
    snprintf(path, sizeof path, "golden/adapters/%s/%s", name, adapter);
    char *at = gd_path(path);
    const struct t5g_kernels *k = t5g_kernels_get(level, &e);
    struct t5g_adapter *a;
    if ((g.m = t5g_model_open(dir, T5G_NEED_DECODER | T5G_NEED_VISION, &e)) == NULL ||
        (g.pool = t5g_pool_open(threads, &e)) == NULL ||
        (a = t5g_adapter_open(at, g.m, &e)) == NULL)
        fail_msg("%s", e.msg);
    t5g_adapter_apply(a, g.m, k);
    g.enc = t5g_encoder_open(g.m, k, g.pool);
    g.dec = t5g_decoder_open(g.m, k, g.pool);
    t5g_free(dir);
    t5g_free(at);
    return g;
}

struct golden {
    struct t5g_json *json;
    struct npy encoder, logits, features;
    int32_t *ids, *fed, *greedy;
    size_t n, n_fed, n_greedy;
};

static struct npy
array(const char *dir, const char *name)
{
    char *path = t5g_path_join(dir, name);
    struct npy a = npy_read(path);
    t5g_free(path);
    return a;
}

static struct golden
read_golden(const char *model, const char *name)
{
    struct golden g = {0};
    struct t5g_err e = {0};
    char at[256];
    snprintf(at, sizeof at, "golden/adapters/%s/%s", model, name);
    char *dir = gd_path(at), *path = t5g_path_join(dir, "case.json");
    if ((g.json = t5g_json_parse_file(path, 1 << 20, &e)) == NULL)
        fail_msg("%s", e.msg);
    g.ids = gd_ids(t5g_json_get(g.json, "ids"), &g.n);
    g.fed = gd_ids(t5g_json_get(g.json, "decoder_ids"), &g.n_fed);
    g.greedy = gd_ids(t5g_json_get(g.json, "greedy"), &g.n_greedy);
    g.encoder = array(dir, "encoder.npy");
    g.logits = array(dir, "logits.npy");
    if (t5g_json_get(g.json, "picture") != NULL)
        g.features = array(dir, "features.npy");
    t5g_free(path);
    t5g_free(dir);
    return g;
}

static void
free_golden(struct golden *g)
{
    t5g_json_free(g->json);
    t5g_free(g->ids);
    t5g_free(g->fed);
    t5g_free(g->greedy);
    npy_free(&g->encoder);
    npy_free(&g->logits);
    npy_free(&g->features);
}

/* Encoder output, alone and, if there are no pictures, between others: the same bits. */
static float *
encode(struct gd_model *m, const struct golden *g)
{
    struct t5g_err e = {0};
    size_t d = m->m->config.encoder.d, rows = g->features.f != NULL ? g->features.dims[0] : 0;
    float *out = t5g_alloc(g->n, d * sizeof *out), *other = t5g_alloc(g->n, d * sizeof *other);
    float few[3 * 256];
    if (t5g_encode(m->enc, g->ids, g->n, g->features.f, rows, out, NULL, NULL, &e) != 0)
        fail_msg("%s", e.msg);
    struct t5g_encode_job jobs[] = {
        {g->ids, 3, NULL, 0, few, {0}, NULL},
        {g->ids, g->n, g->features.f, rows, other, {0}, NULL},
    };
    assert_true(d <= 256);
    t5g_encode_many(m->enc, jobs, 2, NULL, NULL);
    assert_memory_equal(out, other, g->n * d * sizeof *out);
    t5g_free(other);
    return out;
}

/* Logits of given ids: by step kernels, or by those for long prompts. */
static void
check_logits(struct gd_model *m, const struct golden *g, const struct t5g_cross *cross,
             size_t whole, const char *what)
{
    size_t v = m->m->config.decoder.v, d = m->m->config.decoder.d;
    float *rows = t5g_alloc(g->n_fed, d * sizeof *rows);
    float *logits = t5g_alloc(g->n_fed, v * sizeof *logits);
    struct t5g_kvcache *kv = t5g_kvcache_open(m->dec, g->n_fed);
    t5g_decoder_given(m->dec, cross, kv, g->fed, g->n_fed, whole, rows);
    assert_true(t5g_decoder_logits(m->dec, rows, g->n_fed, logits));
    double away = gd_distance(logits, g->logits.f, g->n_fed * v);
    if (away > 1e-3)
        fail_msg("%s: logits of %zu given ids are %g away", what, whole, away);
    t5g_kvcache_free(kv);
    t5g_free(rows);
    t5g_free(logits);
}

/* Probabilities by the head in panels are those of the logits. */
static void
check_logprobs(struct gd_model *m, const struct golden *g, const struct t5g_cross *cross)
{
    size_t d = m->m->config.decoder.d, v = m->m->config.decoder.v, n = g->n_fed;
    float *rows = t5g_alloc(n, d * sizeof *rows);
    struct t5g_wanted *wanted = t5g_alloc(n * 4, sizeof *wanted);
    struct t5g_kvcache *kv = t5g_kvcache_open(m->dec, n);
    static const int32_t ids[] = {5, 40, 300, 301};
    bool bad[T5G_ROW_BLOCK];
    t5g_decoder_given(m->dec, cross, kv, g->fed, n, n, rows);
    for (size_t j = 0; j < 4 * n; j++)
        wanted[j] = (struct t5g_wanted){.row = j % n, .id = ids[j / n]};
    t5g_decoder_logprobs(m->dec, rows, n, wanted, 4 * n, bad);
    for (size_t j = 0; j < 4 * n; j++) {
        const float *l = g->logits.f + wanted[j].row * v;
        double sum = 0;
        for (size_t k = 0; k < v; k++)
            sum += exp((double)l[k]);
        assert_true(fabs((double)l[wanted[j].id] - log(sum) - (double)wanted[j].logprob) < 1e-3);
    }
    t5g_kvcache_free(kv);
    t5g_free(wanted);
    t5g_free(rows);
}

static void
check_greedy(struct gd_model *m, const struct golden *g, const struct t5g_cross *cross,
             const char *what)
{
    struct t5g_generate_options o = {.max_new_tokens = 16, .num_beams = 1};
    struct t5g_generator *generator = t5g_generator_open(m->dec, m->m, &o);
    struct t5g_job jobs[2] = {0}, *all[] = {&jobs[0], &jobs[1]};
    for (size_t i = 0; i < 2; i++)
        jobs[i] = (struct t5g_job){.cross = cross, .source = g->ids, .n_source = g->n};
    jobs[1].prompt = g->fed + 1;
    jobs[1].n_prompt = 2;
    t5g_generate(generator, all, 2);
    if (jobs[0].err.code != 0)
        fail_msg("%s", jobs[0].err.msg);
    if (jobs[0].out.n != g->n_greedy ||
        memcmp(jobs[0].out.ids, g->greedy, g->n_greedy * sizeof *g->greedy) != 0)
        fail_msg("%s: other ids", what);
    for (size_t i = 0; i < 2; i++)
        t5g_sequence_free(&jobs[i].out);
    t5g_generator_close(generator);
}

static void
check_case(const char *model, const char *name, const char *level)
{
    char what[256];
    struct golden g = read_golden(model, name);
    struct gd_model one = open_adapted(model, name, level, 1),
                    two = open_adapted(model, name, level, 3);
    size_t d = one.m->config.encoder.d;
    snprintf(what, sizeof what, "%s %s at %s", model, name, level);
    float *rows = encode(&one, &g), *same = encode(&two, &g);
    assert_memory_equal(rows, same, g.n * d * sizeof *rows);
    double away = gd_distance(rows, g.encoder.f, g.n * d);
    if (away > 1e-4)
        fail_msg("%s: encoder output is %g away", what, away);
    struct t5g_cross *cross = t5g_cross_build(two.dec, rows, g.n, T5G_F32);
    check_logits(&two, &g, cross, g.n_fed, what);
    check_logits(&two, &g, cross, 100, what);
    check_logprobs(&two, &g, cross);
    check_greedy(&two, &g, cross, what);
    t5g_cross_free(cross);
    t5g_free(rows);
    t5g_free(same);
    gd_close(&one);
    gd_close(&two);
    free_golden(&g);
}

/* The tower has what the text stacks have not: biases, sums without a norm, heads across panels.
 * With more threads than processors it is seen whether one reads what another has not written yet.
 */
static void
check_vision(const char *model, const char *name, const char *level)
{
    struct gd_model one = open_adapted(model, name, level, 1),
                    all = open_adapted(model, name, level, 5);
    const struct t5g_kernels *k = t5g_kernels_get(level, NULL);
    struct t5g_vision *a = t5g_vision_open(one.m, k, one.pool),
                      *b = t5g_vision_open(all.m, k, all.pool);
    size_t side = one.m->config.vision.image_size;
    size_t n = one.m->config.mm_tokens * one.m->config.encoder.d;
    uint8_t *pixels = t5g_alloc(side * side, 3);
    float *value = t5g_alloc(3 * 256, sizeof *value), *want = t5g_alloc(n, sizeof *want);
    float *got = t5g_alloc(n, sizeof *got);
    struct t5g_err e = {0};
    for (size_t i = 0; i < side * side * 3; i++)
        pixels[i] = (uint8_t)(i * 37 % 251);
    for (size_t i = 0; i < 768; i++)
        value[i] = (float)(i % 256) / 127.5f - 1;
    assert_int_equal(t5g_vision_run(a, pixels, value, want, NULL, NULL, &e), 0);
    for (int i = 0; i < 8; i++) {
        assert_int_equal(t5g_vision_run(b, pixels, value, got, NULL, NULL, &e), 0);
        assert_memory_equal(got, want, n * sizeof *got);
    }
    t5g_vision_close(a);
    t5g_vision_close(b);
    gd_close(&one);
    gd_close(&all);
    t5g_free(pixels);
    t5g_free(value);
    t5g_free(want);
    t5g_free(got);
}

static void
check_level(const char *level)
{
    for (size_t i = 0; i < T5G_LEN(models); i++) {
        check_vision(models[i], "linear", level);
        check_vision(models[i], "dora", level);
    }
    for (size_t i = 0; i < T5G_LEN(models); i++)
        for (size_t j = 0; j < T5G_LEN(cases); j++)
            check_case(models[i], cases[j], level);
}

static void
test_goldens(void **state)
{
    (void)state;
    gd_each_level(check_level);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_goldens)};
    return cmocka_run_group_tests(tests, mf_cache_open, mf_cache_close);
}
