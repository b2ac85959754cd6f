/* text_impl.h: what the tokenizer and the detokenizer share. */
#ifndef T5G_TEXT_IMPL_H
#define T5G_TEXT_IMPL_H

#include "text/bpe.h"
#include "text/table.h"
#include "text/tokenizer.h"

struct t5g_tokenizer {
    struct t5g_table table;
    struct t5g_bpe *bpe;
    bool starts[256]; /* bytes an added token can begin with */
    bool starts_normalized[256];
    bool normalized; /* there are tokens to look for in the normalised text */
    struct t5g_tokenizer_id id;
};

#endif
