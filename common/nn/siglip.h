/* siglip.h: pixels of a picture to the rows that represent it in the encoder. */
#ifndef T5G_SIGLIP_H
#define T5G_SIGLIP_H

#include "model/model.h"
#include "nn/exec.h"

struct t5g_vision;

/* The model must have been opened with T5G_NEED_VISION; it, pool and kernels must outlive this. */
struct t5g_vision *t5g_vision_open(const struct t5g_model *m, const struct t5g_kernels *k,
                                   struct t5g_pool *pool);
void t5g_vision_close(struct t5g_vision *x);

/*
 * out [mm_tokens, d of the encoder] f32 = features of one picture. pixels u8 [s, s, 3] with
 * s = config.vision.image_size; value [3, 256] maps a pixel of each channel to the tower's input
 * (rescaled and normalised). progress as in t5g_encode; if it returns false, the call stops with -1
 * and e (75). A feature that is not finite gives -1 with e (65).
 */
int t5g_vision_run(struct t5g_vision *x, const uint8_t *pixels, const float *value, float *out,
                   t5g_progress_fn *progress, void *arg, struct t5g_err *e);

#endif
