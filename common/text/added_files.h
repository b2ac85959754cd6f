/* added_files.h: the added tokens that a model's files state, in the order of transformers. */
#ifndef T5G_ADDED_FILES_H
#define T5G_ADDED_FILES_H

#include "text/added.h"

/* One statement about a token. text lives with the JSON tree. */
struct t5g_added_version {
    const char *text;
    int64_t index; /* the id stated in the file, or -1 */
    size_t order;  /* private */
    bool plain;    /* a mere string, without flags */
    bool implied;  /* normalized is not stated: the opposite of special */
    bool single_word, lstrip, rstrip, normalized, special;
};

struct t5g_added_versions {
    struct t5g_added_version *v; /* [n], t5g_free */
    size_t n, cap;
};

/* Append added_tokens of tokenizer.json, in the file's order. -1 with e (65). */
int t5g_added_of_file(struct t5g_added_versions *out, const struct t5g_json *tokenizer,
                      struct t5g_err *e);

/*
 * Append the tokens added after those: of tokenizer_config.json or the older files, with the named
 * and extra special tokens. `own` is the result of t5g_added_of_file(); gemma: see
 * t5g_added_read(). -1 with e (65).
 */
int t5g_added_of_config(struct t5g_added_versions *out, const struct t5g_added_files *f,
                        const struct t5g_added_versions *own, bool gemma, struct t5g_err *e);

#endif
