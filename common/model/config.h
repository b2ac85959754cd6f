/* config.h: hyperparameters from config.json and generation_config.json, checked against each
 * other. */
#ifndef T5G_CONFIG_H
#define T5G_CONFIG_H

#include "base/dtype.h"
#include "base/err.h"

/* Rotary embedding of one kind of layer: inv_freq[i] = theta^(-2i/dh) / factor, all in f32. */
struct t5g_rope_config {
    float theta, factor;
};

/* One stack of blocks (encoder text_config, or decoder). Dimension names as used everywhere. */
struct t5g_stack_config {
    size_t d;            /* hidden_size */
    size_t f;            /* intermediate_size */
    size_t layers;       /* num_hidden_layers */
    size_t h, hk, dh;    /* num_attention_heads, num_key_value_heads, head_dim */
    size_t v;            /* vocab_size */
    size_t window;       /* sliding_window */
    float eps;           /* rms_norm_eps */
    float scale;         /* query_pre_attn_scalar^-0.5 */
    float logit_softcap; /* final_logit_softcapping; 0 when null */
    bool *full;          /* [layers] layer_types[i] == "full_attention" */
    struct t5g_rope_config rope_full, rope_local;
};

struct t5g_vision_config {
    size_t d, f, layers, h;   /* widths of the SigLIP tower */
    size_t image_size, patch; /* pixels */
    float eps;                /* layer_norm_eps */
};

struct t5g_config {
    /*
     * Of the checkpoint: T5G_F32, T5G_BF16 or T5G_F16. From `dtype` or `torch_dtype`; a file that
     * has neither leaves 0, and t5g_model_open takes it from the tensors, which must agree then.
     */
    int dtype;
    bool has_decoder, has_vision, tied;
    struct t5g_stack_config encoder, decoder;
    struct t5g_vision_config vision;
    size_t mm_tokens;                  /* mm_tokens_per_image */
    int32_t bos, pad, boi, eoi, image; /* token ids; boi/eoi/image -1 when absent */
    int32_t start;                     /* decoder_start_token_id, else bos */
    int32_t eos[16];                   /* of generation_config.json, else config.json */
    size_t n_eos;
    /* For people: settings of generation_config.json that are not used; NULL: there are none. */
    char *notice;
    /* Of `architectures`: the class that generates text is named; one with another head, or NULL.
     */
    bool generates;
    char *classifier;
    float embed_scale_encoder, embed_scale_decoder; /* sqrt(d) rounded to dtype */
};

/*
 * Read DIR/config.json (and DIR/generation_config.json when there). Every field the model needs
 * must be there: class defaults are never assumed. -1 with e (65/66): "config.json:
 * decoder.head_dim: missing" (with the directory in front). Accepts the rope spellings of
 * transformers 4 and 5, a t5gemma2 model and an encoder-only directory (t5gemma2_encoder,
 * t5gemma2_text: no decoder).
 */
int t5g_config_load(struct t5g_config *c, const char *dir, struct t5g_err *e);
void t5g_config_clear(struct t5g_config *c);

/*
 * The same from texts in memory; generation (NULL when there is none) is generation_config.json.
 * The paths are for messages. What is no JSON text as
 * generation_config.json is passed over with a notice, as in transformers.
 */
int t5g_config_parse(struct t5g_config *c, const char *text, size_t n, const char *path,
                     const char *generation, size_t gn, const char *gpath, struct t5g_err *e);

/*
 * Set dtype and the embedding scales: sqrt(d) is a buffer that transformers creates in the
 * checkpoint's dtype, so a bf16 checkpoint scales by 25.25 where f32 has 25.298221.
 */
void t5g_config_set_dtype(struct t5g_config *c, int dtype);

/* id is in the eos list. */
bool t5g_config_is_eos(const struct t5g_config *c, int32_t id);

#endif
