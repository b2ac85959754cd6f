#include "golden.h"

#include "nn/embed.h"
#include "nn/forced.h"

#include <math.h>

char *
gd_path(const char *path)
{
    const char *tests = getenv("T5G_TESTS");
    return t5g_path_join(tests != NULL ? tests : "tests", path);
}

struct gd_model
gd_open(const char *name, const char *level, size_t threads)
{
    struct gd_model g;
    struct t5g_err e = {0};
    char path[256];
    snprintf(path, sizeof path, "models/%s", name);
    char *dir = gd_path(path);
    const struct t5g_kernels *k = t5g_kernels_get(level, &e);
    g.m = k == NULL ? NULL : t5g_model_open(dir, T5G_NEED_DECODER | T5G_NEED_VISION, &e);
    g.pool = g.m == NULL ? NULL : t5g_pool_open(threads, &e);
    if (g.pool == NULL)
        fail_msg("%s", e.msg);
    g.enc = t5g_encoder_open(g.m, k, g.pool);
    g.dec = t5g_decoder_open(g.m, k, g.pool);
    t5g_free(dir);
    return g;
}

void
gd_close(struct gd_model *g)
{
    t5g_encoder_close(g->enc);
    t5g_decoder_close(g->dec);
    t5g_pool_close(g->pool);
    t5g_model_close(g->m);
}

const char *const *
gd_levels(void)
{
    static const char *const all[] = {"v4", "v3", "neon", "ref"};
    static const char *here[T5G_LEN(all) + 1];
    size_t n = 0;
    for (size_t i = 0; i < T5G_LEN(all); i++) {
        struct t5g_err e = {0};
        if (t5g_kernels_get(all[i], &e) != NULL)
            here[n++] = all[i];
        else
            assert_int_equal(e.code, T5G_EX_UNAVAIL);
    }
    here[n] = NULL;
    return here;
}

void
gd_each_level(void (*check)(const char *level))
{
    for (const char *const *l = gd_levels(); *l != NULL; l++)
        check(*l);
}

static void (*check_of_main)(const char *level);

static void
test_levels(void **state)
{
    (void)state;
    gd_each_level(check_of_main);
}

int
gd_main(void (*check)(const char *level))
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_levels)};
    check_of_main = check;
    return cmocka_run_group_tests(tests, NULL, NULL);
}

static struct npy
array(const char *dir, const char *name)
{
    char *path = t5g_path_join(dir, name);
    struct npy a = npy_read(path);
    t5g_free(path);
    return a;
}

static struct t5g_json *
parse(const char *dir, const char *name)
{
    struct t5g_err e = {0};
    char *path = t5g_path_join(dir, name);
    struct t5g_buf b = {0};
    if (t5g_read_file(path, (size_t)1 << 24, &b, &e) != 0)
        fail_msg("%s", e.msg);
    /* One case's text holds NUL, which configuration files must not; texts are not used here. */
    for (char *nul = b.p; (nul = strstr(nul, "\\u0000")) != NULL;)
        nul[5] = '1';
    struct t5g_json *j = t5g_json_parse(b.p, b.n, path, &e);
    if (j == NULL)
        fail_msg("%s", e.msg);
    t5g_buf_free(&b);
    t5g_free(path);
    return j;
}

struct gd_case
gd_case_open(const char *model, const char *name)
{
    char path[256];
    struct gd_case c = {.name = name};
    snprintf(path, sizeof path, "golden/%s/%s", model, name);
    char *dir = gd_path(path);
    c.json = parse(dir, "case.json");
    c.ids = array(dir, "input_ids.npy");
    c.encoder = array(dir, "encoder.npy");
    c.dec_ids = array(dir, "dec_ids.npy");
    c.logits = array(dir, "logits.npy");
    c.n = c.ids.dims[0];
    if (t5g_json_get(c.json, "images") != NULL)
        c.features = array(dir, "vision_features.npy");
    t5g_free(dir);
    return c;
}

void
gd_case_close(struct gd_case *c)
{
    npy_free(&c->ids);
    npy_free(&c->encoder);
    npy_free(&c->dec_ids);
    npy_free(&c->logits);
    npy_free(&c->features);
    t5g_json_free(c->json);
}

void
gd_cases(const char *model, void (*fn)(const struct gd_case *c, void *arg), void *arg)
{
    char path[256];
    size_t n = 0;
    snprintf(path, sizeof path, "golden/%s", model);
    char *dir = gd_path(path);
    struct t5g_json *index = parse(dir, "index.json");
    const struct t5g_json *cases = t5g_json_get(index, "cases");
    for (const struct t5g_json *i = t5g_json_first(cases); i != NULL; i = t5g_json_next(i), n++) {
        struct gd_case c = gd_case_open(model, t5g_json_str(t5g_json_get(i, "name")));
        fn(&c, arg);
        gd_case_close(&c);
    }
    assert_true(n > 20);
    t5g_json_free(index);
    t5g_free(dir);
}

float *
gd_encode(struct gd_model *g, const struct gd_case *c)
{
    struct t5g_err e = {0};
    size_t d = g->m->config.encoder.d;
    size_t rows = c->features.f == NULL ? 0 : npy_size(&c->features) / d;
    float *out = t5g_alloc(c->n, d * sizeof *out);
    if (t5g_encode(g->enc, c->ids.i, c->n, c->features.f, rows, out, NULL, NULL, &e) != 0)
        fail_msg("%s: %s", c->name, e.msg);
    return out;
}

int32_t *
gd_ids(const struct t5g_json *list, size_t *n)
{
    int32_t *ids = t5g_alloc(t5g_json_size(list), sizeof *ids);
    *n = 0;
    for (const struct t5g_json *i = t5g_json_first(list); i != NULL; i = t5g_json_next(i)) {
        int64_t id;
        assert_true(t5g_json_int(i, 0, INT32_MAX, &id));
        ids[(*n)++] = (int32_t)id;
    }
    return ids;
}

double
gd_distance(const float *a, const float *b, size_t n)
{
    double most = 0;
    for (size_t i = 0; i < n; i++) {
        double d = fabs((double)a[i] - (double)b[i]);
        assert_false(isnan(d));
        most = d > most ? d : most;
    }
    return most;
}

float *
gd_forced(const struct t5g_model *m, const struct t5g_kernels *k, struct t5g_pool *pool,
          const float *enc, size_t n, const int32_t *ids, size_t rows)
{
    const struct t5g_stack *s = &m->decoder;
    size_t d = s->c->d, v = m->head.rows;
    struct t5g_forced f;
    float *x = t5g_alloc(rows * d, sizeof *x), *logits = t5g_alloc(rows * v, sizeof *logits);
    for (size_t i = 0; i < rows; i++)
        t5g_embed_row(x + i * d, s, m->config.eoi, ids[i]);
    t5g_forced_open(&f, s->c, k, pool);
    for (size_t l = 0; l < s->c->layers; l++)
        t5g_forced_layer(&f, &s->layers[l], l, x, rows, enc, n);
    t5g_block_norm(&f.b, x, d, x, d, &s->norm, rows);
    struct t5g_affine head = {m->head, NULL};
    struct t5g_linear job = t5g_linear_of(&head, logits, v);
    t5g_linear_panels(&f.x, &job, 1, x, d, rows);
    t5g_forced_close(&f);
    t5g_free(x);
    return logits;
}
