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

/* What stands behind the first matrix of a feed-forward. */
enum t5g_activation {
    T5G_NO_ACTIVATION,
    T5G_GELU_TANH, /* x / 2 (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3))) */
    T5G_RELU,
};

/* How a decoder's rows see the encoder output. */
enum t5g_cross_kind {
    T5G_CROSS_NONE,
    T5G_CROSS_MERGED,   /* one softmax over own keys and encoder rows, with the layer's own matrices
                         */
    T5G_CROSS_SEPARATE, /* an attention of its own, with matrices of its own */
};

/*
 * How a family builds its blocks: model/family.c. Whether there is a gate, a norm behind a half, or
 * one of queries and keys, its table of tensors says.
 */
struct t5g_block_config {
    bool layer_norm; /* LayerNorm with a bias, else RMSNorm */
    float gain;      /* added to a gain as stored: 1 where files hold it less 1 */
    bool bias;       /* matrices have one */
    enum t5g_activation act;
    bool rope; /* queries and keys are rotated by their positions */
    enum t5g_cross_kind cross;
};

/* One stack of blocks (encoder text_config, or decoder). Dimension names as used everywhere. */
struct t5g_stack_config {
    struct t5g_block_config block;
    size_t d;            /* hidden_size */
    size_t f;            /* intermediate_size */
    size_t layers;       /* num_hidden_layers */
    size_t h, hk, dh;    /* num_attention_heads, num_key_value_heads, head_dim */
    size_t v;            /* vocab_size */
    size_t window;       /* sliding_window */
    float eps;           /* rms_norm_eps */
    float scale;         /* query_pre_attn_scalar^-0.5 */
    float attn_softcap;  /* of scores, before the softmax; 0: none */
    float logit_softcap; /* final_logit_softcapping; 0 when null */
    bool *full;          /* [layers] layer_types[i] == "full_attention" */
    struct t5g_rope_config rope_full, rope_local;
};

struct t5g_vision_config {
    struct t5g_stack_config stack; /* of the SigLIP tower */
    size_t image_size, patch;      /* pixels */
};

struct t5g_config {
    const struct t5g_family *family;
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
