/* calibrate.h: the inputs of a model's matrices on given texts, for its packing. */
#ifndef T5G_CALIBRATE_H
#define T5G_CALIBRATE_H

#include "model/pack.h"
#include "stage/texts.h"

/* So many tokens are used at most, the first ones. */
enum { T5G_CALIBRATION_MOST = 32768 };

struct t5g_calibration;

/*
 * Rows of the texts in front of the first layers of m, which is not quantised; m and pool outlive
 * it. NULL with e: no such kernels (t5g_kernels_get). Texts are cut into parts of up to 500 tokens,
 * at least two. The encoder reads every part; the decoder is given every part over an encoder
 * output of no rows, and again, the first excepted, over that of the part before.
 */
struct t5g_calibration *t5g_calibration_open(const struct t5g_model *m,
                                             const struct t5g_tokenizer *tokenizer,
                                             const struct t5g_texts *t, struct t5g_pool *pool,
                                             struct t5g_err *e);
void t5g_calibration_close(struct t5g_calibration *c); /* NULL: nothing */

/* What t5g_pack_write asks. */
struct t5g_pack_inputs t5g_calibration_inputs(struct t5g_calibration *c);

#endif
