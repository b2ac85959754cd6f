/* config.h: hyperparameters of config.json and generation_config.json, checked. */
#ifndef T5G_CONFIG_H
#define T5G_CONFIG_H

#include "base/dtype.h"
#include "base/err.h"
#include "base/json.h"

/* Rotary embedding of one kind of layer: inv_freq[i] = theta^(-2i/dh) / factor, all in f32. */
struct t5g_rope_config {
    float theta, factor;
};

/* The activation after a feed-forward's first matrix. */
enum t5g_activation {
    T5G_NO_ACTIVATION,
    T5G_GELU_TANH, /* x / 2 (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3))) */
    T5G_RELU,
};

/* How a decoder's rows attend to the encoder output. */
enum t5g_cross_kind {
    T5G_CROSS_NONE,
    T5G_CROSS_MERGED,   /* one softmax over own keys and encoder rows, same matrices */
    T5G_CROSS_SEPARATE, /* a second attention with its own matrices */
};

/*
 * How a family builds its blocks: model/family.c. Its table of tensors says whether there are a
 * gate, norms after attention and feed-forward, and norms of queries and keys.
 */
struct t5g_block_config {
    bool layer_norm; /* LayerNorm with a bias, else RMSNorm */
    float gain;      /* added to a stored gain: 1 if files hold gain - 1 */
    bool bias;       /* matrices have a bias */
    enum t5g_activation act;
    bool rope; /* queries and keys are rotated by their positions */
    enum t5g_cross_kind cross;
};

/* One stack of blocks (encoder text_config, or decoder). These dimension names are used
 * everywhere. */
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

/* What stands behind the decoder. */
enum t5g_head_kind {
    T5G_HEAD_TEXT,     /* the output matrix: ids are generated */
    T5G_HEAD_SEQUENCE, /* numbers for labels of a document */
    T5G_HEAD_TOKENS,   /* the same for each of its tokens */
};

/* What a classifier's numbers mean. */
enum t5g_problem {
    T5G_PROBLEM_SINGLE,     /* one label holds: softmax */
    T5G_PROBLEM_MULTI,      /* each holds or not: sigmoid of each */
    T5G_PROBLEM_REGRESSION, /* they are what is asked for */
};

/* The labels of a classifier: model/labels.c. */
struct t5g_labels {
    enum t5g_head_kind kind;
    char **names; /* [n] */
    size_t n;
    enum t5g_problem problem;
    int32_t start, pad; /* the decoder's first id; the id that pooling passes over, -1: none */
};

struct t5g_config {
    const struct t5g_family *family;
    /*
     * The checkpoint's: T5G_F32, T5G_BF16 or T5G_F16, from `dtype` or `torch_dtype`. If the file
     * has neither, it is 0, and t5g_model_open takes it from the tensors, which must then agree.
     */
    int dtype;
    bool has_decoder, has_vision, tied;
    struct t5g_stack_config encoder, decoder;
    struct t5g_vision_config vision;
    size_t mm_tokens;                  /* mm_tokens_per_image */
    int32_t bos, pad, boi, eoi, image; /* token ids; boi/eoi/image -1 if absent */
    int32_t start;                     /* decoder_start_token_id, else bos */
    int32_t eos[16];                   /* from generation_config.json, else config.json */
    size_t n_eos;
    char *notice; /* settings of generation_config.json that are not used; NULL: none */
    struct t5g_json *generation; /* that file; NULL: none, or not JSON */
    char *generation_path;       /* for messages; NULL: none */
    bool generates;              /* `architectures` names the class that generates text */
    char *classifier;            /* a class with another head that it names; NULL: none */
    struct t5g_labels labels;    /* kind is T5G_HEAD_TEXT, and n 0, unless it is a classifier */
    float embed_scale_encoder, embed_scale_decoder; /* sqrt(d) rounded to dtype */
};

/*
 * Read DIR/config.json (and DIR/generation_config.json, if any). Every field that the model needs
 * must be present: class defaults are not assumed, except the tower's and a bare text encoder's
 * eoi, as t5g-model(5) says. -1 with e (65/66): "config.json: decoder.head_dim: missing" (with the
 * directory in front). Accepts the rope spellings of transformers 4 and 5, a t5gemma2 model and an
 * encoder-only directory (t5gemma2_encoder, t5gemma2_text: no decoder).
 */
int t5g_config_load(struct t5g_config *c, const char *dir, struct t5g_err *e);
void t5g_config_clear(struct t5g_config *c);

/*
 * The same from texts in memory; generation (NULL if there is none) is generation_config.json. The
 * paths are for messages. A generation_config.json that is not JSON is ignored with a notice, as in
 * transformers.
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
