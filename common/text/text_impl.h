/* text_impl.h: shared by the tokenizer and the detokenizer. */
#ifndef T5G_TEXT_IMPL_H
#define T5G_TEXT_IMPL_H

#include "text/bpe.h"
#include "text/table.h"
#include "text/tokenizer.h"
#include "text/unigram.h"

struct t5g_tokenizer {
    struct t5g_table table;
    struct t5g_bpe *bpe;         /* or */
    struct t5g_unigram *unigram; /* by the table's model */
    bool starts[256];            /* first bytes of added tokens */
    bool starts_normalized[256];
    bool normalized; /* some tokens are searched in the normalised text */
    struct t5g_tokenizer_id id;
};

#endif
