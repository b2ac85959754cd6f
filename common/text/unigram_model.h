/* unigram_model.h: the unigram model in tokenizer.json. */
#ifndef T5G_UNIGRAM_MODEL_H
#define T5G_UNIGRAM_MODEL_H

#include "base/hash.h"
#include "text/double_array.h"
#include "text/tokenizer_json.h"
#include "text/vocabulary.h"

/* Read model m: the vocabulary with scores to v, the rest to h. -1 with e (65). */
int t5g_unigram_model(struct t5g_vocabulary *v, struct t5g_table_header *h,
                      const struct t5g_json *m, struct t5g_err *e);

/* For the identity: all that affects ids and texts beside the vocabulary's texts. */
void t5g_unigram_hash(struct t5g_hash *hash, const struct t5g_vocabulary *v,
                      const struct t5g_table_header *h, const struct t5g_pipeline *p);

#endif
