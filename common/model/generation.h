/* generation.h: settings of generation_config.json that are not used. */
#ifndef T5G_GENERATION_H
#define T5G_GENERATION_H

#include "base/json.h"

/*
 * Append the settings of generation_config.json that change what transformers generates and are not
 * used: "num_beams 4, min_length 10". Those without effect are left out, and so are settings of
 * sampling, which is requested on the command line. used: those that this program lacks, and all
 * that it does not know, unless they are null.
 */
void t5g_generation_unused(struct t5g_buf *out, const struct t5g_json *root, bool used);

#endif
