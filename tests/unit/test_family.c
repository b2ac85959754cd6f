/*
 * test_family.c: the blocks of common/nn compute what a stack's config says: a family that is built
 * otherwise than T5Gemma 2 (tests/oracle/other_family.py, where its weights and values come from)
 * runs through the same encoder and decoder, at every level.
 *
 * Tolerance: 2e-5 for values up to 5, sums of up to 40 terms in f32.
 */
#include "golden.h"

#include "generate/score.h"
#include "model/family.h"

#include <math.h>
#include <stddef.h>

#define MATRIX(to, rows, cols)                                                              \
    {                                                                                       \
#to, T5G_ROW_MATRIX, offsetof(struct t5g_layer, to), T5G_DIM_##rows, T5G_DIM_##cols \
    }
#define NORM(to)                                                                \
    {                                                                           \
#to, T5G_ROW_NORM, offsetof(struct t5g_layer, to), T5G_DIM_D, T5G_DIM_D \
    }
#define END                                         \
    {                                               \
        NULL, T5G_ROW_NORM, 0, T5G_DIM_D, T5G_DIM_D \
    }
#define ATTENTION(a) \
    NORM(a.pre), MATRIX(a.q, Q, D), MATRIX(a.k, KV, D), MATRIX(a.v, KV, D), MATRIX(a.o, D, Q)
#define FEED_FORWARD NORM(ffn.pre), MATRIX(ffn.gate, F, D), MATRIX(ffn.down, D, F)

static const struct t5g_tensor_row encoder_layer[] = {ATTENTION(self), FEED_FORWARD, END};
static const struct t5g_tensor_row decoder_layer[] = {ATTENTION(self), ATTENTION(cross),
                                                      FEED_FORWARD, END};

enum { V = 50, N_LAYERS = 3 };
static bool full[N_LAYERS] = {false, true, false};

static struct t5g_stack_config
config(enum t5g_cross_kind cross)
{
    return (struct t5g_stack_config){
        .block = {.layer_norm = true, .act = T5G_RELU, .cross = cross},
        .d = 24,
        .f = 40,
        .layers = N_LAYERS,
        .h = 4,
        .hk = 2,
        .dh = 10,
        .v = V,
        .window = 6,
        .eps = 1e-5f,
        .scale = 1 / sqrtf(10),
        .attn_softcap = 4,
        .full = full,
    };
}

/* The next rows x cols of the file. */
static struct t5g_mat
take(const float **at, size_t rows, size_t cols)
{
    struct t5g_mat m = {.p = *at, .dtype = T5G_F32, .rows = rows, .cols = cols};
    *at += rows * cols;
    return m;
}

static struct t5g_norm
take_norm(const float **at, size_t d)
{
    struct t5g_norm n = {*at, *at + d};
    *at += 2 * d;
    return n;
}

static void
take_stack(struct t5g_stack *s, const struct t5g_stack_config *c, const struct t5g_tensor_row *rows,
           const float **at)
{
    s->c = c;
    s->embed_scale = 1;
    s->layers = t5g_alloc(c->layers, sizeof *s->layers);
    for (size_t i = 0; i < c->layers; i++)
        for (const struct t5g_tensor_row *r = rows; r->name != NULL; r++) {
            void *field = (char *)&s->layers[i] + r->field;
            if (r->kind == T5G_ROW_NORM)
                *(struct t5g_norm *)field = take_norm(at, c->d);
            else
                ((struct t5g_affine *)field)->w =
                    take(at, t5g_dim_of(c, r->rows), t5g_dim_of(c, r->cols));
        }
    s->norm = take_norm(at, c->d);
    s->embed = take(at, c->v, c->d);
}

static struct npy
read_array(const char *name)
{
    char below[64];
    snprintf(below, sizeof below, "golden/other-family/%s.npy", name);
    char *path = gd_path(below);
    struct npy a = npy_read(path);
    t5g_free(path);
    return a;
}

/* Given ids as a target, beside one that branches from it: ln softmax of the reference's logits. */
static void
check_scores(struct t5g_decoder *dec, const struct t5g_model *m, const struct t5g_cross *cross,
             const int32_t *ids, size_t rows, const float *logits)
{
    struct t5g_config c = m->config;
    struct t5g_targets t = {0};
    int32_t other[2] = {ids[1], (ids[2] + 1) % V};
    float p[64];
    c.start = ids[0];
    struct t5g_scorer *s = t5g_scorer_open(dec, &c);
    t5g_targets_add(&t, other, 2);
    t5g_targets_add(&t, ids + 1, rows - 1);
    t5g_targets_grow(&t);
    struct t5g_score_job job = {.cross = cross, .targets = &t}, *jobs[] = {&job};
    job.logprob = t5g_alloc(t.n_nodes, sizeof *job.logprob);
    t5g_score(s, jobs, 1);
    assert_int_equal(job.err.code, 0);
    for (size_t k = 0; k < 2; k++) {
        size_t n;
        const int32_t *target = t5g_targets_get(&t, k, &n);
        assert_true(n <= T5G_LEN(p));
        t5g_targets_pick(&t, k, job.logprob, p);
        for (size_t i = 0; i < n; i++) {
            double sum = 0;
            for (size_t j = 0; j < V; j++)
                sum += exp((double)logits[i * V + j]);
            assert_true(fabs((double)p[i] - (double)logits[i * V + (size_t)target[i]] + log(sum)) <
                        4e-5); /* two logits */
        }
    }
    t5g_free(job.logprob);
    t5g_targets_free(&t);
    t5g_scorer_close(s);
}

static void
one_level(const struct t5g_model *m, const char *level, size_t threads)
{
    struct t5g_err e = {0};
    const struct t5g_kernels *k = t5g_kernels_get(level, &e);
    struct t5g_pool *pool = t5g_pool_open(threads, &e);
    struct npy ids = read_array("ids"), want = read_array("encoder");
    struct npy dec_ids = read_array("dec_ids"), want_logits = read_array("logits");
    size_t n = ids.dims[0], d = m->config.encoder.d, rows = dec_ids.dims[0];
    float *enc = t5g_alloc(n * d, sizeof *enc), *logits = t5g_alloc(rows * V, sizeof *logits);

    struct t5g_encoder *x = t5g_encoder_open(m, k, pool);
    assert_int_equal(t5g_encode(x, ids.i, n, NULL, 0, enc, NULL, NULL, &e), 0);
    assert_true(gd_distance(enc, want.f, n * d) < 2e-5);
    t5g_encoder_close(x);

    struct t5g_decoder *dec = t5g_decoder_open(m, k, pool);
    struct t5g_cross *cross = t5g_cross_build(dec, enc, n, T5G_F32);
    struct t5g_kvcache *kv = t5g_kvcache_open(dec, rows);
    assert_int_equal(t5g_decoder_feed(dec, cross, kv, dec_ids.i, rows, true, logits, &e), 0);
    assert_true(gd_distance(logits, want_logits.f, rows * V) < 2e-5);
    check_scores(dec, m, cross, dec_ids.i, rows, want_logits.f);
    float *forced = gd_forced(m, k, pool, enc, n, dec_ids.i, rows);
    assert_true(gd_distance(forced, want_logits.f, rows * V) < 2e-5);
    t5g_free(forced);
    /* Over no rows, in one step with a document that has some. */
    struct t5g_cross *none = t5g_cross_build(dec, NULL, 0, T5G_F32);
    struct t5g_kvcache *own = t5g_kvcache_open(dec, rows);
    struct npy alone = read_array("logits_alone");
    float *first = t5g_alloc(rows * V, sizeof *first);
    struct t5g_part parts[2] = {{.cross = none, .kv = own, .logits = first},
                                {.cross = cross, .kv = kv, .logits = logits}};
    t5g_kvcache_reset(kv);
    for (size_t i = 0; i < 2; i++) {
        parts[i].ids = dec_ids.i;
        parts[i].n = rows;
        parts[i].all = true;
    }
    t5g_decoder_step(dec, parts, 2);
    assert_true(gd_distance(first, alone.f, rows * V) < 2e-5);
    forced = gd_forced(m, k, pool, NULL, 0, dec_ids.i, rows);
    assert_true(gd_distance(forced, alone.f, rows * V) < 2e-5);
    t5g_free(forced);
    assert_true(gd_distance(logits, want_logits.f, rows * V) < 2e-5);
    t5g_kvcache_reset(own);
    assert_int_equal(t5g_decoder_feed(dec, none, own, dec_ids.i, rows, true, logits, &e), 0);
    assert_memory_equal(first, logits, rows * V * sizeof *first);
    t5g_buf_free(&alone.file);
    t5g_free(first);
    t5g_cross_free(none);
    t5g_kvcache_free(own);
    t5g_kvcache_free(kv);
    t5g_cross_free(cross);
    t5g_decoder_close(dec);
    t5g_pool_close(pool);
    t5g_free(enc);
    t5g_free(logits);
    t5g_buf_free(&ids.file);
    t5g_buf_free(&want.file);
    t5g_buf_free(&dec_ids.file);
    t5g_buf_free(&want_logits.file);
}

static void
test_other_family(void **state)
{
    (void)state;
    struct npy weights = read_array("weights");
    struct t5g_model m = {0};
    const float *at = weights.f;
    m.config.encoder = config(T5G_CROSS_NONE);
    m.config.decoder = config(T5G_CROSS_SEPARATE);
    m.config.eoi = m.config.image = -1;
    take_stack(&m.encoder, &m.config.encoder, encoder_layer, &at);
    take_stack(&m.decoder, &m.config.decoder, decoder_layer, &at);
    m.head = take(&at, V, m.config.decoder.d);
    assert_true(at == weights.f + weights.dims[0]);
    for (const char *const *level = gd_levels(); *level != NULL; level++)
        for (size_t threads = 1; threads <= 2; threads++)
            one_level(&m, *level, threads);
    t5g_free(m.encoder.layers);
    t5g_free(m.decoder.layers);
    t5g_buf_free(&weights.file);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_other_family)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
