/* model.h: the weights as struct fields, all dtypes and shapes checked. */
#ifndef T5G_MODEL_H
#define T5G_MODEL_H

#include "model/config.h"
#include "model/matrix.h"
#include "model/safetensors.h"
#include "model/updates.h"
#include "stream/parts.h"

/* A matrix and its bias [rows] in f32; NULL: none. */
struct t5g_affine {
    struct t5g_mat w;
    const float *b;
};

/* Gain [d], itself even if files hold gain - 1, and the bias [d] of a LayerNorm, else NULL. */
struct t5g_norm {
    const float *w, *b;
};

/* Attention of a layer. k and v read the same rows as q, except in separate cross-attention. */
struct t5g_attention_weights {
    struct t5g_norm pre, post;    /* [d]; post.w NULL: none */
    struct t5g_affine q, k, v, o; /* [h dh, d], [hk dh, d] x 2, [d, h dh] */
    const float *q_norm, *k_norm; /* [dh]; NULL: none */
};

/* One block: the tensors that the family's table lists; the others are 0. */
struct t5g_layer {
    struct t5g_attention_weights self, cross;
    struct {
        struct t5g_norm pre, post;        /* [d] */
        struct t5g_affine gate, up, down; /* [f, d] x 2, [d, f]; up.w.p NULL: not gated */
    } ffn;
};

struct t5g_stack {
    const struct t5g_stack_config *c;
    struct t5g_layer *layers; /* [c->layers] */
    struct t5g_norm norm;     /* [d] after the last block */
    struct t5g_mat embed;     /* [v, d] */
    const float *eoi;         /* [d] eoi_embedding, unscaled; NULL: the family has none */
    float embed_scale;
    const struct t5g_embed_update *update; /* of the embedding, by adapters; NULL: none */
    size_t ranks; /* of adapters, most in a layer, those of a matrix rounded up to 16 */
};

/* SigLIP tower and the projector after it. */
struct t5g_vision_weights {
    struct t5g_stack stack;  /* without embedding */
    struct t5g_affine patch; /* [d, 3 patch patch]: channel, row, column */
    struct t5g_mat position; /* [side side, d], side = image_size / patch */
    const float *soft_norm;  /* [d] 1 + w, of the projector */
    struct t5g_mat project;  /* [d, text d], as the file has it */
};

struct t5g_model {
    char *dir;
    char *prefix; /* in front of the names of an encoder in another model; NULL: none */
    struct t5g_config config;
    struct t5g_stack encoder, decoder; /* decoder.layers NULL in an encoder-only directory */
    struct t5g_mat head;               /* [v, d] output matrix */
    /*
     * In packed models with exact weights, head as T5G_Q8 (else p is NULL), and for each row the
     * length of its quantisation error and of the quantised row, both rounded up.
     */
    struct t5g_mat screen;
    const float *screen_norms;         /* [v, 2] */
    struct t5g_token_rows head_tokens; /* rows of head that adapters replace */
    const float *score, *score_bias;   /* [labels, d], [labels] a classifier's head; NULL: none */
    struct t5g_vision_weights vision;
    struct t5g_parts parts;        /* identities */
    char profile[64];              /* numeric profile of the weights: "f32", "bf16", "q8", ... */
    bool quantised;                /* some matrix is quantised */
    struct t5g_safetensors *files; /* owns the mappings */
    struct t5g_baking *baked;      /* bake.h; owned */
    bool replaced;                 /* an adapter has an embedding or output matrix of its own */
    struct t5g_adapter **adapters; /* [n_adapters] adapter.h; owned */
    size_t n_adapters, cap_adapters;
    void **owned; /* private: converted vectors, realigned tensors */
    size_t n_owned, cap_owned;
};

/* Parts that a program needs. */
enum {
    T5G_NEED_DECODER = 1,
    T5G_NEED_VISION = 2, /* also binds vision */
    /* Parts that a program does not need: their layers are checked, but not bound. */
    T5G_SKIP_ENCODER = 4,
    T5G_SKIP_DECODER = 8,
    T5G_TAKE_VISION = 32, /* bind vision if there is one */
    T5G_TAKE_LABELS = 16, /* with T5G_NEED_DECODER: a classifier will do */
};

/*
 * Map and bind the weights of a directory. Every layout of t5g-model(5) is accepted; missing, extra
 * and misshaped tensors are listed in one message. A directory without a needed part
 * (T5G_NEED_DECODER and so on, or-ed) is an error, and so is a classifier where text is generated.
 * One pass scans the weights for NaN and infinity and hashes them into the identities, which are
 * remembered by (device, inode, size, mtime, ctime) of the files under $XDG_CACHE_HOME/t5g. NULL
 * with e.
 */
struct t5g_model *t5g_model_open(const char *dir, unsigned need, struct t5g_err *e);

/* The same of an encoder in another model, whose tensors have `prefix` in front of their names, a
 * dot after it or not; NULL: t5g_model_open. */
struct t5g_model *t5g_model_open_in(const char *dir, const char *prefix, unsigned need,
                                    struct t5g_err *e);
void t5g_model_close(struct t5g_model *m);

#endif
