/* source.h: what people call a model. */
#ifndef T5G_SOURCE_H
#define T5G_SOURCE_H

#include "stream/parts.h"

/*
 * A short name of the model directory at path, for people: the last component of the path, dots
 * resolved; of the Transformer module of sentence-transformers, the folder that it is in; in a
 * cache of the Hugging Face hub, or behind a link to there, "org/name". Well-formed UTF-8, cut to
 * fit.
 */
void t5g_model_source(char out[T5G_SOURCE_NAME], const char *path);

#endif
