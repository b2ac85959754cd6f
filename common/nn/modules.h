/* modules.h: modules.json of sentence-transformers: what follows an encoder, and where it is. */
#ifndef T5G_MODULES_H
#define T5G_MODULES_H

#include "base/err.h"
#include "base/json.h"

struct t5g_module {
    const char *type; /* as it is written; "" if it is no string */
    const char *kind; /* its last part: "Pooling" */
    char *folder;     /* its path inside the model; "": the model's own folder */
};

struct t5g_modules {
    struct t5g_module *v; /* [n] the first is the Transformer */
    size_t n;
    struct t5g_json *root; /* holds the types */
};

/*
 * Read modules.json of a model directory or a packed model: 1; 0 if there is none, or no such
 * model; -1 with e (65: not an array of up to 64 modules, of which the first is a Transformer, or a
 * path that leads out of the model; 66, 77).
 */
int t5g_modules_open(struct t5g_modules *m, const char *model, struct t5g_err *e);
void t5g_modules_close(struct t5g_modules *m);

/* The path of a module's file inside the model, for t5g_model_text; t5g_free. */
char *t5g_module_file(const struct t5g_module *m, const char *name);

#endif
