/* modules.c: modules.json of sentence-transformers. */
#include "nn/modules.h"
#include "base/map.h"
#include "base/mem.h"
#include "model/packed.h"

#include <string.h>

enum { MOST = 64, PATH_MOST = 200 }; /* a path and a file's name are the name of a frame */

#define FILE_MAX ((size_t)1 << 20)

/* The part of a Python name behind its last dot. */
static const char *
last_part(const char *name)
{
    const char *dot = strrchr(name, '.');
    return dot != NULL ? dot + 1 : name;
}

/* A path that stays in its folder, whatever is there. */
static bool
is_inside(const char *path)
{
    if (path[0] == '/')
        return false;
    for (const char *p = path; *p != '\0'; p += strcspn(p, "/"), p += *p == '/')
        if (strcspn(p, "/") == 2 && p[0] == '.' && p[1] == '.')
            return false;
    return true;
}

static int
take(struct t5g_modules *m, const struct t5g_json *v, const char *where, struct t5g_err *e)
{
    const struct t5g_json *folder = t5g_json_get(v, "path");
    const char *type = t5g_json_str(t5g_json_get(v, "type")), *path = t5g_json_str(folder);
    type = type != NULL ? type : "";
    if (folder != NULL && path == NULL)
        return t5g_err_set(e, T5G_EX_DATA, "%s: module '%s': path: expected a string", where, type);
    path = path != NULL ? path : "";
    if (!is_inside(path))
        return t5g_err_set(e, T5G_EX_DATA, "%s: module '%s': path '%s' leads out of the model",
                           where, type, path);
    if (strlen(path) > PATH_MOST)
        return t5g_err_set(e, T5G_EX_DATA,
                           "%s: module '%s': path of %zu bytes, expected at most %d", where, type,
                           strlen(path), PATH_MOST);
    m->v[m->n++] = (struct t5g_module){type, last_part(type), t5g_strdup(path)};
    return 0;
}

/* The text of modules.json: 1, 0 if there is none, -1 with e. */
static int
read_text(const char *model, struct t5g_buf *b, struct t5g_err *e)
{
    if (t5g_is_there(model, NULL) != 1)
        return 0; /* what opens the model says why */
    return t5g_model_optional(model, "modules.json", FILE_MAX, b, e);
}

int
t5g_modules_open(struct t5g_modules *m, const char *model, struct t5g_err *e)
{
    struct t5g_buf text = {0};
    *m = (struct t5g_modules){0};
    int r = read_text(model, &text, e);
    char *where = t5g_path_join(model, "modules.json");
    if (r == 1 && (m->root = t5g_json_parse(text.p, text.n, where, e)) == NULL)
        r = -1;
    t5g_buf_free(&text);
    if (r == 1 && (!t5g_json_is_array(m->root) || t5g_json_size(m->root) > MOST))
        r = t5g_err_set(e, T5G_EX_DATA, "%s: expected an array of up to %d modules", where, MOST);
    if (r == 1)
        m->v = t5g_alloc(MOST, sizeof *m->v);
    for (const struct t5g_json *v = t5g_json_first(m->root); v != NULL && r == 1;
         v = t5g_json_next(v))
        r = take(m, v, where, e) < 0 ? -1 : 1;
    if (r == 1 && (m->n == 0 || strcmp(m->v[0].kind, "Transformer") != 0))
        r = t5g_err_set(e, T5G_EX_DATA, "%s: the first module is not a Transformer", where);
    t5g_free(where);
    if (r != 1)
        t5g_modules_close(m);
    return r;
}

void
t5g_modules_close(struct t5g_modules *m)
{
    for (size_t i = 0; i < m->n; i++)
        t5g_free(m->v[i].folder);
    t5g_free(m->v);
    t5g_json_free(m->root);
    *m = (struct t5g_modules){0};
}

char *
t5g_module_file(const struct t5g_module *m, const char *name)
{
    return m->folder[0] == '\0' ? t5g_strdup(name) : t5g_path_join(m->folder, name);
}
