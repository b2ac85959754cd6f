/* generation.h: what generation_config.json asks for and nobody follows. */
#ifndef T5G_GENERATION_H
#define T5G_GENERATION_H

#include "base/json.h"

/*
 * Append the settings of generation_config.json that change what transformers generates and that
 * are not read here: "num_beams 4, min_length 10". Nothing for values that change nothing, and
 * nothing for sampling, which is asked for on the command line only.
 */
void t5g_generation_unused(struct t5g_buf *out, const struct t5g_json *root);

#endif
