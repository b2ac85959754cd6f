/*
 * test_vision.c: the vision tower against the golden cases that keep their pixels, at every kernel
 * level and with 1 and 3 threads. The reference in f32 is 8.9e-6 away from itself in f64; three
 * times that is the tolerance.
 */
#include "golden.h"
#include "nn/siglip.h"

#include <math.h>
#include <unistd.h>

static const double tolerance = 2.7e-5;

/* The pixels of a golden [i, 3, s, s] (normalised with mean and deviation 0.5) as u8 [s, s, 3]. */
static uint8_t *
pixels_of(const struct npy *values, size_t i)
{
    size_t s = values->dims[3];
    uint8_t *out = t5g_alloc(s * s, 3);
    for (size_t c = 0; c < 3; c++)
        for (size_t j = 0; j < s * s; j++) {
            float v = values->f[(i * 3 + c) * s * s + j];
            out[j * 3 + c] = (uint8_t)lroundf((v * 0.5f + 0.5f) * 255);
        }
    return out;
}

static void
fill_values(float *value)
{
    for (size_t i = 0; i < 256; i++)
        value[i] = value[256 + i] = value[512 + i] = ((float)((double)i / 255) - 0.5f) / 0.5f;
}

static bool
count(void *arg, size_t done, size_t total)
{
    size_t *last = arg;
    assert_true(done > *last && done <= total);
    *last = done;
    return true;
}

static bool
refuse(void *arg, size_t done, size_t total)
{
    (void)arg;
    (void)total;
    return done < 1;
}

struct totals {
    struct gd_model *g;
    struct t5g_vision *one, *three;
    size_t pictures;
};

static void
check_case(const struct gd_case *c, void *arg)
{
    struct totals *t = arg;
    char name[256];
    float value[3 * 256];
    struct t5g_err e = {0};
    const struct t5g_config *config = &t->g->m->config;
    if (c->features.f == NULL)
        return;
    snprintf(name, sizeof name, "golden/%s/%s/pixel_values.npy",
             config->encoder.v == 701 ? "tiny-gqa" : "tiny", c->name);
    char *path = gd_path(name);
    if (access(path, F_OK) != 0) {
        t5g_free(path);
        return;
    }
    struct npy values = npy_read(path);
    size_t n = config->mm_tokens * config->encoder.d;
    float *got = t5g_alloc(2 * n, sizeof *got);
    fill_values(value);
    for (size_t i = 0; i < values.dims[0]; i++) {
        uint8_t *pixels = pixels_of(&values, i);
        size_t last = 0;
        if (t5g_vision_run(t->one, pixels, value, got, count, &last, &e) != 0 ||
            t5g_vision_run(t->three, pixels, value, got + n, NULL, NULL, &e) != 0)
            fail_msg("%s: %s", c->name, e.msg);
        assert_memory_equal(got, got + n, n * sizeof *got);
        double far = gd_distance(got, c->features.f + i * n, n);
        if (far > tolerance)
            fail_msg("%s: features are %g away, tolerance %g", c->name, far, tolerance);
        assert_int_equal(t5g_vision_run(t->one, pixels, value, got, refuse, NULL, &e), -1);
        assert_int_equal(e.code, T5G_EX_AGAIN);
        t5g_free(pixels);
        t->pictures++;
    }
    t5g_free(got);
    npy_free(&values);
    t5g_free(path);
}

static void
check_level(const char *level)
{
    static const char *const models[] = {"tiny", "tiny-gqa"};
    for (size_t i = 0; i < T5G_LEN(models); i++) {
        struct gd_model g = gd_open(models[i], level, 1);
        struct t5g_err e = {0};
        struct t5g_pool *pool = t5g_pool_open(3, &e);
        const struct t5g_kernels *k = t5g_kernels_get(level, &e);
        struct totals t = {.g = &g,
                           .one = t5g_vision_open(g.m, k, g.pool),
                           .three = t5g_vision_open(g.m, k, pool)};
        gd_cases(models[i], check_case, &t);
        assert_true(t.pictures >= (i == 0 ? 8 : 1));
        t5g_vision_close(t.one);
        t5g_vision_close(t.three);
        t5g_pool_close(pool);
        gd_close(&g);
    }
}

int
main(void)
{
    return gd_main(check_level);
}
