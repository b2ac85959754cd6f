/* modelfix.h: a copy of a fixture model to change and open again. */
#ifndef MODELFIX_H
#define MODELFIX_H

#include "model/model.h"
#include "model/pack.h"
#include "modeldir.h"

/* Names as transformers 5.18 writes them. */
#define EMBED   "model.encoder.embed_tokens.weight"
#define EOI     "model.encoder.embed_tokens.eoi_embedding"
#define D_EMBED "model.decoder.embed_tokens.weight"
#define D_EOI   "model.decoder.embed_tokens.eoi_embedding"
#define HEAD    "lm_head.out_proj.weight"
#define ENC     "model.encoder."
#define VIS     "model.encoder.vision_tower."
#define PROJ    "model.encoder.multi_modal_projector."

/* Tensors and config.json of a fixture, and the directory into which they are written. */
struct mf_model {
    char *dir, *from;
    struct md_list l;
    struct t5g_buf config;
    size_t pad;
};

void mf_setup(struct mf_model *x, const char *name);
void mf_drop(struct mf_model *x);

/* Write what x holds and open it. mf_open fails the test when that does not work. */
struct t5g_model *mf_try(struct mf_model *x, bool need_decoder, struct t5g_err *e);
struct t5g_model *mf_open(struct mf_model *x, bool need_decoder);
void mf_expect_error(struct mf_model *x, bool need_decoder, const char *says);

void mf_drop_vision(struct md_list *l); /* tensors only; the config may still speak of them */
void mf_drop_decoder(struct md_list *l);

/* w holds dtype, shape and bytes of that tensor. */
void mf_check_mat(const struct t5g_mat *w, struct md_list *l, const char *name);

/* Group setup and teardown: results kept between runs go to a directory of the test's own. */
int mf_cache_open(void **state);
int mf_cache_close(void **state);

/* tests/models/NAME as a packed model with these weights, of which no text is tokenized. head: the
 * meta of its HEAD; NULL: as t5g-pack writes it. */
void mf_pack(const char *name, enum t5g_pack_weights weights, const char *head, const char *to);

#endif
