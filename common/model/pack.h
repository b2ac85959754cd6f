/* pack.h: the weights of an opened model as frames of a packed model. */
#ifndef T5G_PACK_H
#define T5G_PACK_H

#include "base/threads.h"
#include "model/gptq.h"
#include "model/model.h"
#include "stream/writer.h"

enum t5g_pack_weights {
    T5G_PACK_KEEP, /* as in the checkpoint */
    T5G_PACK_BF16, /* matrices rounded to bf16 */
    T5G_PACK_Q8,
    T5G_PACK_Q6,
    T5G_PACK_Q4,
};

/*
 * Asked about the inputs of matrices, layer by layer, the encoder's first: stage/calibrate.h. In
 * each layer l `look` comes first, then `factor` for the matrices, by their offsets in struct
 * t5g_layer, then `go_on` with the layer as it became. A factor lives until the next call; NULL:
 * errors are not compensated.
 */
struct t5g_pack_inputs {
    void *arg;
    void (*look)(void *arg, bool decoder, size_t l);
    const struct t5g_factor *(*factor)(void *arg, size_t field);
    void (*go_on)(void *arg, const struct t5g_layer *w);
};

/*
 * Write a tensor for every weight of m, under its usual name, into the open document of w. The
 * blocks' matrices and the embedding are quantised; norms, biases, the projector and the vision
 * tower's patch and position embeddings are not, nor are key and value matrices whose heads do not
 * fill panels. What was merged into m (bake.h) is in their place. inputs: with quantised weights,
 * errors of the encoder's and decoder's matrices are compensated; NULL: of none. With weights that
 * stay exact and a decoder, a screen is written too: see struct t5g_model. progress(done, total) is
 * called after each tensor. -1 with e of the writer, or 65 if m is already quantised differently.
 */
int t5g_pack_write(struct t5g_writer *w, const struct t5g_model *m, enum t5g_pack_weights weights,
                   const struct t5g_pack_inputs *inputs, struct t5g_pool *pool,
                   void (*progress)(size_t done, size_t total), struct t5g_err *e);

/*
 * Write the model's small files that programs read, if they exist, as TEXT frames into the open
 * document of w. -1 with e.
 */
int t5g_pack_texts(struct t5g_writer *w, const char *model, struct t5g_err *e);

/* The numeric profile of the result. */
const char *t5g_pack_profile(const struct t5g_model *m, enum t5g_pack_weights weights);

#endif
