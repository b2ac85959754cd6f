/* test_identity.c: tied and physical matrices, what the identity depends on, and NaN weights. */
#include "model/identity.h"
#include "model/source.h"
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

/* All three as one text. */
static void
identity_of(struct mf_model *x, char out[T5G_IDENTITY_TEXT])
{
    struct t5g_model *m = mf_open(x, true);
    t5g_identity_print(out, m->parts.id);
    t5g_model_close(m);
}

static void
assert_identity(struct t5g_model *m, const char *want)
{
    char text[T5G_IDENTITY_TEXT];
    t5g_identity_print(text, m->parts.id);
    assert_string_equal(text, want);
}

/* Which parts of the two texts differ: "E", "VD"; "" none. */
static const char *
differing(const char *a, const char *b)
{
    static char out[4];
    char x[T5G_IDS][T5G_HEX128], y[T5G_IDS][T5G_HEX128];
    size_t n = 0;
    assert_true(t5g_identity_parse(x, a) && t5g_identity_parse(y, b));
    for (int i = 0; i < T5G_IDS; i++)
        if (strcmp(x[i], y[i]) != 0)
            out[n++] = "EVD"[i];
    out[n] = '\0';
    return out;
}

/* What transformers 5.18 ends up with when the file says tied and holds copies. */
static void
test_tied_copies(void **state)
{
    (void)state;
    struct mf_model x;
    char identity[T5G_IDENTITY_TEXT];
    mf_setup(&x, "tiny");
    identity_of(&x, identity);

    md_copy(&x.l, EMBED, HEAD); /* equal copies are the same model */
    md_copy(&x.l, EMBED, D_EMBED);
    md_copy(&x.l, EOI, D_EOI);
    struct t5g_model *m = mf_open(&x, true);
    assert_identity(m, identity);
    mf_check_mat(&m->head, &x.l, HEAD);
    t5g_model_close(m);

    scale_all(md_find(&x.l, HEAD), 3); /* different ones are used */
    scale_all(md_find(&x.l, D_EMBED), 2);
    scale_all(md_find(&x.l, D_EOI), 5);
    m = mf_open(&x, true);
    char other[T5G_IDENTITY_TEXT]; /* of the same encoder */
    t5g_identity_print(other, m->parts.id);
    assert_string_equal(differing(other, identity), "D");
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
    char identity[T5G_IDENTITY_TEXT], other[T5G_IDENTITY_TEXT];
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
    assert_identity(m, identity);
    mf_check_mat(&m->head, &x.l, EMBED);
    t5g_model_close(m);
    t5g_buf_free(&index);
    mf_drop(&x);
}

/* What an edit of config.json, at the first place after a text, changes: the identity of the
 * encoder, of vision, of the decoder. */
#define TEXT "\"text_config\""
static const struct {
    const char *after, *from, *to, *changes;
} edits[] = {
    {"", "\"sliding_window\": 16", "\"sliding_window\": 17", "D"},
    {"", "\"rope_theta\": 10000.0", "\"rope_theta\": 20000.0", "D"},
    {"", "\"factor\": 8.0", "\"factor\": 4.0", "D"},
    {"", "\"final_logit_softcapping\": null", "\"final_logit_softcapping\": 30.0", "D"},
    {"", "\"query_pre_attn_scalar\": 32", "\"query_pre_attn_scalar\": 16", "D"},
    {"", "\"rms_norm_eps\": 1e-06", "\"rms_norm_eps\": 1e-05", "D"},
    {TEXT, "\"sliding_window\": 16", "\"sliding_window\": 17", "E"},
    {TEXT, "\"rope_theta\": 10000.0", "\"rope_theta\": 20000.0", "E"},
    {TEXT, "\"factor\": 8.0", "\"factor\": 4.0", "E"},
    {TEXT, "\"final_logit_softcapping\": null", "\"final_logit_softcapping\": 30.0", ""},
    {TEXT, "\"query_pre_attn_scalar\": 32", "\"query_pre_attn_scalar\": 16", "E"},
    {TEXT, "\"rms_norm_eps\": 1e-06", "\"rms_norm_eps\": 1e-05", "E"},
    {TEXT, "\"layer_norm_eps\": 1e-06", "\"layer_norm_eps\": 1e-05", "V"},
    {"", "\"eoi_token_index\": 636,\n    \"image", "\"eoi_token_index\": 635,\n    \"image", "ED"},
    {"", "\n  \"dtype\": \"float32\"", "\n  \"dtype\": \"bfloat16\"", "EVD"},
    {"", "\"bos_token_id\": 2", "\"bos_token_id\": 3", ""},
    {"", "\"max_position_embeddings\": 32768", "\"max_position_embeddings\": 8", ""},
    {"", "\"transformers_version\"", "\"written_by\"", ""},
};

/* md_edit behind the first `after`. */
static void
edit_after(struct t5g_buf *text, const char *after, const char *from, const char *to)
{
    const char *at = strstr(text->p, after);
    assert_non_null(at);
    struct t5g_buf rest = {0};
    size_t n = (size_t)(at - text->p);
    t5g_buf_adds(&rest, at);
    md_edit(&rest, from, to);
    text->n = n;
    t5g_buf_adds(text, rest.p);
    t5g_buf_free(&rest);
}

static const struct {
    const char *name, *changes;
} changed[] = {
    {"model.encoder.layers.5.self_attn.v_proj.weight", "E"},
    {"model.decoder.norm.weight", "D"},
    {"model.decoder.layers.0.mlp.up_proj.weight", "D"},
    {EMBED, "ED"}, /* tied */
    {EOI, "ED"},
    {VIS "post_layernorm.bias", "V"},
    {"model.encoder.multi_modal_projector.mm_soft_emb_norm.weight", "V"},
};

/* What the identities stand for: weights and the fields that act on a part. */
static void
test_identity(void **state)
{
    (void)state;
    struct mf_model x;
    char identity[T5G_IDENTITY_TEXT], other[T5G_IDENTITY_TEXT];
    mf_setup(&x, "tiny");
    identity_of(&x, identity);
    struct t5g_model *m = mf_open(&x, false); /* the same for a program that needs no decoder */
    assert_identity(m, identity);
    t5g_model_close(m);
    for (size_t i = 0; i < T5G_LEN(edits); i++) {
        struct t5g_buf kept = md_get(x.from, "config.json");
        edit_after(&x.config, edits[i].after, edits[i].from, edits[i].to);
        identity_of(&x, other);
        if (strcmp(differing(other, identity), edits[i].changes) != 0)
            fail_msg("%s, %s changes '%s'", edits[i].after, edits[i].to,
                     differing(other, identity));
        t5g_buf_free(&x.config);
        x.config = kept;
    }
    for (size_t i = 0; i < T5G_LEN(changed); i++) {
        struct md_tensor *t = md_find(&x.l, changed[i].name);
        unsigned char *last = (unsigned char *)t->data + t->size - 4;
        *last ^= 1;
        identity_of(&x, other);
        if (strcmp(differing(other, identity), changed[i].changes) != 0)
            fail_msg("%s changes '%s'", changed[i].name, differing(other, identity));
        *last ^= 1;
    }
    identity_of(&x, other);
    assert_string_equal(other, identity);
    mf_drop(&x);
}

/* With an embedding of its own, a decoder and what it is made of do not act on the encoder. */
static void
test_apart(void **state)
{
    (void)state;
    struct mf_model x;
    char identity[T5G_IDENTITY_TEXT], other[T5G_IDENTITY_TEXT];
    mf_setup(&x, "tiny");
    identity_of(&x, identity);
    md_copy(&x.l, EMBED, D_EMBED);
    md_copy(&x.l, EOI, D_EOI);
    md_copy(&x.l, EMBED, HEAD);
    static const char *const own[] = {D_EMBED, D_EOI, HEAD};
    for (size_t i = 0; i < T5G_LEN(own); i++) {
        scale_all(md_find(&x.l, own[i]), 2);
        identity_of(&x, other);
        assert_string_equal(differing(other, identity), "D");
        scale_all(md_find(&x.l, own[i]), 0.5F);
    }
    *(unsigned char *)md_find(&x.l, EMBED)->data ^= 1;
    identity_of(&x, other);
    assert_string_equal(differing(other, identity), "E");
    *(unsigned char *)md_find(&x.l, EMBED)->data ^= 1;
    md_drop(&x.l, EMBED); /* the encoder's under another name */
    md_drop(&x.l, EOI);
    identity_of(&x, other);
    assert_string_equal(other, identity);
    md_drop(&x.l, HEAD);
    identity_of(&x, other);
    assert_string_equal(other, identity);
    mf_drop(&x);
}

static void
test_text(void **state)
{
    (void)state;
    static const char hex[] = "0123456789abcdef0123456789abcdef";
    static const char *const wrong[] = {"",
                                        "-",
                                        "0123456789abcdef0123456789abcdef",
                                        "- - -",
                                        "x - -",
                                        "0123456789abcdef0123456789abcdef - ",
                                        "0123456789abcdef0123456789abcdef - - -",
                                        "0123456789abcdef0123456789abcdeg - -",
                                        "0123456789abcdef0123456789abcde - -"};
    char id[T5G_IDS][T5G_HEX128] = {{0}}, back[T5G_IDS][T5G_HEX128], text[T5G_IDENTITY_TEXT];
    for (int i = 0; i < 4; i++) {
        memcpy(id[T5G_ID_ENCODER], hex, sizeof hex);
        memcpy(id[T5G_ID_VISION], hex, (i & 1) != 0 ? sizeof hex : 0);
        memcpy(id[T5G_ID_DECODER], hex, (i & 2) != 0 ? sizeof hex : 0);
        t5g_identity_print(text, id);
        assert_true(t5g_identity_parse(back, text));
        for (int k = 0; k < T5G_IDS; k++)
            assert_string_equal(back[k], id[k]);
        memset(id, 0, sizeof id);
    }
    for (size_t i = 0; i < T5G_LEN(wrong); i++)
        assert_false(t5g_identity_parse(back, wrong[i]));
}

static void
test_source(void **state)
{
    (void)state;
    char want[T5G_SOURCE_NAME], out[T5G_SOURCE_NAME], long_name[300];
    static const char *const cases[][2] = {
        {"tiny", "tiny"},
        {"/srv/models/t5gemma-2-270m", "t5gemma-2-270m"},
        {"models/q8.t5g", "q8.t5g"},
        {"a/b//", "b"},
        {"/c/hub/models--google--t5gemma-2-270m-270m/snapshots/0123abc",
         "google/t5gemma-2-270m-270m"},
        {"/c/hub/models--gpt2/snapshots/0123abc/", "gpt2"},
        {"models--a--b", "models--a--b"},
        {"/srv/models--a--b/x", "x"},
        {"\xff\xfe", "\xef\xbf\xbd\xef\xbf\xbd"},
    };
    for (size_t i = 0; i < T5G_LEN(cases); i++) {
        t5g_model_source(out, cases[i][0]);
        assert_string_equal(out, cases[i][1]);
    }
    memset(long_name, 'a', sizeof long_name);
    memcpy(long_name + 125, "\xe2\x82\xac", 3);
    long_name[sizeof long_name - 1] = '\0';
    t5g_model_source(out, long_name);
    assert_int_equal(strlen(out), 125);
    char *dir = md_tmp();
    assert_int_equal(chdir(dir), 0);
    t5g_model_source(want, dir);
    t5g_model_source(out, ".");
    assert_string_equal(out, want);
    t5g_model_source(out, "./");
    assert_string_equal(out, want);
    assert_int_equal(chdir("/"), 0);
    md_remove(dir);
    t5g_free(dir);
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
    char real[T5G_IDENTITY_TEXT], kept[T5G_IDENTITY_TEXT];
    static const char told[] = "0123456789abcdef0123456789abcdef - -";
    mf_setup(&x, "tiny-gqa");
    identity_of(&x, real);
    char *config = t5g_path_join(x.dir, "config.json");
    char *weights = t5g_path_join(x.dir, "model.safetensors");
    assert_true(t5g_stamp_of(config, &s[0], &e) == 0 && t5g_stamp_of(weights, &s[1], &e) == 0);
    wait_for_age(&s[1]);
    assert_false(t5g_stamp_get(T5G_IDENTITY_KIND, s, 2, kept, sizeof kept));
    struct t5g_model *m = t5g_model_open(x.dir, T5G_NEED_DECODER, &e);
    assert_non_null(m);
    assert_identity(m, real);
    t5g_model_close(m);
    assert_true(t5g_stamp_get(T5G_IDENTITY_KIND, s, 2, kept, sizeof kept));
    assert_string_equal(kept, real);

    t5g_stamp_put(T5G_IDENTITY_KIND, s, 2, told); /* what is remembered is believed */
    m = t5g_model_open(x.dir, 0, &e);
    assert_non_null(m);
    assert_identity(m, told);
    t5g_model_close(m);
    assert_int_equal(utimensat(AT_FDCWD, weights, NULL, 0), 0);
    m = t5g_model_open(x.dir, T5G_NEED_DECODER, &e);
    assert_non_null(m);
    assert_identity(m, real);
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

/* A packed model whose HEAD has the identity of earlier versions. */
static void
test_old_pack(void **state)
{
    (void)state;
    struct t5g_err e = {0};
    char *dir = md_tmp(), *path = t5g_path_join(dir, "old.t5g");
    mf_pack("tiny", T5G_PACK_KEEP,
            "{\"t5g\":1,\"pg\":[{\"model\":\"0123456789abcdef0123456789abcdef\"}]}", path);
    assert_null(t5g_model_open(path, 0, &e));
    assert_int_equal(e.code, T5G_EX_DATA);
    assert_non_null(strstr(e.msg, "old.t5g: packed by an earlier version"));
    assert_non_null(strstr(e.msg, "pack the model again"));
    md_remove(dir);
    t5g_free(path);
    t5g_free(dir);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tied_copies), cmocka_unit_test(test_untied),
        cmocka_unit_test(test_not_finite),  cmocka_unit_test(test_finite_scan),
        cmocka_unit_test(test_files),       cmocka_unit_test(test_identity),
        cmocka_unit_test(test_apart),       cmocka_unit_test(test_text),
        cmocka_unit_test(test_old_pack),    cmocka_unit_test(test_source),
        cmocka_unit_test(test_remembered),
    };
    return cmocka_run_group_tests(tests, mf_cache_open, mf_cache_close);
}
