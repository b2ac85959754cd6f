/* test_identity.c: tied and physical matrices, what the identity depends on, and NaN weights. */
#include "model/identity.h"
#include "modelfix.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>

static void
scale_all(struct md_tensor *t, float by)
{
    float *v = t->data;
    for (size_t i = 0; i < t->size / 4; i++)
        v[i] *= by;
}

static void
identity_of(struct mf_model *x, char out[T5G_HEX128])
{
    struct t5g_model *m = mf_open(x, true);
    memcpy(out, m->identity, T5G_HEX128);
    t5g_model_close(m);
}

/* What transformers 5.18 ends up with when the file says tied and holds copies. */
static void
test_tied_copies(void **state)
{
    (void)state;
    struct mf_model x;
    char identity[T5G_HEX128];
    mf_setup(&x, "tiny");
    identity_of(&x, identity);

    md_copy(&x.l, EMBED, HEAD); /* equal copies are the same model */
    md_copy(&x.l, EMBED, D_EMBED);
    md_copy(&x.l, EOI, D_EOI);
    struct t5g_model *m = mf_open(&x, true);
    assert_string_equal(m->identity, identity);
    mf_check_mat(&m->head, &x.l, HEAD);
    t5g_model_close(m);

    scale_all(md_find(&x.l, HEAD), 3); /* different ones are used */
    scale_all(md_find(&x.l, D_EMBED), 2);
    scale_all(md_find(&x.l, D_EOI), 5);
    m = mf_open(&x, true);
    assert_string_not_equal(m->identity, identity);
    mf_check_mat(&m->head, &x.l, HEAD);
    mf_check_mat(&m->decoder.embed, &x.l, D_EMBED);
    mf_check_mat(&m->encoder.embed, &x.l, EMBED);
    assert_true(m->decoder.eoi[0] == 5 * m->encoder.eoi[0]);
    t5g_model_close(m);

    md_drop(&x.l, EMBED); /* the encoder's missing: the output matrix, before the decoder's */
    md_drop(&x.l, EOI);
    m = mf_open(&x, true);
    mf_check_mat(&m->encoder.embed, &x.l, HEAD);
    mf_check_mat(&m->decoder.embed, &x.l, D_EMBED);
    assert_ptr_equal(m->encoder.eoi, m->decoder.eoi);
    t5g_model_close(m);
    md_drop(&x.l, HEAD);
    m = mf_open(&x, true);
    mf_check_mat(&m->encoder.embed, &x.l, D_EMBED);
    mf_check_mat(&m->head, &x.l, D_EMBED);
    t5g_model_close(m);
    md_drop(&x.l, D_EMBED);
    mf_expect_error(&x, true, "tensor '" EMBED "': missing, expected [640, 64]");
    mf_drop(&x);
}

static void
test_untied(void **state)
{
    (void)state;
    struct mf_model x;
    mf_setup(&x, "tiny");
    for (char *s = x.config.p; (s = strstr(s, "\"tie_word_embeddings\": true")) != NULL;)
        memcpy(s, "\"tie_word_embeddings\":false", 27);
    mf_expect_error(&x, true,
                    "model.safetensors: tensor '" D_EMBED
                    "': missing, expected [640, 64]; tensor '" D_EOI
                    "': missing, expected [64]; tensor '" HEAD "': missing, expected [640, 64]");
    scale_all(md_copy(&x.l, EMBED, HEAD), 2);
    scale_all(md_copy(&x.l, EMBED, D_EMBED), 3);
    scale_all(md_copy(&x.l, EOI, D_EOI), 4);
    struct t5g_model *m = mf_open(&x, true);
    assert_false(m->config.tied);
    mf_check_mat(&m->head, &x.l, HEAD);
    mf_check_mat(&m->decoder.embed, &x.l, D_EMBED);
    mf_check_mat(&m->encoder.embed, &x.l, EMBED);
    assert_true(m->decoder.eoi[3] == 4 * m->encoder.eoi[3]);
    t5g_model_close(m);
    mf_drop(&x);
}

static void
test_not_finite(void **state)
{
    (void)state;
    static const uint32_t bits[] = {0x7fc00000, 0x7f800000, 0xff800000, 0x7f800001, 0xffffffff};
    static const char name[] = "model.decoder.layers.3.mlp.gate_proj.weight";
    struct mf_model x;
    mf_setup(&x, "tiny");
    for (size_t i = 0; i < T5G_LEN(bits); i++) {
        char *at = (char *)md_find(&x.l, name)->data + 4 * (1000 + i), kept[4], says[160];
        memcpy(kept, at, 4);
        memcpy(at, &bits[i], 4);
        snprintf(says, sizeof says,
                 "model.safetensors: tensor '%s': element %zu is not a finite number", name,
                 1000 + i);
        mf_expect_error(&x, true, says);
        memcpy(at, kept, 4);
    }
    mf_drop(&x);
    mf_setup(&x, "tiny-gqa");
    memcpy((char *)md_find(&x.l, EOI)->data + 2 * 71, "\x80\x7f", 2);
    mf_expect_error(&x, true, "tensor '" EOI "': element 71 is not a finite number");
    mf_drop(&x);
}

/* The word-wise test against the plain definition, at every offset and length. */
static void
test_finite_scan(void **state)
{
    (void)state;
    static const struct {
        int dtype;
        uint32_t good, bad;
    } cases[] = {{T5G_F32, 0x7f7fffff, 0x7f800000}, {T5G_F32, 0xff7fffff, 0xffc00001},
                 {T5G_BF16, 0x7f7f, 0x7f80},        {T5G_BF16, 0xff7f, 0xffff},
                 {T5G_F16, 0x7bff, 0x7c00},         {T5G_F16, 0xfbff, 0xfc01}};
    unsigned char buf[260];
    size_t at;
    for (size_t k = 0; k < T5G_LEN(cases); k++) {
        size_t item = t5g_dtype_size(cases[k].dtype);
        for (size_t n = 0; n < 60; n++) {
            unsigned char *p = buf + k % 4;
            for (size_t i = 0; i < n; i++)
                memcpy(p + i * item, &cases[k].good, item);
            assert_true(t5g_all_finite(p, n * item, cases[k].dtype, &at));
            for (size_t i = 0; i < n; i++) {
                memcpy(p + i * item, &cases[k].bad, item);
                assert_false(t5g_all_finite(p, n * item, cases[k].dtype, &at));
                assert_int_equal(at, i);
                memcpy(p + i * item, &cases[k].good, item);
            }
        }
    }
}

/* Shards, a shifted data area and the order of tensors change nothing. */
static void
test_files(void **state)
{
    (void)state;
    struct mf_model x;
    char identity[T5G_HEX128], other[T5G_HEX128];
    mf_setup(&x, "tiny-gqa");
    identity_of(&x, identity);
    x.pad = 1;
    struct md_tensor first = x.l.p[0];
    x.l.p[0] = x.l.p[x.l.n - 1];
    x.l.p[x.l.n - 1] = first;
    identity_of(&x, other);
    assert_string_equal(other, identity);

    char *path = t5g_path_join(x.dir, "model.safetensors");
    assert_int_equal(remove(path), 0);
    t5g_free(path);
    struct t5g_buf index = {0};
    t5g_buf_adds(&index, "{\"weight_map\":{");
    for (size_t k = 0; k < 3; k++) {
        size_t from = x.l.n * k / 3, to = x.l.n * (k + 1) / 3;
        char name[64];
        snprintf(name, sizeof name, "model-%05zu-of-00003.safetensors", k + 1);
        path = t5g_path_join(x.dir, name);
        md_write(&x.l, from, to, 0, path);
        t5g_free(path);
        for (size_t i = from; i < to; i++)
            t5g_buf_printf(&index, "%s\"%s\":\"%s\"", i > 0 ? "," : "", x.l.p[i].name, name);
    }
    t5g_buf_adds(&index, "}}");
    md_put(x.dir, "model.safetensors.index.json", index.p, index.n);
    struct t5g_err e = {0};
    struct t5g_model *m = t5g_model_open(x.dir, T5G_NEED_DECODER, &e);
    if (m == NULL)
        fail_msg("%s", e.msg);
    assert_string_equal(m->identity, identity);
    mf_check_mat(&m->head, &x.l, EMBED);
    t5g_model_close(m);
    t5g_buf_free(&index);
    mf_drop(&x);
}

/* What the identity stands for: weights and the fields that shape the computation. */
static void
test_identity(void **state)
{
    (void)state;
    static const char *const edits[][2] = {
        {"\"sliding_window\": 16", "\"sliding_window\": 17"},
        {"\"rope_theta\": 10000.0", "\"rope_theta\": 20000.0"},
        {"\"factor\": 8.0", "\"factor\": 4.0"},
        {"\"final_logit_softcapping\": null", "\"final_logit_softcapping\": 30.0"},
        {"\"query_pre_attn_scalar\": 32", "\"query_pre_attn_scalar\": 16"},
        {"\"rms_norm_eps\": 1e-06", "\"rms_norm_eps\": 1e-05"},
        {"\"eoi_token_index\": 636,\n    \"image", "\"eoi_token_index\": 635,\n    \"image"},
        {"\n  \"dtype\": \"float32\"", "\n  \"dtype\": \"bfloat16\""},
    };
    static const char *const same[][2] = {
        {"\"bos_token_id\": 2", "\"bos_token_id\": 3"},
        {"\"max_position_embeddings\": 32768", "\"max_position_embeddings\": 8"},
        {"\"transformers_version\"", "\"written_by\""},
    };
    struct mf_model x;
    char identity[T5G_HEX128], other[T5G_HEX128];
    mf_setup(&x, "tiny");
    identity_of(&x, identity);
    struct t5g_model *m = mf_open(&x, false); /* the same for a program that needs no decoder */
    assert_string_equal(m->identity, identity);
    t5g_model_close(m);
    for (size_t i = 0; i < T5G_LEN(edits) + T5G_LEN(same); i++) {
        bool changes = i < T5G_LEN(edits);
        const char *const *edit = changes ? edits[i] : same[i - T5G_LEN(edits)];
        struct t5g_buf kept = md_get(x.from, "config.json");
        md_edit(&x.config, edit[0], edit[1]);
        identity_of(&x, other);
        if ((strcmp(other, identity) != 0) != changes)
            fail_msg("%s", edit[1]);
        t5g_buf_free(&x.config);
        x.config = kept;
    }
    static const char *const tensors[] = {"model.encoder.layers.5.self_attn.v_proj.weight",
                                          "model.decoder.norm.weight", EOI,
                                          VIS "post_layernorm.bias"};
    for (size_t i = 0; i < T5G_LEN(tensors); i++) {
        struct md_tensor *t = md_find(&x.l, tensors[i]);
        unsigned char *last = (unsigned char *)t->data + t->size - 4;
        *last ^= 1;
        identity_of(&x, other);
        assert_string_not_equal(other, identity);
        *last ^= 1;
    }
    identity_of(&x, other);
    assert_string_equal(other, identity);
    mf_drop(&x);
}

/* Files must be older than two seconds to be remembered. */
static void
wait_for_age(const struct t5g_stamp *s)
{
    while (time(NULL) <= s->ctime_s + 2)
        sleep(1);
}

/* The look at all weights happens once for the same files; a touched file is looked at again. */
static void
test_remembered(void **state)
{
    (void)state;
    struct mf_model x;
    struct t5g_stamp s[2];
    struct t5g_err e;
    char real[T5G_HEX128], kept[T5G_HEX128];
    static const char told[] = "0123456789abcdef0123456789abcdef";
    mf_setup(&x, "tiny-gqa");
    identity_of(&x, real);
    char *config = t5g_path_join(x.dir, "config.json");
    char *weights = t5g_path_join(x.dir, "model.safetensors");
    assert_true(t5g_stamp_of(config, &s[0], &e) == 0 && t5g_stamp_of(weights, &s[1], &e) == 0);
    wait_for_age(&s[1]);
    assert_false(t5g_stamp_get(T5G_IDENTITY_KIND, s, 2, kept, sizeof kept));
    struct t5g_model *m = t5g_model_open(x.dir, T5G_NEED_DECODER, &e);
    assert_non_null(m);
    assert_string_equal(m->identity, real);
    t5g_model_close(m);
    assert_true(t5g_stamp_get(T5G_IDENTITY_KIND, s, 2, kept, sizeof kept));
    assert_string_equal(kept, real);

    t5g_stamp_put(T5G_IDENTITY_KIND, s, 2, told); /* what is remembered is believed */
    m = t5g_model_open(x.dir, 0, &e);
    assert_non_null(m);
    assert_string_equal(m->identity, told);
    t5g_model_close(m);
    assert_int_equal(utimensat(AT_FDCWD, weights, NULL, 0), 0);
    m = t5g_model_open(x.dir, T5G_NEED_DECODER, &e);
    assert_non_null(m);
    assert_string_equal(m->identity, real);
    t5g_model_close(m);

    uint16_t nan = 0x7fc0; /* a fault is found every time */
    memcpy(md_find(&x.l, EOI)->data, &nan, 2);
    mf_expect_error(&x, true, "is not a finite number");
    assert_int_equal(t5g_stamp_of(weights, &s[1], &e), 0);
    wait_for_age(&s[1]);
    for (int i = 0; i < 2; i++)
        assert_null(t5g_model_open(x.dir, T5G_NEED_DECODER, &e));
    t5g_free(config);
    t5g_free(weights);
    mf_drop(&x);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tied_copies), cmocka_unit_test(test_untied),
        cmocka_unit_test(test_not_finite),  cmocka_unit_test(test_finite_scan),
        cmocka_unit_test(test_files),       cmocka_unit_test(test_identity),
        cmocka_unit_test(test_remembered),
    };
    return cmocka_run_group_tests(tests, mf_cache_open, mf_cache_close);
}
