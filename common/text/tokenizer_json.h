/* tokenizer_json.h: the parts of tokenizer.json around the model, checked: only what Gemma
 * tokenizers use. */
#ifndef T5G_TOKENIZER_JSON_H
#define T5G_TOKENIZER_JSON_H

#include "base/json.h"
#include "text/tokenizer.h"

struct t5g_pipeline {
    bool gemma;        /* class GemmaTokenizer */
    bool space_is_bar; /* normalizer Replace " " by U+2581 */
    struct t5g_ids before, after;
};

/*
 * Fill p from the root. -1 with e (65), "normalizer: ...", which names what is not supported: a
 * tokenizer is never followed in part. config: tokenizer_config.json, or NULL; it names the class.
 */
int t5g_pipeline_read(struct t5g_pipeline *p, const struct t5g_json *root,
                      const struct t5g_json *config, struct t5g_err *e);
void t5g_pipeline_clear(struct t5g_pipeline *p);

#endif
