/* npy_import.c: a directory of .npy files, exported by t5g or not, to documents. */
#include "convert/convert.h"
#include "base/jsonstr.h"
#include "base/mem.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The index is untrusted: do not open anything outside the directory. */
static int
fetch_file(void *arg, const char *ref, struct t5g_payload *p, struct t5g_err *e)
{
    const char *dir = arg;
    if (strchr(ref, '/') != NULL || ref[0] == '.' || ref[0] == '\0')
        return t5g_err_set(e, T5G_EX_DATA, "\"file\": %s is not a plain file name", ref);
    char *path = t5g_path_join(dir, ref);
    int r = t5g_map_file(path, &p->mapped, e);
    if (r == 0 && t5g_npy_parse(p, p->mapped.p, p->mapped.size, e) < 0)
        r = t5g_err_in(e, "%s", path);
    t5g_free(path);
    return r;
}

static int
is_npy(const struct dirent *f)
{
    size_t n = strlen(f->d_name);
    return f->d_name[0] != '.' && n > 4 && strcmp(f->d_name + n - 4, ".npy") == 0;
}

/* The index of a directory without one: one document, with one tensor for each file. */
static int
invent_index(struct t5g_buf *b, const char *dir, struct t5g_err *e)
{
    struct dirent **v;
    const char *slash = strrchr(dir, '/'),
               *id = slash != NULL && slash[1] != '\0' ? slash + 1 : dir;
    int n = scandir(dir, &v, is_npy, alphasort);
    if (n < 0)
        return t5g_err_sys(e, T5G_EX_NOINPUT, "%s: cannot read", dir);
    t5g_buf_adds(b, "{\"id\":");
    t5g_jsonstr_write(b, id, strlen(id));
    t5g_buf_adds(b, ",\"frames\":[");
    for (int i = 0; i < n; i++) {
        t5g_buf_adds(b, i > 0 ? ",{\"name\":" : "{\"name\":");
        t5g_jsonstr_write(b, v[i]->d_name, strlen(v[i]->d_name) - 4);
        t5g_buf_adds(b, ",\"file\":");
        t5g_jsonstr_write(b, v[i]->d_name, strlen(v[i]->d_name));
        t5g_buf_addc(b, '}');
        free(v[i]);
    }
    free(v);
    t5g_buf_adds(b, "]}\n");
    return n > 0 ? 0 : t5g_err_set(e, T5G_EX_NOINPUT, "%s: no .npy files", dir);
}

int
t5g_npy_import(struct t5g_importer *im, const char *dir, struct t5g_err *e)
{
    struct t5g_buf index = {0};
    char *path = t5g_path_join(dir, T5G_NPY_INDEX), *copy = t5g_strdup(dir);
    im->fetch = fetch_file;
    im->arg = copy;
    bool there = access(path, F_OK) == 0 || errno != ENOENT;
    int r = there ? t5g_read_regular(path, SIZE_MAX / 2, &index, e) : invent_index(&index, dir, e);
    struct t5g_index_place place = {there ? path : NULL, 0};
    if (r == 0)
        r = t5g_index_take(im, index.p != NULL ? index.p : "", index.n, true, &place, NULL, e);
    t5g_buf_free(&index);
    t5g_free(copy);
    t5g_free(path);
    return r;
}
