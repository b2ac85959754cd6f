/* byt5.h: the tokenizer of ByT5, which has no file but tokenizer_config.json. */
#ifndef T5G_BYT5_H
#define T5G_BYT5_H

#include "base/json.h"
#include "base/mem.h"

/*
 * Append the text of a tokenizer.json in which every byte is a token, as ByT5Tokenizer of
 * transformers has it: <pad>, </s>, <unk>, byte b is id 3 + b, then <extra_id_N>, as many as config
 * says (125). -1 with e (65).
 */
int t5g_byt5_convert(struct t5g_buf *out, const struct t5g_json *config, struct t5g_err *e);

/* Whether a tokenizer_config.json [n] may name the class; parsing tells. */
bool t5g_byt5_named(const void *config, size_t n);

#endif
