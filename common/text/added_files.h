/* added_files.h: the added tokens in a model directory's files, in the order in which transformers
 * adds them. */
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

/* added_tokens of tokenizer.json, in the file's order. -1 with e (65). */
int t5g_added_of_file(struct t5g_added_versions *out, const struct t5g_json *tokenizer,
                      struct t5g_err *e);

/* The tokens added after them; `own` is the result of t5g_added_of_file(). -1 with e (65). */
int t5g_added_of_config(struct t5g_added_versions *out, const struct t5g_added_files *f,
                        const struct t5g_added_versions *own, bool gemma, struct t5g_err *e);

#endif
