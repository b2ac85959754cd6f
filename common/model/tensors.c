/*
 * tensors.c: the weight files of a directory: one file, or the shards in an index, in the form of
 * safetensors or of PyTorch.
 */
#include "model/safetensors.h"
#include "base/json.h"
#include "model/explain.h"
#include "model/packed.h"
#include "model/torch_file.h"

#include <string.h>
#include <unistd.h>

#define INDEX_MAX  ((size_t)16 << 20)
#define SHARDS_MAX 1024

/* The forms of weight files, in the order in which transformers looks for them. */
static const struct form {
    const char *single, *index;
    int (*parse)(const unsigned char *p, size_t n, const char *file,
                 int (*add)(void *arg, const struct t5g_tensor *t, struct t5g_err *e), void *arg,
                 struct t5g_err *e);
} forms[] = {
    {"model.safetensors", "model.safetensors.index.json", t5g_safetensors_parse},
    {"pytorch_model.bin", "pytorch_model.bin.index.json", t5g_torch_parse},
};

struct shard {
    char *name, *path; /* name: without directory */
    struct t5g_map map;
    struct t5g_stamp stamp;
};

struct t5g_safetensors {
    struct shard *shards; /* [n_shards] */
    size_t n_shards;
    struct t5g_tensor_list tensors; /* sorted */
    char *index;                    /* path of the index, NULL if there is none */
    const struct form *form;        /* NULL: a packed model */
    const char *folder;             /* while they are opened: the part of the packed model */
};

/* A tensor of the packed model, if it is one of the folder. */
static int
add_packed(void *arg, const struct t5g_tensor *t, struct t5g_err *e)
{
    struct t5g_safetensors *s = arg;
    struct t5g_tensor x = *t;
    const char *slash = strrchr(t->name, '/');
    size_t n = strlen(s->folder);
    if (slash == NULL ? n > 0
                      : n != (size_t)(slash - t->name) || strncmp(t->name, s->folder, n) != 0)
        return 0;
    x.name = slash != NULL ? slash + 1 : t->name;
    return t5g_tensor_list_add(&s->tensors, &x, e);
}

/* Map the file and add its tensors. */
static int
open_shard(struct t5g_safetensors *s, struct shard *x, struct t5g_err *e)
{
    int fd = t5g_map_open(x->path, &x->map, e), r = -1;
    struct t5g_tensor_list *all = &s->tensors;
    size_t before = all->n;
    if (fd < 0)
        return -1;
    r = s->form == NULL
            ? t5g_packed_tensors(x->map.p, x->map.size, x->path, fd, add_packed, s, e)
            : s->form->parse(x->map.p, x->map.size, x->path, t5g_tensor_list_add, all, e);
    for (size_t k = before; k < all->n; k++)
        all->v[k].file = x->name;
    close(fd);
    return r;
}

static int
open_shards(struct t5g_safetensors *s, struct t5g_err *e)
{
    for (size_t i = 0; i < s->n_shards; i++) {
        struct shard *x = &s->shards[i];
        if (s->index != NULL && t5g_is_there(x->path, NULL) == 0)
            return t5g_err_set(e, T5G_EX_NOINPUT,
                               "%s: missing, and %s names it: the download is "
                               "not whole",
                               x->path, s->form->index);
        if (t5g_stamp_of(x->path, &x->stamp, e) < 0 || open_shard(s, x, e) < 0)
            return -1;
    }
    t5g_tensor_list_sort(&s->tensors);
    for (size_t i = 1; i < s->tensors.n; i++) {
        const struct t5g_tensor *x = &s->tensors.v[i - 1], *y = &s->tensors.v[i];
        if (strcmp(x->name, y->name) == 0)
            return t5g_err_set(e, T5G_EX_DATA, "%s: tensor '%s' is in %s and in %s", s->index,
                               x->name, x->file, y->file);
    }
    return 0;
}

/* The name of a file in this directory: no path, not hidden, not "." or "..". */
static bool
plain_name(const char *s)
{
    return s != NULL && s[0] != '\0' && s[0] != '.' && strchr(s, '/') == NULL && strlen(s) < 256;
}

static int
add_shard(struct t5g_safetensors *s, const char *dir, const char *name, struct t5g_err *e)
{
    for (size_t i = 0; i < s->n_shards; i++) {
        if (strcmp(s->shards[i].name, name) == 0)
            return 0;
    }
    if (s->n_shards == SHARDS_MAX)
        return t5g_err_set(e, T5G_EX_DATA, "%s: more than %d files", s->index, SHARDS_MAX);
    s->shards[s->n_shards++] =
        (struct shard){.name = t5g_strdup(name), .path = t5g_path_join(dir, name)};
    return 0;
}

/* Check that weight_map and the shards hold the same tensors, each in the same file. */
static int
check_index(const struct t5g_safetensors *s, const struct t5g_json *map, struct t5g_err *e)
{
    size_t entries = t5g_json_size(map);
    for (const struct t5g_json *v = t5g_json_first(map); v != NULL; v = t5g_json_next(v)) {
        const struct t5g_tensor *t = t5g_safetensors_find(s, t5g_json_key(v));
        if (t == NULL)
            return t5g_err_set(e, T5G_EX_DATA, "%s: tensor '%s' is not in %s", s->index,
                               t5g_json_key(v), t5g_json_str(v));
        if (strcmp(t->file, t5g_json_str(v)) != 0)
            return t5g_err_set(e, T5G_EX_DATA, "%s: tensor '%s' is in %s, expected %s", s->index,
                               t->name, t->file, t5g_json_str(v));
    }
    if (entries == s->tensors.n)
        return 0;
    for (size_t i = 0; i < s->tensors.n; i++) {
        if (t5g_json_get(map, s->tensors.v[i].name) == NULL)
            return t5g_err_set(e, T5G_EX_DATA, "%s: tensor '%s' of %s is not in weight_map",
                               s->index, s->tensors.v[i].name, s->tensors.v[i].file);
    }
    return 0;
}

static int
open_index(struct t5g_safetensors *s, const char *dir, struct t5g_err *e)
{
    struct t5g_buf text = {0};
    struct t5g_json *root = NULL;
    if (t5g_model_text(dir, s->form->index, INDEX_MAX, &text, e) == 0)
        root = t5g_json_parse(text.p, text.n, s->index, e);
    t5g_buf_free(&text);
    const struct t5g_json *map = t5g_json_get(root, "weight_map");
    int r = root == NULL ? -1 : 0;
    if (r == 0 && (!t5g_json_is_object(map) || t5g_json_first(map) == NULL))
        r = t5g_err_set(e, T5G_EX_DATA, "%s: no weight_map", s->index);
    s->shards = t5g_alloc(SHARDS_MAX, sizeof *s->shards);
    for (const struct t5g_json *v = t5g_json_first(map); v != NULL && r == 0;
         v = t5g_json_next(v)) {
        if (plain_name(t5g_json_str(v)))
            r = add_shard(s, dir, t5g_json_str(v), e);
        else
            r = t5g_err_set(e, T5G_EX_DATA, "%s: tensor '%s': expected a plain file name", s->index,
                            t5g_json_key(v));
    }
    if (r == 0)
        r = open_shards(s, e);
    if (r == 0)
        r = check_index(s, map, e);
    t5g_json_free(root);
    return r;
}

/* The one file of this name, as `path`. */
static int
open_single(struct t5g_safetensors *s, const char *name, const char *path, struct t5g_err *e)
{
    s->shards = t5g_alloc(1, sizeof *s->shards);
    s->shards[s->n_shards++] = (struct shard){.name = t5g_strdup(name), .path = t5g_strdup(path)};
    return open_shards(s, e);
}

/* The weights of dir in s->form: 1, or 0 if it has none, or -1 with e. */
static int
open_form(struct t5g_safetensors *s, const char *dir, struct t5g_err *e)
{
    char *path = t5g_path_join(dir, s->form->single), *index = t5g_path_join(dir, s->form->index);
    int there = t5g_is_there(path, e), r = 0;
    /* If both exist, transformers takes the single file. */
    if (there == 1) {
        r = open_single(s, s->form->single, path, e);
    } else if (there == 0 && (there = t5g_is_there(index, e)) == 1) {
        s->index = index;
        index = NULL;
        r = open_index(s, dir, e);
    }
    t5g_free(path);
    t5g_free(index);
    return r < 0 ? -1 : there;
}

struct t5g_safetensors *
t5g_safetensors_open(const char *dir, struct t5g_err *e)
{
    return t5g_safetensors_open_in(dir, "", e);
}

struct t5g_safetensors *
t5g_safetensors_open_in(const char *model, const char *folder, struct t5g_err *e)
{
    struct t5g_safetensors *s = t5g_alloc(1, sizeof *s);
    int r = t5g_is_packed(model, e);
    char *dir = folder[0] == '\0' || r == 1 ? t5g_strdup(model) : t5g_path_join(model, folder);
    s->folder = folder;
    if (r == 1) {
        r = open_single(s, dir, dir, e);
    } else if (r == 0) {
        for (size_t i = 0; i < T5G_LEN(forms) && r == 0; i++) {
            s->form = &forms[i];
            r = open_form(s, dir, e);
        }
        r = r == 0 ? t5g_explain_model(dir, T5G_EXPLAIN_WEIGHTS, e) : r < 0 ? -1 : 0;
    }
    t5g_free(dir);
    s->folder = NULL;
    if (r == 0)
        return s;
    t5g_safetensors_close(s);
    return NULL;
}

void
t5g_safetensors_close(struct t5g_safetensors *s)
{
    if (s == NULL)
        return;
    for (size_t i = 0; i < s->n_shards; i++) {
        if (s->shards[i].map.p != NULL)
            t5g_unmap(&s->shards[i].map);
        t5g_free(s->shards[i].name);
        t5g_free(s->shards[i].path);
    }
    t5g_tensor_list_free(&s->tensors);
    t5g_free(s->shards);
    t5g_free(s->index);
    t5g_free(s);
}

size_t
t5g_safetensors_count(const struct t5g_safetensors *s)
{
    return s->tensors.n;
}

const struct t5g_tensor *
t5g_safetensors_at(const struct t5g_safetensors *s, size_t i)
{
    return &s->tensors.v[i];
}

const struct t5g_tensor *
t5g_safetensors_find(const struct t5g_safetensors *s, const char *name)
{
    return t5g_tensor_list_find(&s->tensors, name);
}

size_t
t5g_safetensors_files(const struct t5g_safetensors *s)
{
    return s->n_shards;
}

const char *
t5g_safetensors_path(const struct t5g_safetensors *s, size_t i)
{
    return s->shards[i].path;
}

const struct t5g_stamp *
t5g_safetensors_stamp(const struct t5g_safetensors *s, size_t i)
{
    return &s->shards[i].stamp;
}

const struct t5g_map *
t5g_safetensors_packed(const struct t5g_safetensors *s)
{
    return s->form == NULL ? &s->shards[0].map : NULL;
}

const char *
t5g_safetensors_table(const struct t5g_safetensors *s)
{
    return s->index != NULL ? s->index : s->shards[0].path;
}
