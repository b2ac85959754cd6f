/*
 * test_model.c: encoder, decoder and greedy against the golden cases, at every kernel level.
 *
 * Tolerances: encoder 1e-4, logits 1e-3, and three times what the reference in f32 is away from
 * itself in f64 in the same case (case.json "numerics": also between its two attention codes), with
 * a floor of a few units in the last place of the largest values (5.6 and 20). Greedy ids are equal
 * wherever the smallest margin between the two best logits is above the tolerance of logits.
 */
#include "generate/settings.h"
#include "golden.h"

#include <math.h>

static const char *const models[] = {"tiny", "tiny-gqa"};

static double
number(const struct gd_case *c, const char *object, const char *key)
{
    double v = t5g_json_num(t5g_json_get(t5g_json_get(c->json, object), key));
    assert_false(isnan(v));
    return v;
}

static double
tolerance(const struct gd_case *c, const char *a, const char *b, double most, double floor)
{
    double t = 3 * fmax(number(c, "numerics", a), number(c, "numerics", b));
    return fmin(fmax(t, floor), most);
}

/* Logits of dec_ids, teacher-forced. */
static void
check_logits(struct gd_model *g, const struct gd_case *c, const struct t5g_cross *cross)
{
    struct t5g_err e = {0};
    size_t v = g->m->config.decoder.v, n = c->dec_ids.dims[0];
    struct t5g_kvcache *kv = t5g_kvcache_open(g->dec, n);
    float *logits = t5g_alloc(n, v * sizeof *logits);
    if (t5g_decoder_feed(g->dec, cross, kv, c->dec_ids.i, n, true, logits, &e) != 0)
        fail_msg("%s: %s", c->name, e.msg);
    assert_int_equal(c->logits.dims[1], v);
    assert_in_range(c->logits.dims[0], 1, n);
    double d = gd_distance(logits, c->logits.f, c->logits.dims[0] * v);
    double t = tolerance(c, "logits_f32_f64", "logits_eager_sdpa", 1e-3, 1e-4);
    if (d > t)
        fail_msg("%s: logits are %g away, tolerance %g", c->name, d, t);
    t5g_free(logits);
    t5g_kvcache_free(kv);
}

static void
check_same(const struct gd_case *c, const struct t5g_sequence *s, const struct t5g_json *ids,
           size_t skip)
{
    size_t n;
    int32_t *want = gd_ids(ids, &n);
    if (s->n != n - skip || memcmp(s->ids, want + skip, s->n * sizeof *want) != 0)
        fail_msg("%s: %zu generated ids are not the %zu expected ones", c->name, s->n, n - skip);
    t5g_free(want);
}

struct greedy {
    struct gd_model *g;
    const struct gd_case *c;
    const struct t5g_cross *cross;
    int32_t *prefix; /* [n], start token first */
    size_t n;
};

/* Together with as many of the same: beams of several searches share steps. */
static struct t5g_sequence
generate_all(const struct greedy *x, struct t5g_generate_options o, struct t5g_sequence *more,
             size_t copies)
{
    struct t5g_job job = {.cross = x->cross,
                          .prompt = x->prefix + 1,
                          .n_prompt = x->n - 1,
                          .source = x->c->ids.i,
                          .n_source = x->c->n};
    struct t5g_job others[3] = {job, job, job}, *all[4] = {&job};
    struct t5g_sequence theirs[3][T5G_BEAMS_MAX] = {{{0}}};
    struct t5g_generator *g = t5g_generator_open(x->g->dec, x->g->m, &o);
    job.more = more;
    for (size_t i = 0; i < copies; i++) {
        others[i].more = theirs[i];
        all[i + 1] = &others[i];
    }
    t5g_generate(g, all, 1 + copies);
    for (size_t i = 0; i < copies; i++) {
        assert_int_equal(others[i].out.n, job.out.n);
        assert_memory_equal(others[i].out.ids, job.out.ids, job.out.n * sizeof *job.out.ids);
        t5g_sequence_free(&others[i].out);
        for (size_t k = 0; k < T5G_BEAMS_MAX; k++)
            t5g_sequence_free(&theirs[i][k]);
    }
    if (job.err.code != 0)
        fail_msg("%s: %s", x->c->name, job.err.msg);
    t5g_generator_close(g);
    return job.out;
}

static struct t5g_sequence
generate(const struct greedy *x, struct t5g_generate_options o)
{
    return generate_all(x, o, NULL, 0);
}

static void
check_greedy(const struct greedy *x)
{
    const struct t5g_json *want = t5g_json_get(x->c->json, "greedy");
    if (t5g_json_num(t5g_json_get(want, "min_margin")) <= 1e-3)
        return;
    struct t5g_generate_options o = {
        .max_new_tokens = (size_t)number(x->c, "greedy", "max_new_tokens"),
        .logprobs = true,
    };
    struct t5g_sequence s = generate(x, o);
    check_same(x->c, &s, t5g_json_get(want, "ids"), x->n);
    assert_int_equal(s.finish == T5G_FINISH_EOS, t5g_json_true(t5g_json_get(want, "ended")));
    double sum = 0;
    for (size_t i = 0; i < s.n; i++) {
        assert_true(s.logprob[i] <= 0 && s.logprob[i] > -30);
        sum += (double)s.logprob[i];
    }
    assert_true(fabs(sum - s.score) < 1e-9);
    t5g_sequence_free(&s);
}

/* The options that a golden's arguments ask for; eos ids go to the model's configuration. */
static struct t5g_generate_options
options(const struct greedy *x, const struct t5g_json *args)
{
    struct t5g_generate_options o = t5g_generate_defaults;
    struct t5g_config *config = &x->g->m->config;
    struct t5g_err e = {0};
    if (t5g_settings_read(&o, args, x->c->name, config, NULL, &e) < 0)
        fail_msg("%s", e.msg);
    const struct t5g_json *eos = t5g_json_get(args, "eos_token_id");
    if (eos != NULL) {
        int32_t *ids = gd_ids(eos, &config->n_eos);
        memcpy(config->eos, ids, config->n_eos * sizeof *ids);
        t5g_free(ids);
    }
    return o;
}

static size_t
check_variants(const struct greedy *x)
{
    size_t done = 0;
    const struct t5g_json *list = t5g_json_get(x->c->json, "variants");
    for (const struct t5g_json *v = t5g_json_first(list); v != NULL; v = t5g_json_next(v), done++) {
        struct t5g_config saved = x->g->m->config;
        struct t5g_generate_options o = options(x, t5g_json_get(v, "args"));
        struct t5g_sequence s = generate(x, o);
        check_same(x->c, &s, t5g_json_first(t5g_json_get(v, "ids")), x->n);
        t5g_sequence_free(&s);
        t5g_generate_options_free(&o);
        x->g->m->config = saved;
    }
    return done;
}

/* One of the sequences that transformers returns, filled up with eos. */
static void
check_beam(const struct greedy *x, const struct t5g_sequence *s, const struct t5g_json *ids,
           double score)
{
    size_t n;
    int32_t *want = gd_ids(ids, &n);
    if (s->n > n - x->n || memcmp(s->ids, want + x->n, s->n * sizeof *want) != 0)
        fail_msg("%s: not the beam expected", x->c->name);
    for (size_t i = x->n + s->n; i < n; i++)
        assert_int_equal(want[i], 1);
    if (fabs(s->score - score) > 1e-4 * (1 + fabs(score)))
        fail_msg("%s: score %g, expected %g", x->c->name, s->score, score);
    t5g_free(want);
}

/* key: "beams", or "groups" for diverse ones. */
static size_t
check_beams(const struct greedy *x, const char *key)
{
    size_t done = 0;
    const struct t5g_json *list = t5g_json_get(x->c->json, key);
    for (const struct t5g_json *v = t5g_json_first(list); v != NULL; v = t5g_json_next(v), done++) {
        struct t5g_config saved = x->g->m->config;
        struct t5g_sequence more[T5G_BEAMS_MAX] = {{0}};
        struct t5g_generate_options o = options(x, t5g_json_get(v, "args"));
        o.logprobs = true;
        struct t5g_sequence s = generate_all(x, o, more, 3);
        const struct t5g_json *ids = t5g_json_first(t5g_json_get(v, "ids"));
        const struct t5g_json *score = t5g_json_first(t5g_json_get(v, "scores"));
        for (size_t k = 0; k < o.num_return; k++, ids = t5g_json_next(ids)) {
            check_beam(x, k == 0 ? &s : &more[k - 1], ids, t5g_json_num(score));
            score = t5g_json_next(score);
        }
        assert_null(ids);
        x->g->m->config = saved;
        t5g_generate_options_free(&o);
        t5g_sequence_free(&s);
        for (size_t k = 0; k < T5G_BEAMS_MAX; k++)
            t5g_sequence_free(&more[k]);
    }
    return done;
}

/* Probabilities of given continuations. */
static size_t
check_targets(const struct greedy *x)
{
    struct t5g_err e = {0};
    size_t v = x->g->m->config.decoder.v, done = 0;
    const struct t5g_json *list = t5g_json_get(x->c->json, "targets");
    for (const struct t5g_json *t = t5g_json_first(list); t != NULL; t = t5g_json_next(t)) {
        size_t n;
        int32_t *ids = gd_ids(t5g_json_get(t, "ids"), &n);
        float *logits = t5g_alloc(x->n + n, v * sizeof *logits);
        struct t5g_kvcache *kv = t5g_kvcache_open(x->g->dec, x->n + n);
        /* The prefix at once, of which the last row counts; then the target. */
        if (t5g_decoder_feed(x->g->dec, x->cross, kv, x->prefix, x->n, false, logits, &e) != 0 ||
            t5g_decoder_feed(x->g->dec, x->cross, kv, ids, n, true, logits + v, &e) != 0)
            fail_msg("%s: %s", x->c->name, e.msg);
        const struct t5g_json *p = t5g_json_first(t5g_json_get(t, "logprobs"));
        for (size_t i = 0; i < n; i++, p = t5g_json_next(p)) {
            const float *row = logits + i * v;
            double max = -INFINITY, sum = 0;
            for (size_t j = 0; j < v; j++)
                max = fmax(max, (double)row[j]);
            for (size_t j = 0; j < v; j++)
                sum += exp((double)row[j] - max);
            double got = (double)row[ids[i]] - max - log(sum);
            assert_true(fabs(got - t5g_json_num(p)) < 1e-3);
        }
        t5g_kvcache_free(kv);
        t5g_free(logits);
        t5g_free(ids);
        done++;
    }
    return done;
}

struct totals {
    struct gd_model *g;
    size_t variants, beams, groups, targets, images;
};

static void
check_case(const struct gd_case *c, void *arg)
{
    struct totals *t = arg;
    struct gd_model *g = t->g;
    size_t d = g->m->config.encoder.d;
    float *out = gd_encode(g, c);
    assert_int_equal(c->encoder.dims[0], c->n);
    assert_int_equal(c->encoder.dims[1], d);
    double far = gd_distance(out, c->encoder.f, c->n * d);
    double most = tolerance(c, "enc_f32_f64", "enc_eager_sdpa", 1e-4, 1e-5);
    if (far > most)
        fail_msg("%s: encoder output is %g away, tolerance %g", c->name, far, most);

    struct greedy x = {.g = g, .c = c, .cross = t5g_cross_build(g->dec, out, c->n, T5G_F32)};
    x.prefix = gd_ids(t5g_json_get(c->json, "decoder_prefix"), &x.n);
    assert_int_equal(x.prefix[0], g->m->config.start);
    check_logits(g, c, x.cross);
    check_greedy(&x);
    t->variants += check_variants(&x);
    t->beams += check_beams(&x, "beams");
    t->groups += check_beams(&x, "groups");
    t->targets += check_targets(&x);
    t->images += c->features.f != NULL;
    t5g_free(x.prefix);
    t5g_cross_free((struct t5g_cross *)(uintptr_t)x.cross);
    t5g_free(out);
}

static void
check_level(const char *level)
{
    for (size_t i = 0; i < T5G_LEN(models); i++) {
        struct gd_model g = gd_open(models[i], level, 2);
        struct totals t = {.g = &g};
        gd_cases(models[i], check_case, &t);
        assert_true(t.variants >= 30 && t.beams >= 28 && t.groups >= 13 && t.targets >= 4 &&
                    t.images >= 4);
        gd_close(&g);
    }
}

int
main(void)
{
    return gd_main(check_level);
}
