/* added.h: the added tokens and their ids, as in transformers 5.18 and tokenizers 0.23. */
#ifndef T5G_ADDED_H
#define T5G_ADDED_H

#include "base/err.h"
#include "base/json.h"
#include "base/mem.h"

/* An added token. text [n] lives with the JSON trees. */
struct t5g_added {
    const char *text;
    size_t n;
    int32_t id;
    bool special;        /* ordinary text under T5G_TOK_TEXT_ONLY */
    bool skipped;        /* skipped when decoding */
    bool lstrip, rstrip; /* includes the white space before, after it */
    bool single_word;    /* only where no character of a word stands before or after it */
    bool normalized;     /* searched in the normalised text, not in the original */
};

struct t5g_added_list {
    struct t5g_added *v; /* [n] */
    size_t n;
};

/* The files of a model directory that list added tokens, parsed; NULL: no such file. */
struct t5g_added_files {
    const struct t5g_json *tokenizer; /* tokenizer.json */
    const struct t5g_json *config;    /* tokenizer_config.json */
    const struct t5g_json *map;       /* special_tokens_map.json */
    const struct t5g_json *legacy;    /* added_tokens.json */
};

/* The model's own vocabulary: the id of a text, or -1, and its number of entries. */
struct t5g_added_vocabulary {
    int32_t (*find)(const void *arg, const char *text, size_t n);
    const void *arg;
    size_t size;
    bool charsmap; /* the normalizer changes more than spaces */
};

#define T5G_BAR "\xe2\x96\x81" /* U+2581, what normalisers turn a space into */

/* Append the text of x with U+2581 for each space. */
void t5g_added_put_normalized(struct t5g_buf *out, const struct t5g_added *x);

/*
 * Fill *out from the files; t5g_added_clear frees it, also after an error.
 *
 * space_is_bar: the normalizer turns spaces into U+2581. gemma: the class is GemmaTokenizer, which
 * builds its tokenizer anew and adds <mask>; other classes take tokenizer.json as it is. Ids stated
 * in files are ignored: a text in the vocabulary has its id there, any other gets the next free
 * one. -1 with e (65) naming a token that is not supported.
 */
int t5g_added_read(struct t5g_added_list *out, const struct t5g_added_files *f, bool gemma,
                   bool space_is_bar, const struct t5g_added_vocabulary *vocabulary,
                   struct t5g_err *e);
void t5g_added_clear(struct t5g_added_list *l);

#endif
