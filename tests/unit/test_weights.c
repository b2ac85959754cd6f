/* test_weights.c: layouts of names, encoders alone, dtypes, and checkpoints that do not fit. */
#include "modelfix.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

static void
check_gain(const float *v, struct md_list *l, const char *name)
{
    const struct md_tensor *t = md_find(l, name);
    for (size_t i = 0; i < t->dims[0]; i++) {
        float w;
        t5g_to_f32(&w, (const char *)t->data + i * t5g_dtype_size(t->dtype), t->dtype, 1);
        assert_true(v[i] == 1 + w);
    }
}

static void
check_stack(const struct t5g_stack *s, struct md_list *l, const char *prefix)
{
    static const char *const mats[] = {"self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj",
                                       "self_attn.o_proj", "mlp.gate_proj",    "mlp.up_proj",
                                       "mlp.down_proj"};
    static const char *const gains[] = {"self_attn.q_norm",          "self_attn.k_norm",
                                        "pre_self_attn_layernorm",   "post_self_attn_layernorm",
                                        "pre_feedforward_layernorm", "post_feedforward_layernorm"};
    char name[160];
    for (size_t i = 0; i < s->c->layers; i++) {
        const struct t5g_layer *x = &s->layers[i];
        const struct t5g_mat *m[] = {&x->self.q.w,   &x->self.k.w, &x->self.v.w,  &x->self.o.w,
                                     &x->ffn.gate.w, &x->ffn.up.w, &x->ffn.down.w};
        const float *g[] = {x->self.q_norm, x->self.k_norm, x->self.pre.w,
                            x->self.post.w, x->ffn.pre.w,   x->ffn.post.w};
        for (size_t k = 0; k < T5G_LEN(mats); k++) {
            snprintf(name, sizeof name, "%slayers.%zu.%s.weight", prefix, i, mats[k]);
            mf_check_mat(m[k], l, name);
        }
        for (size_t k = 0; k < T5G_LEN(gains); k++) {
            snprintf(name, sizeof name, "%slayers.%zu.%s.weight", prefix, i, gains[k]);
            check_gain(g[k], l, name);
        }
    }
    snprintf(name, sizeof name, "%snorm.weight", prefix);
    check_gain(s->norm.w, l, name);
}

static void
test_fields(void **state)
{
    (void)state;
    static const char *const names[] = {"tiny", "tiny-gqa"};
    for (size_t i = 0; i < T5G_LEN(names); i++) {
        char *dir = md_fixture(names[i]);
        struct md_list l = md_read(dir);
        struct t5g_err e = {0};
        struct t5g_model *m = t5g_model_open(dir, T5G_NEED_DECODER, &e);
        if (m == NULL)
            fail_msg("%s", e.msg);
        check_stack(&m->encoder, &l, ENC);
        check_stack(&m->decoder, &l, "model.decoder.");
        mf_check_mat(&m->encoder.embed, &l, EMBED);
        assert_ptr_equal(m->decoder.embed.p, m->encoder.embed.p);
        assert_ptr_equal(m->head.p, m->encoder.embed.p);
        assert_ptr_equal(m->decoder.eoi, m->encoder.eoi);
        float eoi;
        t5g_to_f32(&eoi, md_find(&l, EOI)->data, m->config.dtype, 1);
        assert_true(m->encoder.eoi[0] == eoi);
        assert_true(m->encoder.embed_scale == (i == 0 ? 8.0f : 8.5f));
        assert_true(m->decoder.embed_scale == m->encoder.embed_scale);
        assert_string_equal(m->profile, i == 0 ? "f32" : "bf16");
        for (int k = 0; k < T5G_IDS; k++)
            assert_int_equal(strlen(m->parts.id[k]), 32);
        assert_string_equal(m->parts.source, i == 0 ? "tiny" : "tiny-gqa");
        assert_true(m->config.has_vision && m->config.has_decoder);
        t5g_model_close(m);
        md_free(&l);
        t5g_free(dir);
    }
    struct t5g_err e = {0};
    assert_null(t5g_model_open("/nonexistent", T5G_NEED_DECODER, &e));
    assert_int_equal(e.code, T5G_EX_NOINPUT);
}

#define NEST                                                   \
    {ENC "layers.", ENC "text_model.layers."},                 \
        {ENC "embed_tokens.", ENC "text_model.embed_tokens."}, \
    {                                                          \
        ENC "norm.", ENC "text_model.norm."                    \
    }

/* Whole-model layouts: other names, the same fields and the same identity. */
static void
test_layouts(void **state)
{
    (void)state;
    static const char *const cases[][5][2] = {
        {{NULL}},                                     /* as transformers 5.18 saves */
        {{VIS, VIS "vision_model."}},                 /* A: the hub */
        {{VIS, VIS "vision_model."}, NEST},           /* B */
        {NEST},                                       /* B, the tower as in 5.18 */
        {{VIS, VIS "vision_model."}, {"model.", ""}}, /* C */
        {NEST, {"model.", ""}},                       /* C, nested */
    };
    struct t5g_parts first = {0};
    for (size_t i = 0; i < T5G_LEN(cases); i++) {
        struct mf_model x;
        mf_setup(&x, "tiny");
        struct md_list plain = md_read(x.from);
        for (size_t k = 0; k < 5 && cases[i][k][0] != NULL; k++)
            md_rename(&x.l, cases[i][k][0], cases[i][k][1]);
        struct t5g_model *m = mf_open(&x, true);
        check_stack(&m->encoder, &plain, ENC);
        check_stack(&m->decoder, &plain, "model.decoder.");
        mf_check_mat(&m->head, &plain, EMBED);
        assert_true(m->config.has_vision);
        if (i == 0)
            first = m->parts;
        assert_memory_equal(m->parts.id, first.id, sizeof first.id);
        t5g_model_close(m);
        md_free(&plain);
        mf_drop(&x);
    }
}

/* Encoders alone, in directories whose config.json still speaks of a decoder. */
static void
test_encoder_only(void **state)
{
    (void)state;
    struct t5g_parts whole;
    for (int i = 0; i < 5; i++) {
        struct mf_model x;
        mf_setup(&x, "tiny");
        struct t5g_model *full = mf_open(&x, true);
        whole = full->parts;
        t5g_model_close(full);
        struct md_list plain = md_read(x.from);
        mf_drop_decoder(&x.l);
        if (i == 1) { /* D */
            md_rename(&x.l, VIS, VIS "vision_model.");
            md_rename(&x.l, ENC, "");
        } else if (i == 2) { /* D, nested */
            md_rename(&x.l, ENC "layers.", "text_model.layers.");
            md_rename(&x.l, ENC "norm.", "text_model.norm.");
            md_rename(&x.l, ENC "embed_tokens.", "text_model.embed_tokens.");
            md_rename(&x.l, ENC, "");
        } else if (i == 3) { /* E, inside another model */
            mf_drop_vision(&x.l);
            md_rename(&x.l, ENC, "text_encoder.");
            md_copy(&x.l, "text_encoder.norm.weight", "vocoder.norm.weight");
            md_copy(&x.l, "text_encoder.norm.weight", "decoder.layers.0.weight");
        } else if (i == 4) { /* F */
            mf_drop_vision(&x.l);
            md_rename(&x.l, ENC, "model.");
            md_copy(&x.l, "model.embed_tokens.weight", "lm_head.weight");
        }
        struct t5g_model *m = mf_open(&x, false);
        check_stack(&m->encoder, &plain, ENC);
        mf_check_mat(&m->encoder.embed, &plain, EMBED);
        assert_false(m->config.has_decoder);
        assert_null(m->decoder.layers);
        assert_int_equal(m->config.has_vision, i < 3);
        assert_string_equal(m->parts.id[T5G_ID_ENCODER], whole.id[T5G_ID_ENCODER]);
        assert_string_equal(m->parts.id[T5G_ID_VISION], i < 3 ? whole.id[T5G_ID_VISION] : "");
        assert_string_equal(m->parts.id[T5G_ID_DECODER], "");
        t5g_model_close(m);
        mf_expect_error(&x, true,
                        "model.safetensors: no tensors of the decoder, expected a whole model");
        md_free(&plain);
        mf_drop(&x);
    }
}

/* An encoder in another model, under a prefix that only the user knows; without eoi_embedding. */
static void
test_prefix(void **state)
{
    (void)state;
    for (int i = 0; i < 4; i++) {
        static const char *const under[] = {"tts.enc.", "tts.enc.model.", "tts.enc.text_model.",
                                            "tts.enc.encoder.text_model."};
        struct mf_model x;
        struct t5g_err e = {0};
        mf_setup(&x, "tiny");
        struct t5g_model *full = mf_open(&x, true);
        struct t5g_parts whole = full->parts;
        t5g_model_close(full);
        struct md_list plain = md_read(x.from);
        mf_drop_decoder(&x.l);
        mf_drop_vision(&x.l);
        md_rename(&x.l, ENC, under[i]);
        struct t5g_buf norm = {0}, eoi = {0};
        t5g_buf_printf(&norm, "%snorm.weight", under[i]);
        t5g_buf_printf(&eoi, "%sembed_tokens.eoi_embedding", under[i]);
        md_copy(&x.l, norm.p, "vocoder.layers.0.weight");
        mf_expect_error(&x, false, "That would be --encoder-prefix tts.enc");
        struct t5g_model *m = t5g_model_open_in(x.dir, i % 2 == 0 ? "tts.enc" : "tts.enc.", 0, &e);
        if (m == NULL)
            fail_msg("%s", e.msg);
        check_stack(&m->encoder, &plain, ENC);
        assert_string_equal(m->parts.id[T5G_ID_ENCODER], whole.id[T5G_ID_ENCODER]);
        t5g_model_close(m);
        assert_null(t5g_model_open_in(x.dir, "other", 0, &e));
        if (strstr(e.msg, "no tensors of the encoder") == NULL)
            fail_msg("%s", e.msg);
        md_drop(&x.l, eoi.p);
        assert_null(mf_try(&x, false, &e)); /* writes the files */
        if ((m = t5g_model_open_in(x.dir, "tts.enc", 0, &e)) == NULL)
            fail_msg("%s", e.msg);
        for (size_t k = 0; k < m->config.encoder.d; k++)
            assert_true(m->encoder.eoi[k] == 0);
        t5g_model_close(m);
        t5g_buf_free(&norm);
        t5g_buf_free(&eoi);
        md_free(&plain);
        mf_drop(&x);
    }
}

/* A configuration of the encoder's own: text_config and vision_config at the top. */
static void
test_encoder_config(void **state)
{
    (void)state;
    struct mf_model x;
    mf_setup(&x, "tiny");
    mf_drop_decoder(&x.l);
    md_rename(&x.l, ENC, "");
    char *at = strstr(x.config.p, "\"encoder\": {"), *end = strstr(x.config.p, "\n  },\n  \"eoi_");
    assert_true(at != NULL && end != NULL && at < end);
    struct t5g_buf b = {0};
    t5g_buf_add(&b, at + 11, (size_t)(end - at - 11));
    t5g_buf_addc(&b, '}');
    t5g_buf_free(&x.config);
    x.config = b;
    struct t5g_model *m = mf_open(&x, false);
    assert_true(!m->config.has_decoder && m->config.has_vision && m->config.eoi == 636);
    t5g_model_close(m);
    mf_expect_error(&x, true, "config.json: no decoder, expected a whole model");
    mf_drop(&x);
}

static void
test_all_faults_in_one_message(void **state)
{
    (void)state;
    struct mf_model x;
    mf_setup(&x, "tiny");
    struct md_tensor *t = md_find(&x.l, "model.decoder.norm.weight");
    t->dims[0] = 32;
    t->size = 128;
    md_find(&x.l, "model.encoder.layers.0.mlp.up_proj.weight")->dtype = T5G_I32;
    md_drop(&x.l, "model.encoder.layers.2.self_attn.q_norm.weight");
    md_copy(&x.l, EOI, "model.encoder.layers.6.extra");
    md_copy(&x.l, EOI, "model.encoder.text_model.norm.weight");
    md_copy(&x.l, EOI, "adapter.weight");
    md_drop(&x.l, VIS "post_layernorm.bias");
    struct t5g_err e = {0};
    assert_null(mf_try(&x, true, &e));
    static const char *const says[] = {
        "model.safetensors: tensor '",
        "tensor 'model.decoder.norm.weight': shape [32], expected [64]",
        "tensor 'model.encoder.layers.0.mlp.up_proj.weight': dtype i32, expected f32, bf16 or f16",
        "tensor 'model.encoder.layers.2.self_attn.q_norm.weight': missing, expected [32]",
        "tensor 'model.encoder.layers.6.extra': not part of the model that config.json describes",
        "tensor 'adapter.weight': not part of the model that config.json describes",
        "model.encoder.text_model.norm.weight'",
        "tensor '" VIS "post_layernorm.bias': missing, expected [32]",
    };
    for (size_t i = 0; i < T5G_LEN(says); i++) {
        if (strstr(e.msg, says[i]) == NULL)
            fail_msg("'%s' does not say '%s'", e.msg, says[i]);
    }
    assert_null(strchr(e.msg, '\n'));
    mf_drop(&x);
    mf_setup(&x, "tiny"); /* more than are written out */
    for (size_t i = 0; i < 6; i++) {
        char name[96];
        snprintf(name, sizeof name, "model.decoder.layers.%zu.mlp.up_proj.weight", i);
        md_drop(&x.l, name);
        snprintf(name, sizeof name, "model.decoder.layers.%zu.mlp.down_proj.weight", i);
        md_drop(&x.l, name);
    }
    mf_expect_error(&x, true, "; and 4 more");
    mf_drop(&x);
}

static void
test_vision(void **state)
{
    (void)state;
    struct mf_model x;
    mf_setup(&x, "tiny");
    md_copy(&x.l, EOI, VIS "head.probe"); /* the pooling head, unused */
    md_copy(&x.l, EOI, "score.out_proj.weight");
    struct t5g_model *m = mf_open(&x, true);
    assert_true(m->config.has_vision);
    t5g_model_close(m);
    mf_drop_vision(&x.l);
    m = mf_open(&x, true);
    assert_false(m->config.has_vision);
    t5g_model_close(m);
    mf_drop(&x);
    mf_setup(&x, "tiny"); /* a tower without its configuration */
    md_edit(&x.config, "\"vision_config\"", "\"no_vision_config\"");
    mf_expect_error(&x, true, "tensor '" PROJ "mm_input_projection_weight': not part of the model");
    mf_drop(&x);
}

/* Put `line` in place of the dtype at the top of config.json (those of the parts stay). */
static void
set_dtype(struct mf_model *x, const char *line)
{
    struct t5g_buf b = md_get(x->from, "config.json");
    char with[64];
    snprintf(with, sizeof with, "\n  %s", line);
    md_edit(&b, "\n  \"dtype\": \"float32\",", with); /* two blanks: top level */
    t5g_buf_free(&x->config);
    x->config = b;
}

/* config.json's dtype decides: narrower than the file's rounds, wider leaves weights as they are.
 */
static void
test_dtypes(void **state)
{
    (void)state;
    struct mf_model x;
    mf_setup(&x, "tiny");
    set_dtype(&x, "\"dtype\": \"float16\",");
    struct t5g_model *m = mf_open(&x, true);
    assert_string_equal(m->profile, "f16");
    assert_int_equal(m->head.dtype, T5G_F16);
    const float *was = md_find(&x.l, EMBED)->data;
    const uint16_t *is = m->head.p;
    for (size_t i = 0; i < 640 * 64; i++)
        assert_int_equal(is[i], t5g_f32_to_f16(was[i]));
    t5g_model_close(m);
    struct md_tensor *t = md_find(&x.l, "model.decoder.layers.0.mlp.up_proj.weight");
    float kept = ((float *)t->data)[5];
    ((float *)t->data)[5] = 1e6f;
    mf_expect_error(&x, true, "element 5 does not fit f16, the dtype of config.json");
    ((float *)t->data)[5] = kept;

    set_dtype(&x, ""); /* the tensors agree on f32 */
    m = mf_open(&x, true);
    assert_true(m->config.dtype == T5G_F32 && m->encoder.embed_scale == 8);
    t5g_model_close(m);
    for (size_t i = 0; i < t->size / 4; i++)
        ((uint16_t *)t->data)[i] = t5g_f32_to_bf16(((float *)t->data)[i]);
    t->size /= 2;
    t->dtype = T5G_BF16;
    mf_expect_error(&x, true, "config.json: dtype: missing, and tensor '");

    set_dtype(&x, "\"dtype\": \"float32\",");
    m = mf_open(&x, true);
    assert_int_equal(m->decoder.layers[0].ffn.up.w.dtype, T5G_BF16);
    assert_int_equal(m->decoder.layers[0].ffn.gate.w.dtype, T5G_F32);
    assert_string_equal(m->profile, "f32");
    t5g_model_close(m);
    mf_drop(&x);
}

/* Tensors at odd addresses are usable and hold the same. */
static void
test_misaligned(void **state)
{
    (void)state;
    struct mf_model x;
    mf_setup(&x, "tiny-gqa");
    x.pad = 1;
    struct t5g_model *m = mf_open(&x, true);
    check_stack(&m->encoder, &x.l, ENC);
    check_stack(&m->decoder, &x.l, "model.decoder.");
    mf_check_mat(&m->head, &x.l, EMBED);
    t5g_model_close(m);
    mf_drop(&x);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fields),         cmocka_unit_test(test_layouts),
        cmocka_unit_test(test_encoder_only),   cmocka_unit_test(test_prefix),
        cmocka_unit_test(test_encoder_config), cmocka_unit_test(test_all_faults_in_one_message),
        cmocka_unit_test(test_vision),         cmocka_unit_test(test_dtypes),
        cmocka_unit_test(test_misaligned),
    };
    return cmocka_run_group_tests(tests, mf_cache_open, mf_cache_close);
}
