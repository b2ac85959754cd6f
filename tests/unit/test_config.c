/* test_config.c: config.json and generation_config.json in all spellings, and what is refused. */
#include "model/config.h"
#include "modeldir.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

#define STACK                                                                                 \
    "\"hidden_size\":40,\"intermediate_size\":96,\"num_hidden_layers\":3,"                    \
    "\"num_attention_heads\":6,\"num_key_value_heads\":2,\"head_dim\":16,\"vocab_size\":300," \
    "\"sliding_window\":9,\"rms_norm_eps\":1e-5,\"query_pre_attn_scalar\":20,"                \
    "\"hidden_activation\":\"gelu_pytorch_tanh\",\"attention_bias\":false,"                   \
    "\"final_logit_softcapping\":null,"                                                       \
    "\"layer_types\":[\"sliding_attention\",\"full_attention\",\"sliding_attention\"],"       \
    "\"rope_parameters\":{\"full_attention\":{\"rope_type\":\"linear\",\"factor\":8.0,"       \
    "\"rope_theta\":1e6},\"sliding_attention\":{\"rope_type\":\"default\",\"rope_theta\":1e4}}"
#define VISION                                                              \
    "{\"hidden_size\":32,\"intermediate_size\":72,\"num_hidden_layers\":2," \
    "\"num_attention_heads\":2,\"image_size\":56,\"patch_size\":14}"

/* Every test edits this text, decoder first, so that the first match is the decoder's. */
static const char whole[] =
    "{\"model_type\":\"t5gemma2\",\"dtype\":\"bfloat16\",\"decoder\":{" STACK
    ",\"bos_token_id\":2},\"encoder\":{\"boi_token_index\":290,\"eoi_token_index\":291,"
    "\"image_token_index\":292,\"mm_tokens_per_image\":4,\"text_config\":{" STACK
    "},\"vision_config\":" VISION "},\"eos_token_id\":1,\"pad_token_id\":0}";

static struct t5g_buf
text_of(const char *s)
{
    struct t5g_buf b = {0};
    t5g_buf_adds(&b, s);
    return b;
}

static int
parse(struct t5g_config *c, const char *text, const char *generation, struct t5g_err *e)
{
    return t5g_config_parse(c, text, strlen(text), "config.json", generation,
                            generation != NULL ? strlen(generation) : 0, "generation_config.json",
                            e);
}

/* The text with one edit, read; the caller clears. */
static struct t5g_config
edited(const char *from, const char *to, const char *generation)
{
    struct t5g_config c;
    struct t5g_err e = {0};
    struct t5g_buf b = text_of(whole);
    if (from != NULL)
        md_edit(&b, from, to);
    if (parse(&c, b.p, generation, &e) < 0)
        fail_msg("%s", e.msg);
    t5g_buf_free(&b);
    return c;
}

static void
test_fixtures(void **state)
{
    (void)state;
    struct t5g_config c;
    struct t5g_err e = {0};
    char *dir = md_fixture("tiny-gqa");
    if (t5g_config_load(&c, dir, &e) < 0)
        fail_msg("%s", e.msg);
    assert_int_equal(c.dtype, T5G_BF16);
    assert_true(c.has_decoder && c.has_vision && c.tied);
    const struct t5g_stack_config *s[2] = {&c.encoder, &c.decoder};
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(s[i]->d, 72);
        assert_int_equal(s[i]->f, 176);
        assert_int_equal(s[i]->layers, 7);
        assert_int_equal(s[i]->h, 4);
        assert_int_equal(s[i]->hk, 2);
        assert_int_equal(s[i]->dh, 24);
        assert_int_equal(s[i]->v, 701);
        assert_int_equal(s[i]->window, 8);
        assert_true(s[i]->eps == 1e-6f && s[i]->logit_softcap == 0);
        assert_true(s[i]->scale == (float)pow(20, -0.5));
        for (size_t l = 0; l < 7; l++)
            assert_int_equal(s[i]->full[l], l == 5);
        assert_true(s[i]->rope_full.theta == 1e6f && s[i]->rope_full.factor == 8);
        assert_true(s[i]->rope_local.theta == 1e4f && s[i]->rope_local.factor == 1);
    }
    assert_true(c.embed_scale_encoder == 8.5f && c.embed_scale_decoder == 8.5f);
    assert_int_equal(c.boi, 696);
    assert_int_equal(c.eoi, 697);
    assert_int_equal(c.image, 698);
    assert_int_equal(c.bos, 2);
    assert_int_equal(c.start, 2);
    assert_int_equal(c.pad, 0);
    assert_int_equal(c.n_eos, 2);
    assert_true(c.eos[0] == 1 && c.eos[1] == 15);
    assert_true(t5g_config_is_eos(&c, 15) && !t5g_config_is_eos(&c, 2));
    assert_int_equal(c.vision.stack.d, 48);
    assert_int_equal(c.vision.image_size, 112);
    assert_int_equal(c.mm_tokens, 4);
    t5g_config_clear(&c);
    t5g_free(dir);
    dir = md_fixture("tiny");
    assert_int_equal(t5g_config_load(&c, dir, &e), 0);
    assert_int_equal(c.dtype, T5G_F32);
    assert_true(c.embed_scale_encoder == 8 && c.n_eos == 1 && c.eos[0] == 1);
    t5g_config_clear(&c);
    t5g_free(dir);
    assert_int_equal(t5g_config_load(&c, "/nonexistent", &e), -1);
    assert_int_equal(e.code, T5G_EX_NOINPUT);
    assert_non_null(strstr(e.msg, "/nonexistent"));
}

static void
test_scales(void **state)
{
    (void)state;
    struct t5g_config c = {.encoder.d = 640, .decoder.d = 640};
    t5g_config_set_dtype(&c, T5G_BF16);
    assert_true(c.embed_scale_encoder == 25.25f);
    t5g_config_set_dtype(&c, T5G_F32);
    assert_true(c.embed_scale_decoder == 25.298221f);
    t5g_config_set_dtype(&c, T5G_F16);
    assert_true(c.embed_scale_decoder == 25.296875f);
    c.encoder.d = 2560;
    t5g_config_set_dtype(&c, T5G_BF16);
    assert_true(c.embed_scale_encoder == 50.5f);
}

/* One edit, and what one field of the decoder's rope must be then. */
static void
test_rope_spellings(void **state)
{
    (void)state;
    static const char rope[] =
        "\"rope_parameters\":{\"full_attention\":{\"rope_type\":\"linear\",\"factor\":8.0,"
        "\"rope_theta\":1e6},\"sliding_attention\":{\"rope_type\":\"default\",\"rope_theta\":1e4}}";
    static const struct {
        const char *to;
        float full_theta, full_factor, local_theta, local_factor;
    } cases[] = {
        {rope, 1e6f, 8, 1e4f, 1},
        {"\"rope_theta\":5e5,\"rope_local_base_freq\":2e4,"
         "\"rope_scaling\":{\"rope_type\":\"linear\",\"factor\":4}",
         5e5f, 4, 2e4f, 1},
        {"\"rope_theta\":5e5,\"rope_local_base_freq\":2e4,\"rope_scaling\":null", 5e5f, 1, 2e4f, 1},
        {"\"rope_theta\":5e5,\"rope_local_base_freq\":2e4", 5e5f, 1, 2e4f, 1},
        /* a theta inside rope_parameters wins over one beside it; rope_scaling wins over both */
        {"\"rope_theta\":5e5,\"rope_scaling\":{\"rope_type\":\"linear\",\"factor\":4.0},"
         "\"rope_parameters\":{\"full_attention\":{\"rope_type\":\"default\",\"rope_theta\":1e6},"
         "\"sliding_attention\":{\"rope_type\":\"linear\",\"factor\":2,\"rope_theta\":1e4}}",
         1e6f, 4, 1e4f, 2},
        {"\"rope_theta\":5e5,\"rope_local_base_freq\":2e4,\"rope_parameters\":{\"full_attention\":"
         "{\"rope_type\":\"linear\",\"factor\":4.0}}",
         5e5f, 4, 2e4f, 1},
    };
    for (size_t i = 0; i < T5G_LEN(cases); i++) {
        struct t5g_config c = edited(rope, cases[i].to, NULL);
        assert_true(c.decoder.rope_full.theta == cases[i].full_theta);
        assert_true(c.decoder.rope_full.factor == cases[i].full_factor);
        assert_true(c.decoder.rope_local.theta == cases[i].local_theta);
        assert_true(c.decoder.rope_local.factor == cases[i].local_factor);
        assert_true(c.encoder.rope_full.factor == 8);
        t5g_config_clear(&c);
    }
}

static void
test_layer_pattern(void **state)
{
    (void)state;
    static const char types[] = "\"layer_types\":[\"sliding_attention\",\"full_attention\","
                                "\"sliding_attention\"]";
    struct t5g_config c = edited(types, "\"sliding_window_pattern\":3", NULL);
    assert_true(!c.decoder.full[0] && !c.decoder.full[1] && c.decoder.full[2]);
    t5g_config_clear(&c);
    c = edited(types, "\"_sliding_window_pattern\":6", NULL);
    assert_true(!c.decoder.full[0] && !c.decoder.full[1] && !c.decoder.full[2]);
    t5g_config_clear(&c);
}

static void
test_places(void **state)
{
    (void)state;
    struct t5g_config c = edited(NULL, NULL, NULL);
    assert_true(c.boi == 290 && c.eoi == 291 && c.image == 292);
    assert_true(c.tied && c.bos == 2 && c.pad == 0 && c.start == 2);
    assert_true(c.n_eos == 1 && c.eos[0] == 1 && c.vision.stack.eps == 1e-6f);
    t5g_config_clear(&c);
    c = edited("\"eos_token_id\":1,",
               "\"eos_token_id\":[1,7],\"image_token_index\":280,\"eoi_token_index\":281,"
               "\"decoder_start_token_id\":5,\"tie_word_embeddings\":false,",
               NULL);
    assert_true(c.image == 280 && c.eoi == 291 && c.start == 5 && !c.tied && c.n_eos == 2);
    t5g_config_clear(&c);
    c = edited(NULL, NULL, "{\"eos_token_id\":[9,8],\"bos_token_id\":3}");
    assert_true(c.n_eos == 2 && c.eos[0] == 9 && c.eos[1] == 8 && c.bos == 3 && c.start == 3);
    t5g_config_clear(&c);
    c = edited(NULL, NULL, "{\"top_k\":64}");
    assert_true(c.n_eos == 1 && c.eos[0] == 1 && c.bos == 2);
    t5g_config_clear(&c);
    c = edited("\"dtype\":\"bfloat16\",", "\"torch_dtype\":\"float16\",", NULL);
    assert_int_equal(c.dtype, T5G_F16);
    t5g_config_clear(&c);
    c = edited("\"dtype\":\"bfloat16\",", "", NULL);
    assert_int_equal(c.dtype, 0);
    t5g_config_clear(&c);
    c = edited("\"final_logit_softcapping\":null", "\"final_logit_softcapping\":30.0", NULL);
    assert_true(c.decoder.logit_softcap == 30 && c.encoder.logit_softcap == 0);
    t5g_config_clear(&c);
    c = edited(",\"vision_config\":" VISION, "", NULL);
    assert_false(c.has_vision);
    t5g_config_clear(&c);
}

static void
test_encoder_only(void **state)
{
    (void)state;
    struct t5g_config c;
    struct t5g_err e = {0};
    static const char nested[] =
        "{\"model_type\":\"t5gemma2_encoder\",\"dtype\":\"float32\",\"boi_token_index\":290,"
        "\"eoi_token_index\":291,\"image_token_index\":292,\"mm_tokens_per_image\":16,"
        "\"text_config\":{" STACK "},\"vision_config\":" VISION "}";
    static const char flat[] = "{\"model_type\":\"t5gemma2_text\",\"dtype\":\"float32\"," STACK "}";
    if (parse(&c, nested, NULL, &e) < 0)
        fail_msg("%s", e.msg);
    assert_true(!c.has_decoder && c.has_vision && c.eoi == 291 && c.mm_tokens == 16);
    assert_true(c.encoder.d == 40 && c.decoder.d == 0 && c.n_eos == 0);
    t5g_config_clear(&c);
    if (parse(&c, flat, NULL, &e) < 0)
        fail_msg("%s", e.msg);
    assert_true(!c.has_decoder && !c.has_vision && c.eoi == -1 && c.image == -1);
    t5g_config_clear(&c);
    struct t5g_buf b = text_of(flat);
    md_edit(&b, "\"vocab_size\":300", "\"vocab_size\":262144");
    assert_int_equal(parse(&c, b.p, NULL, &e), 0);
    assert_int_equal(c.eoi, 256000);
    t5g_config_clear(&c);
    t5g_buf_free(&b);
}

struct refused {
    const char *from, *to, *says;
};

static const struct refused refusals[] = {
    {"\"t5gemma2\"", "\"gemma3\"",
     "config.json: model_type: gemma3 (a Gemma 3, which has no encoder), expected t5gemma2, "
     "t5gemma2_encoder or t5gemma2_text"},
    {"\"model_type\":\"t5gemma2\",", "",
     "config.json: model_type: missing, expected t5gemma2, t5gemma2_encoder or t5gemma2_text"},
    {"\"bfloat16\"", "\"float8_e4m3fn\"",
     "config.json: dtype: float8_e4m3fn, expected float32, bfloat16 or float16"},
    {"\"head_dim\":16,", "", "config.json: decoder.head_dim: missing"},
    {"\"head_dim\":16,", "\"head_dim\":null,", "config.json: decoder.head_dim: missing"},
    {"\"head_dim\":16", "\"head_dim\":15",
     "config.json: decoder.head_dim: 15, expected an even number"},
    {"\"head_dim\":16", "\"head_dim\":\"16\"",
     "config.json: decoder.head_dim: \"16\", expected a whole number from 2 to 4096"},
    {"\"hidden_size\":40", "\"hidden_size\":0",
     "config.json: decoder.hidden_size: 0, expected a whole number from 1 to 65536"},
    {"\"hidden_size\":40", "\"hidden_size\":40.5",
     "config.json: decoder.hidden_size: 40.5, expected a whole number from 1 to 65536"},
    {"\"hidden_size\":40", "\"hidden_size\":1e18",
     "config.json: decoder.hidden_size: 1e+18, expected a whole number from 1 to 65536"},
    {"\"hidden_size\":40", "\"hidden_size\":48",
     "config.json: decoder.hidden_size: 48, expected 40 as in the encoder"},
    {"\"vocab_size\":300", "\"vocab_size\":301",
     "config.json: decoder.vocab_size: 301, expected 300 as in the encoder"},
    {"\"num_key_value_heads\":2", "\"num_key_value_heads\":4",
     "config.json: decoder.num_key_value_heads: 4, expected a divisor of 6 heads"},
    {"\"num_hidden_layers\":3", "\"num_hidden_layers\":4",
     "config.json: decoder.layer_types: expected a list of 4 names"},
    {"[\"sliding_attention\"", "[\"chunked_attention\"",
     "config.json: decoder.layer_types: element 0 is chunked_attention, expected full_attention or "
     "sliding_attention"},
    {"\"layer_types\"", "\"layer_kinds\"", "config.json: decoder.layer_types: missing"},
    {"\"layer_types\"", "\"_sliding_window_pattern\":4,\"layer_kinds\"",
     "config.json: decoder._sliding_window_pattern: 4, expected a whole number from 6 to 6"},
    {"\"sliding_window\":9", "\"sliding_window\":0",
     "config.json: decoder.sliding_window: 0, expected a whole number from 1 to 1073741824"},
    {"\"sliding_window\":9,", "", "config.json: decoder.sliding_window: missing"},
    {"\"rms_norm_eps\":1e-5", "\"rms_norm_eps\":-1e-5",
     "config.json: decoder.rms_norm_eps: -1e-05, expected a number above 0, at "
     "most 1"},
    {"gelu_pytorch_tanh", "silu",
     "config.json: decoder.hidden_activation: silu, expected gelu_pytorch_tanh"},
    {"\"attention_bias\":false", "\"attention_bias\":true",
     "config.json: decoder.attention_bias: true, expected false"},
    {"\"linear\"", "\"yarn\"",
     "config.json: decoder.rope_parameters.full_attention.rope_type: yarn is not supported, "
     "expected default or linear"},
    {"\"rope_type\":\"linear\"", "\"type\":\"linear\"",
     "config.json: decoder.rope_parameters.full_attention.rope_type: missing"},
    {"\"factor\":8.0,", "", "config.json: decoder.rope_parameters.full_attention.factor: missing"},
    {"\"rope_theta\":1e4", "\"theta\":1e4",
     "config.json: decoder.rope_parameters.sliding_attention.rope_theta: missing"},
    {"\"rope_parameters\"", "\"rope_scaling\":{\"type\":\"linear\",\"factor\":8},\"rope_params\"",
     "config.json: decoder.rope_scaling.rope_type: missing"},
    {"\"decoder\":{", "\"decoder\":7,\"was\":{", "config.json: decoder: 7, expected an object"},
    {"\"text_config\"", "\"txt\"", "config.json: encoder.text_config: missing"},
    {"\"eoi_token_index\":291,", "", "config.json: encoder.eoi_token_index: missing"},
    {"\"eos_token_id\":1", "\"eos_token_id\":300",
     "config.json: eos_token_id: expected ids from 0 to 299"},
    {"\"eos_token_id\":1", "\"eos_token_id\":[1,\"2\"]",
     "config.json: eos_token_id: expected ids from 0 to 299"},
    {"\"eos_token_id\":1,", "", "config.json: eos_token_id: missing"},
    {"\"bos_token_id\":2", "\"bos_token_id\":300",
     "config.json: bos_token_id: 300, expected an id from 0 to 299"},
    {"\"mm_tokens_per_image\":4", "\"mm_tokens_per_image\":5",
     "config.json: encoder.mm_tokens_per_image: 5, expected a square whose side divides 4 patches"},
    {"\"image_size\":56", "\"image_size\":57",
     "config.json: encoder.vision_config.image_size: 57, expected a multiple of patch_size 14"},
    {"\"pad_token_id\":0", "\"pad_token_id\":0,\"pad_token_id\":0", NULL},
    {"{\"model_type\"", "[{\"model_type\"", NULL},
};

static void
test_refusals(void **state)
{
    (void)state;
    for (size_t i = 0; i < T5G_LEN(refusals); i++) {
        const struct refused *x = &refusals[i];
        struct t5g_config c;
        struct t5g_err e = {0};
        struct t5g_buf b = text_of(whole);
        md_edit(&b, x->from, x->to);
        assert_int_equal(parse(&c, b.p, NULL, &e), -1);
        assert_int_equal(e.code, T5G_EX_DATA);
        if (x->says != NULL)
            assert_string_equal(e.msg, x->says);
        else
            assert_non_null(strstr(e.msg, "config.json: byte "));
        t5g_buf_free(&b);
    }
    struct t5g_config c;
    struct t5g_err e = {0};
    assert_int_equal(parse(&c, whole, "{\"eos_token_id\":999}", &e), -1);
    assert_string_equal(e.msg, "generation_config.json: eos_token_id: expected ids from 0 to 299");
    assert_int_equal(parse(&c, whole, "[]", &e), -1);
    assert_string_equal(e.msg, "generation_config.json: not a JSON object");
}

static void
expect_notice(const char *generation, const char *want)
{
    struct t5g_config c;
    struct t5g_err e = {0};
    assert_int_equal(parse(&c, whole, generation, &e), 0);
    if (want == NULL && c.notice != NULL)
        fail_msg("%s: %s", generation, c.notice);
    if (want != NULL && (c.notice == NULL || strstr(c.notice, want) == NULL))
        fail_msg("%s: %s", generation, c.notice != NULL ? c.notice : "nothing");
    t5g_config_clear(&c);
}

/* Values that change nothing are no matter; those that would are named. */
static void
test_notice(void **state)
{
    (void)state;
    expect_notice("{\"num_beams\":1,\"length_penalty\":1.0,\"max_length\":20,\"min_length\":0,"
                  "\"suppress_tokens\":null,\"bad_words_ids\":[],\"early_stopping\":false,"
                  "\"do_sample\":true,\"top_k\":64,\"temperature\":0.7,\"use_cache\":true}",
                  NULL);
    expect_notice("{\"num_beams\":2}", "not used: num_beams 2 (see");
    expect_notice("{\"early_stopping\":true,\"no_repeat_ngram_size\":3}",
                  "not used: early_stopping true, no_repeat_ngram_size 3 (see");
    expect_notice("{\"forced_bos_token_id\":0,\"max_length\":4096}",
                  "not used: max_length 4096, forced_bos_token_id 0 (see");
    expect_notice("{\"bad_words_ids\":[[1]]}", "not used: bad_words_ids (see");
    expect_notice("{", "generation_config.json: byte 1: ");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fixtures),       cmocka_unit_test(test_scales),
        cmocka_unit_test(test_rope_spellings), cmocka_unit_test(test_layer_pattern),
        cmocka_unit_test(test_places),         cmocka_unit_test(test_encoder_only),
        cmocka_unit_test(test_refusals),       cmocka_unit_test(test_notice),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
