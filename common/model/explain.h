/* explain.h: for a path that is not a model, one line that says what it is and what to do. */
#ifndef T5G_EXPLAIN_H
#define T5G_EXPLAIN_H

#include "base/err.h"

/* What a program is about to open. */
enum t5g_explain {
    T5G_EXPLAIN_PATH,
    T5G_EXPLAIN_CONFIG,
    T5G_EXPLAIN_WEIGHTS,
    T5G_EXPLAIN_TOKENIZER
};

/*
 * 0 if path may be a model: a packed one, or a directory that has the file in question. Else -1
 * with e (66 if something is missing, 65 if it is something else): "DIR: an adapter, ...".
 */
int t5g_explain_model(const char *path, enum t5g_explain what, struct t5g_err *e);

/* " (a T5)" and the like for a model_type that users try, else "". */
const char *t5g_explain_type(const char *model_type);

#endif
