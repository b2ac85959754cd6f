/* tokenizer.h: text to token ids, exactly as Hugging Face tokenizers does for Gemma tokenizers. */
#ifndef T5G_TOKENIZER_H
#define T5G_TOKENIZER_H

#include "base/err.h"
#include "base/hash.h"
#include "text/ids.h"

struct t5g_tokenizer;

/*
 * Open a model's tokenizer: a packed model's table, or a directory's tokenizer.json with
 * tokenizer_config.json, special_tokens_map.json and added_tokens.json, if any. The JSON is
 * compiled once to a binary table under $XDG_CACHE_HOME/t5g (default ~/.cache/t5g), found by the
 * files' content hash and verified on use; if the cache cannot be written, the table is in memory.
 * NULL with e. It remembers words, so only one thread at a time may tokenize with it.
 */
struct t5g_tokenizer *t5g_tokenizer_open(const char *dir, struct t5g_err *e);
/* The same for a model that may have none: 1, or 0 (*out NULL) if it has none, or -1 with e. */
int t5g_tokenizer_find(struct t5g_tokenizer **out, const char *dir, struct t5g_err *e);
void t5g_tokenizer_close(struct t5g_tokenizer *t);

enum {
    T5G_TOK_BARE = 1,      /* without the post-processor (no <bos>): prompts */
    T5G_TOK_TEXT_ONLY = 2, /* literals of special tokens in the text stay text */
};

/*
 * Append the ids of text[0..n) (well-formed UTF-8, may hold NUL) to out. Cannot fail; ill-formed
 * input is the caller's bug and aborts (check with t5g_utf8_check first).
 */
void t5g_tokenize(const struct t5g_tokenizer *t, const char *text, size_t n, unsigned flags,
                  struct t5g_ids *out);

/* The ids that the post-processor puts before and after a text; *ids lives with t. Returns how
 * many. */
size_t t5g_tokenizer_before(const struct t5g_tokenizer *t, const int32_t **ids);
size_t t5g_tokenizer_after(const struct t5g_tokenizer *t, const int32_t **ids);

/* How streams identify a tokenizer. */
struct t5g_tokenizer_id {
    char id[T5G_HEX128];   /* of vocabulary, merges, added tokens, template */
    char file[T5G_HEX128]; /* of tokenizer.json's bytes: written by earlier versions */
};

const struct t5g_tokenizer_id *t5g_tokenizer_id(const struct t5g_tokenizer *t);
const char *t5g_tokenizer_identity(const struct t5g_tokenizer *t); /* its id: 32 hex digits */

/* 0 if `theirs` identifies this tokenizer; else -1 with e (65), which says what differs. */
int t5g_tokenizer_check(const struct t5g_tokenizer_id *ours, const char *theirs, struct t5g_err *e);

#endif
