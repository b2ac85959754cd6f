/* packing_modules.h: what follows the encoder of sentence-transformers, in a packed model. */
#ifndef T5G_PACKING_MODULES_H
#define T5G_PACKING_MODULES_H

#include "stream/writer.h"

/*
 * Check the modules of a model, a directory or packed, whose encoder has d columns, and write
 * modules.json and their configurations as TEXT frames named by their paths. Writes nothing if it
 * has no modules.json. 0, or -1 with e: 65 and 66 as t5g_sentence_open, and errors of the writer.
 */
int t5g_packing_modules_texts(struct t5g_writer *w, const char *model, size_t d, struct t5g_err *e);

/* Write the weights of those modules as they are, as tensors FOLDER/NAME. The same. */
int t5g_packing_modules_weights(struct t5g_writer *w, const char *model, struct t5g_err *e);

#endif
