/* added_files.h: what the files of a model directory say about added tokens, in the order in which
 * transformers adds them. */
#ifndef T5G_ADDED_FILES_H
#define T5G_ADDED_FILES_H

#include "text/added.h"

/* One statement about a token. text lives with the JSON tree. */
struct t5g_added_version {
    const char *text;
    int64_t index; /* the id that the file states, or -1 */
    size_t order;  /* private */
    bool plain;    /* a mere text, without flags of its own */
    bool implied;  /* normalized is not stated: it is the contrary of special */
    bool single_word, lstrip, rstrip, normalized, special;
};

struct t5g_added_versions {
    struct t5g_added_version *v; /* [n], t5g_free */
    size_t n, cap;
};

/* added_tokens of tokenizer.json, in the file's order, empty texts left out. -1 with e (65). */
int t5g_added_of_file(struct t5g_added_versions *out, const struct t5g_json *tokenizer,
                      struct t5g_err *e);

/* What is added behind them; `own` is what t5g_added_of_file() gave. -1 with e (65). */
int t5g_added_of_config(struct t5g_added_versions *out, const struct t5g_added_files *f,
                        const struct t5g_added_versions *own, bool gemma, struct t5g_err *e);

#endif
