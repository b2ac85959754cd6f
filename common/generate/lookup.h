/* lookup.h: guess the next ids from the document. */
#ifndef T5G_LOOKUP_H
#define T5G_LOOKUP_H

#include "base/base.h"

/*
 * Put up to n ids into draft that may follow ids [len]: those after the first place in source
 * [n_source], else the last earlier place in ids, where the last 4 ids occur; else the last 3, or
 * 2. Returns how many. (Prompt lookup decoding; transformers: PromptLookupCandidateGenerator, which
 * searches the decoder's own ids only.)
 */
size_t t5g_lookup(const int32_t *source, size_t n_source, const int32_t *ids, size_t len,
                  int32_t *draft, size_t n);

#endif
