/* input.h: get and check a document's input tensors. */
#ifndef T5G_INPUT_H
#define T5G_INPUT_H

#include "kernels/kernels.h"
#include "model/config.h"
#include "stream/document.h"

/*
 * input.ids of a document: *ids [n] is valid as long as doc. -1 with e (65) if it is missing or
 * empty, or if an id is outside the vocabulary.
 */
int t5g_input_ids(const struct t5g_doc *doc, const struct t5g_config *c, const int32_t **ids,
                  size_t *n, struct t5g_err *e);

/*
 * All image.feat frames [mm_tokens, d] one after another: *rows [n, d] f32, freed by t5g_free, NULL
 * without pictures. -1 with e (65) if a picture has not been processed yet (image.bytes) or has
 * another shape, or if the number of image tokens in the ids differs.
 */
int t5g_input_features(const struct t5g_doc *doc, const struct t5g_config *c, const int32_t *ids,
                       size_t n_ids, float **rows, size_t *n, struct t5g_err *e);

/* The member "group" of the meta of an encoder output: how many rows were averaged to one; 1
 * without it. -1 with e (65). */
int t5g_input_group(const struct t5g_frame *f, size_t *group, struct t5g_err *e);

/*
 * The encoder output of a document as f32 [n, d], n may be 0: in place, or widened into *wide
 * (t5g_free). -1 with e (65) if there is none, its width is not d, or it is of bytes without the
 * scales that they need, or scales stand before it, twice, or beside another dtype. k: any level,
 * the bits are the same.
 */
int t5g_input_encoder_out(const struct t5g_doc *doc, const struct t5g_kernels *k, size_t d,
                          const float **rows, size_t *n, float **wide, struct t5g_err *e);

#endif
