/* lookup.h: guesses at what comes next, from what stands in the document. */
#ifndef T5G_LOOKUP_H
#define T5G_LOOKUP_H

#include "base/base.h"

/*
 * Up to n ids into draft that may follow ids [len]: what follows the first place in source
 * [n_source], or else the last earlier place in ids, where the longest of the last 4 to 2 ids
 * occurs. Returns how many. (Prompt lookup decoding; transformers: PromptLookupCandidateGenerator,
 * which looks at the decoder's own ids only.)
 */
size_t t5g_lookup(const int32_t *source, size_t n_source, const int32_t *ids, size_t len,
                  int32_t *draft, size_t n);

#endif
