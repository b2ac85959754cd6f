/*
 * test_bits.c: what must not change a single bit (threads, company, cutting into steps of one
 * role), long documents and sequences, and what is refused.
 *
 * tests/oracle/long_golden.py makes the arrays of tests/golden/long: the reference in f32 with
 * eager attention, on ids that formulas below give; its other attention code is 2e-5 (encoder)
 * and 1.2e-4 (logits) away from it.
 */
#include "golden.h"
#include "generate/processors.h"

#include <math.h>

static const char *const models[] = {"tiny", "tiny-gqa"};

enum { LONG = 1300, OWN = 700, SOME = 290 };

/* Start token, then ordinary ids that do not repeat in order. */
static int32_t *
series(size_t n, size_t a, size_t b)
{
    int32_t *ids = t5g_alloc(n, sizeof *ids);
    for (size_t i = 0; i < n; i++)
        ids[i] = i == 0 ? 2 : (int32_t)(20 + (i * a + i * i * b) % 600);
    return ids;
}

static float *
encode(struct gd_model *g, const int32_t *ids, size_t n)
{
    struct t5g_err e = {0};
    float *out = t5g_alloc(n, g->m->config.encoder.d * sizeof *out);
    if (t5g_encode(g->enc, ids, n, NULL, 0, out, NULL, NULL, &e) != 0)
        fail_msg("%s", e.msg);
    return out;
}

/* Logits [n, v] of ids fed in steps of `step`, for a cache that grows from `room` positions. */
static float *
decode(struct gd_model *g, const struct t5g_cross *cross, const int32_t *ids, size_t n, size_t step,
       size_t room)
{
    struct t5g_err e = {0};
    size_t v = g->m->config.decoder.v;
    float *logits = t5g_alloc(n, v * sizeof *logits);
    struct t5g_kvcache *kv = t5g_kvcache_open(g->dec, room);
    for (size_t i = 0; i < n; i += step) {
        size_t m = t5g_min(step, n - i);
        t5g_kvcache_grow(kv, i + m);
        if (t5g_decoder_feed(g->dec, cross, kv, ids + i, m, true, logits + i * v, &e) != 0)
            fail_msg("%s", e.msg);
        assert_int_equal(t5g_kvcache_pos(kv), i + m);
    }
    t5g_kvcache_free(kv);
    return logits;
}

static void
check_rows(const char *model, const char *name, const float *x, size_t width, const size_t *rows,
           size_t n, double tolerance)
{
    char path[128];
    snprintf(path, sizeof path, "golden/long/%s/%s.npy", model, name);
    char *full = gd_path(path);
    struct npy want = npy_read(full);
    assert_int_equal(npy_size(&want), n * width);
    for (size_t i = 0; i < n; i++) {
        double d = gd_distance(x + rows[i] * width, want.f + i * width, width);
        if (d > tolerance)
            fail_msg("%s: row %zu is %g away", path, rows[i], d);
    }
    npy_free(&want);
    t5g_free(full);
}

/* Several row blocks, key tiles and key blocks; the ring of local layers wraps around. */
static void
check_long(const char *model, const char *level)
{
    static const size_t rows[] = {0, 511, 512, 513, 767, 1023, 1024, 1279, 1280, 1299};
    static const size_t steps[] = {255, 256, 511, 512, 600, 699};
    /* Calls with fewer ids than T5G_PREFILL_FROM are in the row role, others in the panel role. */
    static const size_t rows_role[] = {1, T5G_PREFILL_FROM - 1},
                        panels_role[] = {T5G_PREFILL_FROM, 58, 290};
    struct gd_model g = gd_open(model, level, 2);
    int32_t *ids = series(LONG, 7919, 31), *own = series(OWN, 10473, 17);
    float *x = encode(&g, ids, LONG);
    check_rows(model, "encoder_rows", x, g.m->config.encoder.d, rows, T5G_LEN(rows), 6e-5);
    struct t5g_cross *cross = t5g_cross_build(g.dec, x, LONG, T5G_F32);
    float *all = decode(&g, cross, own, OWN, OWN, OWN);
    size_t v = g.m->config.decoder.v;
    check_rows(model, "logits_rows", all, v, steps, T5G_LEN(steps), 4e-4);
    for (size_t i = 0; i < T5G_LEN(panels_role); i++) {
        size_t step = panels_role[i], n = SOME / step * step;
        float *pieces = decode(&g, cross, own, n, step, i == 0 ? 1 : OWN + 2000);
        assert_memory_equal(all, pieces, n * v * sizeof *all);
        t5g_free(pieces);
    }
    /* One by one in a growing cache (until the ring has gone round), and in odd pieces. */
    float *single = decode(&g, cross, own, OWN, rows_role[0], 1);
    check_rows(model, "logits_rows", single, v, steps, T5G_LEN(steps), 4e-4);
    float *pieces = decode(&g, cross, own, SOME, rows_role[1], OWN + 2000);
    assert_memory_equal(single, pieces, SOME * v * sizeof *all);
    t5g_free(pieces);
    t5g_free(single);
    t5g_free(all);
    t5g_free(x);
    t5g_free(own);
    t5g_free(ids);
    t5g_cross_free(cross);
    gd_close(&g);
}

typedef void role(struct t5g_decoder *x, struct t5g_part *parts, size_t n_parts);

/*
 * The last layer is computed only for rows that something is asked of: they have the bits that they
 * have among others, and what follows finds the keys and values of all.
 */
static void
check_asked(const char *model, role *run)
{
    enum { N = 24 };
    struct gd_model g = gd_open(model, NULL, 2);
    struct gd_case c = gd_case_open(model, "enc9");
    struct t5g_cross *cross = t5g_cross_build(g.dec, c.encoder.f, c.n, T5G_F32);
    size_t d = g.m->config.decoder.d, row = d * sizeof(float);
    int32_t *ids[2] = {series(N, 7919, 31), series(N, 10473, 17)};
    float *all[2], *last = t5g_alloc(1, row), *rest = t5g_alloc(N, row);
    struct t5g_kvcache *kv[2];
    struct t5g_part a = {.cross = cross}, b = {.cross = cross};
    for (int s = 0; s < 2; s++) {
        all[s] = t5g_alloc(N, row);
        kv[s] = t5g_kvcache_open(g.dec, N);
        a = (struct t5g_part){
            .cross = cross, .kv = kv[s], .ids = ids[s], .n = N, .all = true, .rows = all[s]};
        run(g.dec, &a, 1);
        t5g_kvcache_reset(kv[s]);
    }
    a = (struct t5g_part){.cross = cross, .kv = kv[0], .ids = ids[0], .n = 10};
    b = (struct t5g_part){.cross = cross, .kv = kv[1], .ids = ids[1], .n = 12, .rows = last};
    run(g.dec, (struct t5g_part[]){a, b}, 2); /* nothing, and the last row */
    assert_memory_equal(last, all[1] + 11 * d, row);
    b = (struct t5g_part){.cross = cross, .kv = kv[1], .ids = ids[1] + 12, .n = 4};
    run(g.dec, &b, 1); /* nothing at all */
    a = (struct t5g_part){
        .cross = cross, .kv = kv[0], .ids = ids[0] + 10, .n = N - 10, .all = true, .rows = rest};
    b = (struct t5g_part){.cross = cross, .kv = kv[1], .ids = ids[1] + 16, .n = 8, .rows = last};
    run(g.dec, (struct t5g_part[]){b, a}, 2);
    assert_memory_equal(rest, all[0] + 10 * d, (N - 10) * row);
    assert_memory_equal(last, all[1] + 23 * d, row);
    for (int s = 0; s < 2; s++) {
        t5g_kvcache_free(kv[s]);
        t5g_free(ids[s]);
        t5g_free(all[s]);
    }
    t5g_free(last);
    t5g_free(rest);
    t5g_cross_free(cross);
    gd_case_close(&c);
    gd_close(&g);
}

static void
test_asked(void **state)
{
    (void)state;
    for (size_t i = 0; i < T5G_LEN(models); i++) {
        check_asked(models[i], t5g_decoder_step);
        check_asked(models[i], t5g_decoder_prefill);
    }
}

/* 8704 encoder rows: more key blocks than are merged at a time. */
static void
check_tiled(const char *model, const char *level)
{
    static const size_t rows[] = {0, 39};
    struct gd_model g = gd_open(model, level, 2);
    struct gd_case c = gd_case_open(model, "enc512");
    size_t size = npy_size(&c.encoder);
    float *x = t5g_alloc(17, size * sizeof *x);
    for (size_t i = 0; i < 17; i++)
        memcpy(x + i * size, c.encoder.f, size * sizeof *x);
    struct t5g_cross *cross = t5g_cross_build(g.dec, x, 17 * c.n, T5G_F32);
    int32_t *own = series(40, 10473, 17);
    float *logits = decode(&g, cross, own, 40, 40, 40);
    check_rows(model, "logits_tiled", logits, g.m->config.decoder.v, rows, 2, 4e-4);
    t5g_free(logits);
    t5g_free(own);
    t5g_free(x);
    t5g_cross_free(cross);
    gd_case_close(&c);
    gd_close(&g);
}

/* No encoder rows: the decoder is a causal language model. */
static void
check_alone(const char *model, const char *level)
{
    static const size_t rows[] = {0, 39};
    struct gd_model g = gd_open(model, level, 2);
    int32_t *own = series(40, 10473, 17);
    for (int dtype = T5G_F32; dtype != -1; dtype = dtype == T5G_F32 ? T5G_I8 : -1) {
        struct t5g_cross *cross = t5g_cross_build(g.dec, NULL, 0, dtype);
        float *logits = decode(&g, cross, own, 40, 40, 40);
        check_rows(model, "logits_alone", logits, g.m->config.decoder.v, rows, 2, 4e-4);
        t5g_free(logits);
        t5g_cross_free(cross);
    }
    t5g_free(own);
    gd_close(&g);
}

/* The role of a prompt depends on its own length, as in t5g_decoder_feed. */
static void
check_prompt(struct gd_model *g, const struct t5g_cross *cross, size_t n)
{
    size_t v = g->m->config.decoder.v;
    int32_t *ids = series(n, 7919, 31);
    float *logits = decode(g, cross, ids, n, n, n), *last = logits + (n - 1) * v;
    struct t5g_generate_options o = {.max_new_tokens = 1, .logprobs = true};
    struct t5g_generator *gen = t5g_generator_open(g->dec, g->m, &o);
    struct t5g_job job = {.cross = cross, .prompt = ids + 1, .n_prompt = n - 1};
    t5g_generate(gen, &(struct t5g_job *){&job}, 1);
    double all = t5g_log_sum_exp(last, v);
    assert_int_equal(job.out.n, 1);
    assert_true(job.out.logprob[0] == (float)((double)last[job.out.ids[0]] - all));
    t5g_sequence_free(&job.out);
    t5g_generator_close(gen);
    t5g_free(logits);
    t5g_free(ids);
}

static void
test_prompts(void **state)
{
    static const size_t lengths[] = {T5G_PREFILL_FROM - 1, T5G_PREFILL_FROM, T5G_PREFILL_ROWS,
                                     T5G_PREFILL_ROWS + 1, 3 * T5G_PREFILL_ROWS - 5};
    (void)state;
    for (const char *const *l = gd_levels(); *l != NULL; l++)
        for (size_t i = 0; i < T5G_LEN(models); i++) {
            struct gd_model g = gd_open(models[i], *l, 2);
            struct gd_case c = gd_case_open(models[i], "hello");
            struct t5g_cross *cross = t5g_cross_build(g.dec, c.encoder.f, c.n, T5G_F32);
            for (size_t k = 0; k < T5G_LEN(lengths); k++)
                check_prompt(&g, cross, lengths[k]);
            t5g_cross_free(cross);
            gd_case_close(&c);
            gd_close(&g);
        }
}

static void
test_long(void **state)
{
    (void)state;
    for (const char *const *l = gd_levels(); *l != NULL; l++) {
        for (size_t i = 0; i < T5G_LEN(models); i++) {
            check_long(models[i], *l);
            check_tiled(models[i], *l);
            check_alone(models[i], *l);
        }
    }
}

/* All that comes out of one case. */
struct result {
    float *enc, *logits;
    struct t5g_sequence s;
};

static struct result
result_of(struct gd_model *g, const struct gd_case *c)
{
    struct t5g_generate_options o = {.max_new_tokens = 20, .min_new_tokens = 20, .logprobs = true};
    struct result r = {.enc = gd_encode(g, c)};
    size_t n = c->dec_ids.dims[0];
    struct t5g_cross *cross = t5g_cross_build(g->dec, r.enc, c->n, T5G_F32);
    r.logits = decode(g, cross, c->dec_ids.i, n, n, n);
    struct t5g_generator *gen = t5g_generator_open(g->dec, g->m, &o);
    struct t5g_job job = {.cross = cross};
    t5g_generate(gen, &(struct t5g_job *){&job}, 1);
    assert_int_equal(job.err.code, 0);
    r.s = job.out;
    assert_int_equal(r.s.n, 20);
    t5g_generator_close(gen);
    t5g_cross_free(cross);
    return r;
}

static void
result_free(struct result *r)
{
    t5g_free(r->enc);
    t5g_free(r->logits);
    t5g_sequence_free(&r->s);
}

static void
check_equal(const struct gd_model *g, const struct gd_case *c, const struct result *a,
            const struct result *b)
{
    size_t rows = c->dec_ids.dims[0];
    assert_memory_equal(a->enc, b->enc, c->n * g->m->config.encoder.d * sizeof *a->enc);
    assert_memory_equal(a->logits, b->logits, rows * g->m->config.decoder.v * sizeof *a->logits);
    assert_memory_equal(a->s.ids, b->s.ids, a->s.n * sizeof *a->s.ids);
    assert_memory_equal(a->s.logprob, b->s.logprob, a->s.n * sizeof *a->s.logprob);
}

/* Threads, and documents before this one in the same encoder and decoder. */
static void
test_threads(void **state)
{
    static const char *const names[] = {"enc512", "hello", "img_two", "bos_only", "teacher_long"};
    (void)state;
    for (const char *const *l = gd_levels(); *l != NULL; l++) {
        for (size_t i = 0; i < T5G_LEN(models); i++) {
            for (size_t j = 0; j < T5G_LEN(names); j++) {
                struct gd_case c = gd_case_open(models[i], names[j]);
                struct gd_case other = gd_case_open(models[i], names[(j + 1) % T5G_LEN(names)]);
                struct gd_model one = gd_open(models[i], *l, 1);
                struct result a = result_of(&one, &c);
                for (size_t threads = 1; threads <= 3; threads++) {
                    struct gd_model g = gd_open(models[i], *l, threads);
                    struct result first = result_of(&g, &other), b = result_of(&g, &c);
                    check_equal(&one, &c, &a, &b);
                    result_free(&first);
                    result_free(&b);
                    gd_close(&g);
                }
                result_free(&a);
                gd_close(&one);
                gd_case_close(&c);
                gd_case_close(&other);
            }
        }
    }
}

/* Two sequences that take turns give what each gives alone. */
static void
test_turns(void **state)
{
    (void)state;
    struct t5g_err e = {0};
    struct gd_model g = gd_open("tiny", NULL, 2);
    struct gd_case c = gd_case_open("tiny", "enc130");
    struct t5g_cross *cross = t5g_cross_build(g.dec, c.encoder.f, c.n, T5G_F32);
    size_t v = g.m->config.decoder.v;
    int32_t *ids[2] = {series(30, 7919, 31), series(30, 10473, 17)};
    struct t5g_kvcache *kv[2] = {t5g_kvcache_open(g.dec, 30), t5g_kvcache_open(g.dec, 99)};
    float *alone[2] = {decode(&g, cross, ids[0], 30, T5G_PREFILL_FROM - 1, 30),
                       decode(&g, cross, ids[1], 30, 1, 30)};
    float *row = t5g_alloc(v, sizeof *row);
    for (size_t i = 0; i < 30; i++) {
        for (size_t s = 0; s < 2; s++) {
            assert_int_equal(t5g_decoder_feed(g.dec, cross, kv[s], ids[s] + i, 1, false, row, &e),
                             0);
            assert_memory_equal(row, alone[s] + i * v, v * sizeof *row);
        }
    }
    for (size_t s = 0; s < 2; s++) {
        t5g_free(ids[s]);
        t5g_free(alone[s]);
        t5g_kvcache_free(kv[s]);
    }
    t5g_free(row);
    t5g_cross_free(cross);
    gd_case_close(&c);
    gd_close(&g);
}

/* logits = cap tanh(logits / cap); the cap is the decoder's. Within the error of tanh. */
static void
test_softcap(void **state)
{
    (void)state;
    for (const char *const *l = gd_levels(); *l != NULL; l++) {
        struct gd_model g = gd_open("tiny", *l, 2);
        struct gd_case c = gd_case_open("tiny", "teacher_long");
        struct t5g_cross *cross = t5g_cross_build(g.dec, c.encoder.f, c.n, T5G_F32);
        size_t n = c.dec_ids.dims[0], v = g.m->config.decoder.v;
        float *plain = decode(&g, cross, c.dec_ids.i, n, n, n);
        g.m->config.decoder.logit_softcap = 7;
        g.m->config.encoder.logit_softcap = 3;
        float *capped = decode(&g, cross, c.dec_ids.i, n, n, n);
        for (size_t i = 0; i < n * v; i++)
            assert_true(fabs((double)capped[i] - 7 * tanh((double)plain[i] / 7)) < 5e-6);
        t5g_free(plain);
        t5g_free(capped);
        t5g_cross_free(cross);
        gd_case_close(&c);
        gd_close(&g);
    }
}

struct watch {
    size_t calls, last, total, stop;
};

static bool
watch(void *arg, size_t done, size_t total)
{
    struct watch *w = arg;
    assert_true(done >= w->last && done <= total);
    assert_true(w->calls == 0 || total == w->total);
    w->last = done;
    w->total = total;
    return ++w->calls != w->stop;
}

static void
test_progress(void **state)
{
    (void)state;
    struct t5g_err e = {0};
    struct gd_model g = gd_open("tiny", NULL, 2);
    int32_t *ids = series(LONG, 7919, 31);
    float *out = t5g_alloc(LONG, g.m->config.encoder.d * sizeof *out);
    struct watch w = {0}, stopped = {.stop = 5};
    assert_int_equal(t5g_encode(g.enc, ids, LONG, NULL, 0, out, watch, &w, &e), 0);
    assert_true(w.calls > g.m->config.encoder.layers && w.last == w.total);
    assert_int_equal(t5g_encode(g.enc, ids, LONG, NULL, 0, out, watch, &stopped, &e), -1);
    assert_int_equal(e.code, T5G_EX_AGAIN);
    assert_int_equal(stopped.calls, 5);
    t5g_free(out);
    t5g_free(ids);
    gd_close(&g);
}

static void
test_refused(void **state)
{
    (void)state;
    struct t5g_err e = {0};
    struct gd_model g = gd_open("tiny", NULL, 1);
    struct gd_case c = gd_case_open("tiny", "img_first");
    size_t d = g.m->config.encoder.d, n = npy_size(&c.features) / d;
    float *out = t5g_alloc(c.n, d * sizeof *out);
    /* Features that do not fit the ids, and such that are not numbers. */
    assert_int_equal(t5g_encode(g.enc, c.ids.i, c.n, c.features.f, n - 1, out, NULL, NULL, &e), -1);
    assert_int_equal(e.code, T5G_EX_DATA);
    c.features.f[d + 1] = NAN;
    assert_int_equal(t5g_encode(g.enc, c.ids.i, c.n, c.features.f, n, out, NULL, NULL, &e), -1);
    assert_int_equal(e.code, T5G_EX_DATA);
    assert_non_null(strstr(e.msg, "not finite"));

    /* An encoder row that is no number; a full cache; a caller who has enough. */
    float *logits = t5g_alloc(g.m->config.decoder.v, sizeof *logits);
    struct t5g_kvcache *kv = t5g_kvcache_open(g.dec, 3);
    int32_t ids[4] = {2, 30, 31, 32};
    c.encoder.f[5] = INFINITY;
    struct t5g_cross *bad = t5g_cross_build(g.dec, c.encoder.f, c.n, T5G_F32);
    assert_int_equal(t5g_decoder_feed(g.dec, bad, kv, ids, 1, false, logits, &e), -1);
    assert_int_equal(e.code, T5G_EX_DATA);
    c.encoder.f[5] = 0;
    struct t5g_cross *cross = t5g_cross_build(g.dec, c.encoder.f, c.n, T5G_F32);
    t5g_kvcache_reset(kv);
    assert_int_equal(t5g_decoder_feed(g.dec, cross, kv, ids, 4, false, logits, &e), -1);
    assert_int_equal(e.code, T5G_EX_BUG);
    assert_int_equal(t5g_decoder_feed(g.dec, cross, kv, ids, 3, false, logits, &e), 0);

    t5g_cross_free(bad);
    t5g_cross_free(cross);
    t5g_kvcache_free(kv);
    t5g_free(logits);
    t5g_free(out);
    gd_case_close(&c);
    gd_close(&g);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_long),     cmocka_unit_test(test_prompts),
        cmocka_unit_test(test_threads),  cmocka_unit_test(test_turns),
        cmocka_unit_test(test_progress), cmocka_unit_test(test_refused),
        cmocka_unit_test(test_softcap),  cmocka_unit_test(test_asked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
