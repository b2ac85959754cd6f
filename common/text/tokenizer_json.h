/* tokenizer_json.h: the parts of tokenizer.json around the model, checked: only what the tokenizers
 * of Gemma and of T5 and its successors use. */
#ifndef T5G_TOKENIZER_JSON_H
#define T5G_TOKENIZER_JSON_H

#include "base/json.h"
#include "text/tokenizer.h"

struct t5g_pipeline {
    bool gemma;        /* class GemmaTokenizer */
    bool unigram;      /* model Unigram; else BPE */
    bool space_is_bar; /* BPE: normalizer Replace " " by U+2581 */
    bool bar_is_space; /* decoder: U+2581 becomes a space */
    bool bytes;        /* decoder: ByteFallback */
    struct t5g_ids before, after;
    unsigned pre, decode; /* T5G_PRE_*, T5G_DECODE_* */
    /* Unigram: struct t5g_step, their texts, and the rules of a charsmap. */
    struct t5g_buf steps, strings, charsmap;
};

/*
 * Fill p from the root. -1 with e (65), "normalizer: ...", which names what is not supported: a
 * tokenizer is never followed in part. config: tokenizer_config.json, or NULL; it names the class.
 */
int t5g_pipeline_read(struct t5g_pipeline *p, const struct t5g_json *root,
                      const struct t5g_json *config, struct t5g_err *e);
void t5g_pipeline_clear(struct t5g_pipeline *p);

#endif
