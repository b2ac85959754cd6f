/*
 * test_divergence.c: what is said of two models along a sequence, beside the definition of it, on
 * the logits that transformers computes; a model is no distance from itself. Then the report of
 * packed models: which part of a text is the document, and what the means are over.
 *
 * Tolerance: golden logits are up to 1.2e-4 away from ours (test_bits.c), and every figure is a
 * difference of logits or a mean of them. Between our own logits it is rounding in f64.
 */
#include "golden.h"
#include "modeldir.h"
#include "modelfix.h"

#include "model/pack.h"
#include "stage/report.h"

#include <fcntl.h>
#include <math.h>
#include <unistd.h>

#define TOLERANCE 3e-4

/* ln of the probabilities of logits [v]. */
static void
log_softmax(double *p, const float *x, size_t v)
{
    double sum = 0;
    for (size_t i = 0; i < v; i++)
        sum += exp((double)x[i]);
    for (size_t i = 0; i < v; i++)
        p[i] = (double)x[i] - log(sum);
}

/* Positions from.. of logits x and y [n, v], with ids [n]. */
static struct t5g_divergence
by_definition(const float *x, const float *y, size_t v, const int32_t *ids, size_t n, size_t from)
{
    struct t5g_divergence d = {0};
    double *p = t5g_alloc(v, sizeof *p), *q = t5g_alloc(v, sizeof *q);
    for (size_t i = from; i < n; i++) {
        size_t best = 0, other = 0;
        log_softmax(p, x + i * v, v);
        log_softmax(q, y + i * v, v);
        for (size_t j = 0; j < v; j++) {
            d.kl += exp(p[j]) * (p[j] - q[j]);
            best = p[j] > p[best] ? j : best;
            other = q[j] > q[other] ? j : other;
        }
        d.positions++;
        d.same += best == other;
        if (i + 1 == n)
            continue;
        d.targets++;
        d.loss[0] -= p[ids[i + 1]];
        d.loss[1] -= q[ids[i + 1]];
        d.apart += fabs(p[ids[i + 1]] - q[ids[i + 1]]);
    }
    t5g_free(p);
    t5g_free(q);
    return d;
}

static void
check_close(const struct t5g_divergence *a, const struct t5g_divergence *b)
{
    double n = TOLERANCE * (double)a->positions;
    assert_int_equal(a->positions, b->positions);
    assert_int_equal(a->targets, b->targets);
    assert_int_equal(a->same, b->same);
    assert_true(fabs(a->kl - b->kl) < n && fabs(a->apart - b->apart) < n);
    assert_true(fabs(a->loss[0] - b->loss[0]) < n && fabs(a->loss[1] - b->loss[1]) < n);
}

/* The same decoder over two documents takes the place of two models. */
static void
check_model(const char *name, const char *level, size_t threads)
{
    struct gd_model g = gd_open(name, level, threads);
    struct gd_case c = gd_case_open(name, "teacher_long"), other = gd_case_open(name, "hello");
    struct t5g_err e;
    size_t v = g.m->config.decoder.v, n = c.dec_ids.dims[0];
    struct t5g_decoder *const decoders[2] = {g.dec, g.dec};
    struct t5g_comparer *x = t5g_comparer_open(decoders, v, g.pool);
    const struct t5g_cross *const cross[2] = {
        t5g_cross_build(g.dec, c.encoder.f, c.n, T5G_F32),
        t5g_cross_build(g.dec, other.encoder.f, other.n, T5G_F32)};
    double(*logprob)[2] = t5g_alloc(n, sizeof *logprob);
    float *logits = t5g_alloc(n * v, sizeof *logits);
    struct t5g_kvcache *kv = t5g_kvcache_open(g.dec, n);
    assert_int_equal(t5g_decoder_feed(g.dec, cross[1], kv, c.dec_ids.i, n, true, logits, &e), 0);
    for (size_t from = 0; from < n; from += n - 1) {
        struct t5g_divergence have = {0};
        struct t5g_divergence want = by_definition(c.logits.f, logits, v, c.dec_ids.i, n, from);
        assert_int_equal(t5g_comparer_add(x, cross, c.dec_ids.i, n, from, &have, logprob, &e), 0);
        check_close(&have, &want);
        double loss[2] = {0, 0};
        for (size_t i = 0; i + 1 < n - from; i++)
            for (int s = 0; s < 2; s++)
                loss[s] -= logprob[i][s];
        assert_true(loss[0] == have.loss[0] && loss[1] == have.loss[1]);
    }
    struct t5g_divergence self = {0};
    const struct t5g_cross *const twice[2] = {cross[0], cross[0]};
    assert_int_equal(t5g_comparer_add(x, twice, c.dec_ids.i, n, 0, &self, NULL, &e), 0);
    assert_true(self.kl == 0 && self.apart == 0 && self.same == n);
    assert_true(self.loss[0] == self.loss[1]);
    t5g_kvcache_free(kv);
    t5g_free(logits);
    t5g_free(logprob);
    for (int s = 0; s < 2; s++)
        t5g_cross_free((struct t5g_cross *)(uintptr_t)cross[s]);
    t5g_comparer_close(x);
    gd_case_close(&c);
    gd_case_close(&other);
    gd_close(&g);
}

static void
test_definition(void **state)
{
    (void)state;
    for (const char *const *l = gd_levels(); *l != NULL; l++)
        for (size_t threads = 1; threads <= 2; threads++) {
            check_model("tiny", *l, threads);
            check_model("tiny-gqa", *l, threads);
        }
}

/* More positions than are computed at a time, at any number of threads: the same bits. */
static void
test_threads(void **state)
{
    (void)state;
    enum { N = 101 };
    struct t5g_divergence d[3] = {{0}};
    int32_t ids[N];
    for (size_t i = 0; i < N; i++)
        ids[i] = i == 0 ? 2 : (int32_t)(20 + i * i % 600);
    for (size_t t = 0; t < 3; t++) {
        struct gd_model g = gd_open("tiny", NULL, t + 1);
        struct t5g_err e;
        struct gd_case c = gd_case_open("tiny", "enc35");
        struct t5g_decoder *const decoders[2] = {g.dec, g.dec};
        struct t5g_comparer *x = t5g_comparer_open(decoders, g.m->config.decoder.v, g.pool);
        struct t5g_cross *cross = t5g_cross_build(g.dec, c.encoder.f, c.n, T5G_F32);
        struct t5g_cross *none = t5g_cross_build(g.dec, NULL, 0, T5G_F32);
        const struct t5g_cross *const both[2] = {cross, none};
        assert_int_equal(t5g_comparer_add(x, both, ids, N, 0, &d[t], NULL, &e), 0);
        assert_int_equal(d[t].positions, N);
        assert_true(d[t].kl > 0);
        t5g_cross_free(cross);
        t5g_cross_free(none);
        t5g_comparer_close(x);
        gd_case_close(&c);
        gd_close(&g);
    }
    assert_memory_equal(&d[0], &d[1], sizeof d[0]);
    assert_memory_equal(&d[0], &d[2], sizeof d[0]);
}

/* A logit that is no number is an error, not a figure. */
static void
test_not_finite(void **state)
{
    (void)state;
    struct gd_model g = gd_open("tiny", NULL, 1);
    struct t5g_err e = {0};
    size_t d = g.m->config.decoder.d;
    float *rows = t5g_alloc(d, sizeof *rows);
    rows[3] = NAN;
    struct t5g_decoder *const decoders[2] = {g.dec, g.dec};
    struct t5g_comparer *x = t5g_comparer_open(decoders, g.m->config.decoder.v, g.pool);
    struct t5g_cross *good = t5g_cross_build(g.dec, NULL, 0, T5G_F32);
    struct t5g_cross *bad = t5g_cross_build(g.dec, rows, 1, T5G_F32);
    const struct t5g_cross *const both[2] = {good, bad};
    struct t5g_divergence sum = {0};
    assert_int_equal(t5g_comparer_add(x, both, (int32_t[]){2, 30}, 2, 0, &sum, NULL, &e), -1);
    assert_int_equal(e.code, T5G_EX_DATA);
    assert_non_null(strstr(e.msg, "not finite"));
    t5g_cross_free(good);
    t5g_cross_free(bad);
    t5g_comparer_close(x);
    t5g_free(rows);
    gd_close(&g);
}

/* ---- the report of a packed model ---- */

/* Logits [n, v] of ids [n] over the document ids [n_doc], in one go. */
static float *
plain_logits(const struct t5g_model *m, struct t5g_pool *pool, const int32_t *doc, size_t n_doc,
             const int32_t *ids, size_t n)
{
    struct t5g_err e;
    const struct t5g_kernels *k = t5g_kernels_get(NULL, &e);
    struct t5g_encoder *enc = t5g_encoder_open(m, k, pool);
    struct t5g_decoder *dec = t5g_decoder_open(m, k, pool);
    float *rows = t5g_alloc(n_doc, m->config.encoder.d * sizeof *rows);
    float *logits = t5g_alloc(n, m->config.decoder.v * sizeof *logits);
    if (n_doc > 0)
        assert_int_equal(t5g_encode(enc, doc, n_doc, NULL, 0, rows, NULL, NULL, &e), 0);
    struct t5g_cross *cross = t5g_cross_build(dec, rows, n_doc, m->quantised ? T5G_I8 : T5G_F32);
    struct t5g_kvcache *kv = t5g_kvcache_open(dec, n);
    assert_int_equal(t5g_decoder_feed(dec, cross, kv, ids, n, true, logits, &e), 0);
    t5g_kvcache_free(kv);
    t5g_cross_free(cross);
    t5g_free(rows);
    t5g_encoder_close(enc);
    t5g_decoder_close(dec);
    return logits;
}

/* One text by definition: t [m] as ids, of which the first `half` are the document. */
static struct t5g_divergence
of_text(const struct t5g_model *const m[2], struct t5g_pool *pool, const int32_t *t, size_t n,
        size_t half, bool document)
{
    int32_t *doc = t5g_alloc(half + 1, sizeof *doc), *ids = t5g_alloc(n + 1, sizeof *ids);
    doc[0] = ids[0] = 2; /* <bos>, and the start token */
    memcpy(doc + 1, t, half * sizeof *doc);
    memcpy(ids + 1, t + half, (n - half) * sizeof *ids);
    float *x[2];
    for (int s = 0; s < 2; s++)
        x[s] = plain_logits(m[s], pool, doc, document ? half + 1 : 0, ids, n - half + 1);
    struct t5g_divergence d =
        by_definition(x[0], x[1], m[0]->config.decoder.v, ids, n - half + 1, 0);
    t5g_free(x[0]);
    t5g_free(x[1]);
    t5g_free(doc);
    t5g_free(ids);
    return d;
}

/* Every text counts the same. */
static void
check_row(const struct t5g_report_row *row, const struct t5g_divergence *d, size_t n)
{
    struct t5g_report_row want = {0};
    for (size_t i = 0; i < n; i++) {
        want.positions += d[i].positions;
        want.kl += d[i].kl / (double)d[i].positions / (double)n;
        want.same += (double)d[i].same / (double)d[i].positions / (double)n;
        want.apart += d[i].apart / (double)d[i].targets / (double)n;
        for (int s = 0; s < 2; s++)
            want.perplexity[s] += d[i].loss[s] / (double)d[i].targets / (double)n;
    }
    assert_int_equal(row->texts, n);
    assert_int_equal(row->positions, want.positions);
    assert_true(fabs(row->kl - want.kl) < 1e-9 && fabs(row->same - want.same) < 1e-12);
    assert_true(fabs(row->apart - want.apart) < 1e-9);
    for (int s = 0; s < 2; s++)
        assert_true(fabs(log(row->perplexity[s]) - want.perplexity[s]) < 1e-9);
}

static void
check_report(const char *source, const char *other, struct t5g_tokenizer *tokenizer,
             struct t5g_pool *pool)
{
    char *texts[] = {"A bee in a flower bed.", "x",
                     "The work may be copied under the License, and You may not remove any notice "
                     "of it. Each contributor grants to You a perpetual right to use it."};
    enum { N = T5G_LEN(texts) };
    struct t5g_err e = {0};
    struct t5g_texts t = {0};
    struct t5g_corpus_options o = {.texts = texts, .n_texts = N};
    assert_int_equal(t5g_texts_read(&t, tokenizer, &o, &e), 0);
    struct t5g_report *r = t5g_report_open(source, other, false, tokenizer, pool, &e);
    const struct t5g_model *const m[2] = {t5g_model_open(source, T5G_NEED_DECODER, &e),
                                          t5g_model_open(other, T5G_NEED_DECODER, &e)};
    if (r == NULL)
        fail_msg("%s", e.msg);
    for (int part = 0; part < T5G_REPORT_PARTS; part++) {
        struct t5g_divergence d[N];
        struct t5g_report_row row;
        for (size_t i = 0; i < N; i++) {
            size_t n;
            const int32_t *ids = t5g_texts_get(&t, i, &n);
            d[i] = of_text(m, pool, ids, n, part == T5G_REPORT_BOTH ? n / 2 : 0,
                           part == T5G_REPORT_BOTH);
        }
        assert_int_equal(t5g_report_run(r, &t, (enum t5g_report_part)part, &row, NULL, NULL, &e),
                         0);
        check_row(&row, d, N);
        assert_true(m[1]->quantised ? row.kl > 0 : row.kl == 0);
    }
    for (int s = 0; s < 2; s++)
        t5g_model_close((struct t5g_model *)(uintptr_t)m[s]);
    t5g_report_close(r);
    t5g_texts_free(&t);
}

static void
test_report(void **state)
{
    (void)state;
    static const enum t5g_pack_weights weights[] = {T5G_PACK_KEEP, T5G_PACK_Q8, T5G_PACK_Q4};
    struct t5g_err e = {0};
    char *dir = md_tmp(), *packed = t5g_path_join(dir, "packed.t5g");
    for (size_t k = 0; k < 2; k++) {
        const char *name = k == 0 ? "tiny" : "tiny-gqa";
        char *source = md_fixture(name);
        struct t5g_tokenizer *tokenizer = t5g_tokenizer_open(source, &e);
        struct t5g_pool *pool = t5g_pool_open(2, &e);
        for (size_t i = 0; i < T5G_LEN(weights); i++) {
            mf_pack(name, weights[i], NULL, packed);
            check_report(source, packed, tokenizer, pool);
        }
        t5g_pool_close(pool);
        t5g_tokenizer_close(tokenizer);
        t5g_free(source);
    }
    md_remove(dir);
    t5g_free(packed);
    t5g_free(dir);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_definition), cmocka_unit_test(test_threads),
        cmocka_unit_test(test_not_finite), cmocka_unit_test(test_report)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
