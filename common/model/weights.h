/* weights.h: names become struct fields once; all dtype and shape checks are made here. */
#ifndef T5G_WEIGHTS_H
#define T5G_WEIGHTS_H

#include "base/hash.h"
#include "model/config.h"
#include "model/safetensors.h"

/* A matrix as stored: y[m] = sum_k w[m,k] x[k]. Points into the mapping; bf16 stays bf16. */
struct t5g_mat {
    const void *p; /* [rows, cols] row-major, dtype; aligned to its element at least */
    int dtype;     /* T5G_F32, T5G_BF16 or T5G_F16 */
    size_t rows, cols;
};

/* One block. Norm gains are f32 and hold 1 + w already (RMSNorm multiplies by 1 + w). */
struct t5g_layer {
    struct t5g_mat q, k, v, o;         /* [h dh, d], [hk dh, d] x 2, [d, h dh] */
    struct t5g_mat gate, up, down;     /* [f, d] x 2, [d, f] */
    const float *q_norm, *k_norm;      /* [dh] */
    const float *pre_attn, *post_attn; /* [d] pre/post_self_attn_layernorm */
    const float *pre_ffn, *post_ffn;   /* [d] pre/post_feedforward_layernorm */
};

struct t5g_stack {
    const struct t5g_stack_config *c;
    struct t5g_layer *layers; /* [c->layers] */
    const float *norm;        /* [d] final norm, 1 + w */
    struct t5g_mat embed;     /* [v, d] */
    const float *eoi;         /* [d] eoi_embedding, unscaled; NULL when absent */
    float embed_scale;
};

struct t5g_model {
    char *dir;
    struct t5g_config config;
    struct t5g_stack encoder, decoder; /* decoder.layers NULL in an encoder-only directory */
    struct t5g_mat head;               /* [v, d] output matrix */
    char identity[T5G_HEX128];
    char profile[64];              /* numeric profile: "bf16" or "f32": weights dtype */
    struct t5g_safetensors *files; /* owns the mappings */
    void **owned;                  /* private: converted vectors, realigned tensors */
    size_t n_owned, cap_owned;
};

/*
 * Map and bind the weights of a directory. Every layout of t5g-model(5) is accepted; all missing,
 * extra and misshaped tensors are listed in one message. need_decoder: a directory without decoder
 * is an error. Weights are scanned for NaN and infinity and hashed into the identity in one pass,
 * once, remembered by (device, inode, size, mtime, ctime) of the files under $XDG_CACHE_HOME/t5g.
 * NULL with e.
 */
struct t5g_model *t5g_model_open(const char *dir, bool need_decoder, struct t5g_err *e);
void t5g_model_close(struct t5g_model *m);

#endif
