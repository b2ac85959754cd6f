/* packing_modules.c: the modules of sentence-transformers to frames. */
#include "stage/packing_modules.h"
#include "model/packed.h"
#include "nn/modules.h"
#include "nn/sentence.h"

#include <string.h>

#define TEXT_MAX ((size_t)1 << 20)

static int
put_text(struct t5g_writer *w, const char *model, const char *name, struct t5g_err *e)
{
    struct t5g_buf b = {0};
    int r = t5g_model_text(model, name, TEXT_MAX, &b, e);
    if (r == 0)
        r = t5g_writer_text(w, name, b.p, b.n, e);
    t5g_buf_free(&b);
    return r;
}

/* Whether a module with files is the first of its folder. */
static bool
is_new(const struct t5g_modules *m, size_t i)
{
    bool files = strcmp(m->v[i].kind, "Pooling") == 0 || strcmp(m->v[i].kind, "Dense") == 0;
    for (size_t k = 1; k < i; k++)
        files = files && strcmp(m->v[k].folder, m->v[i].folder) != 0;
    return files;
}

int
t5g_packing_modules_texts(struct t5g_writer *w, const char *model, size_t d, struct t5g_err *e)
{
    struct t5g_modules m;
    struct t5g_sentence *s;
    int r = t5g_sentence_open(&s, model, d, e);
    t5g_sentence_close(s);
    if (r == 1)
        r = t5g_modules_open(&m, model, e);
    if (r != 1)
        return r;
    r = put_text(w, model, "modules.json", e);
    for (size_t i = 1; i < m.n && r == 0; i++) {
        char *name = t5g_module_file(&m.v[i], "config.json");
        if (is_new(&m, i))
            r = put_text(w, model, name, e);
        t5g_free(name);
    }
    t5g_modules_close(&m);
    return r;
}

static int
put_weights(struct t5g_writer *w, const char *model, const struct t5g_module *m, struct t5g_err *e)
{
    struct t5g_safetensors *file = t5g_safetensors_open_in(model, m->folder, e);
    int r = file == NULL ? -1 : 0;
    for (size_t i = 0; r == 0 && i < t5g_safetensors_count(file); i++) {
        const struct t5g_tensor *t = t5g_safetensors_at(file, i);
        char *name = t5g_module_file(m, t->name);
        r = t5g_writer_tensor(w, name, t->dtype, t->ndim, t->dims, t->data, NULL, e);
        t5g_free(name);
    }
    t5g_safetensors_close(file);
    return r;
}

int
t5g_packing_modules_weights(struct t5g_writer *w, const char *model, struct t5g_err *e)
{
    struct t5g_modules m;
    int r = t5g_modules_open(&m, model, e);
    if (r != 1)
        return r;
    r = 0;
    for (size_t i = 1; i < m.n && r == 0; i++)
        if (is_new(&m, i) && strcmp(m.v[i].kind, "Dense") == 0)
            r = put_weights(w, model, &m.v[i], e);
    t5g_modules_close(&m);
    return r;
}
