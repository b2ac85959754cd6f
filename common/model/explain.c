/* explain.c: what users give as a model, recognised by names and first bytes. */
#include "model/explain.h"
#include "base/io.h"
#include "base/json.h"
#include "model/hub.h"
#include "model/packed.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define CHECKPOINTS_MAX 8 /* named in a message */

/* What the names in a directory show. */
struct seen {
    size_t n;
    bool adapter, snapshots, tokenizer, tokenizer_model, config, training;
    char *bin, *gguf, *shard; /* a file of that kind, or NULL */
    char *model;              /* a subfolder with a config.json, or NULL */
    long *steps;              /* [n_steps] N of every checkpoint-N */
    size_t n_steps, cap_steps;
};

static void
keep(char **to, const char *name)
{
    if (*to == NULL || strcmp(name, *to) < 0) { /* in any order of the directory */
        t5g_free(*to);
        *to = t5g_strdup(name);
    }
}

static bool
has(const char *dir, const char *name, const char *file)
{
    char *sub = t5g_path_join(dir, name);
    bool there = t5g_is_in(sub, file);
    t5g_free(sub);
    return there;
}

static void
see(struct seen *s, const char *dir, const char *name)
{
    static const char step[] = "checkpoint-";
    s->n++;
    s->adapter = s->adapter || strcmp(name, "adapter_config.json") == 0;
    s->snapshots = s->snapshots || strcmp(name, "snapshots") == 0;
    s->tokenizer =
        s->tokenizer || strcmp(name, "tokenizer.json") == 0 || strcmp(name, "spiece.model") == 0;
    s->tokenizer_model = s->tokenizer_model || strcmp(name, "tokenizer.model") == 0;
    s->config = s->config || strcmp(name, "config.json") == 0;
    s->training =
        s->training || strcmp(name, "optimizer.pt") == 0 || strcmp(name, "trainer_state.json") == 0;
    bool weights = t5g_ends(name, ".bin") || t5g_ends(name, ".h5") || t5g_ends(name, ".msgpack") ||
                   t5g_ends(name, ".ckpt") || t5g_ends(name, ".pth");
    if (weights && strcmp(name, "training_args.bin") != 0)
        keep(&s->bin, name);
    if (t5g_ends(name, ".gguf"))
        keep(&s->gguf, name);
    bool part = strncmp(name, "pytorch_model", 13) == 0 && t5g_ends(name, ".bin");
    if (part || (t5g_ends(name, ".safetensors") && strcmp(name, "adapter_model.safetensors") != 0))
        keep(&s->shard, name);
    if (strncmp(name, step, sizeof step - 1) == 0 && name[sizeof step - 1] != '\0' &&
        strspn(name + sizeof step - 1, "0123456789") == strlen(name + sizeof step - 1)) {
        s->steps = t5g_grow(s->steps, s->n_steps, &s->cap_steps, sizeof *s->steps);
        s->steps[s->n_steps++] = strtol(name + sizeof step - 1, NULL, 10);
    } else if (has(dir, name, "config.json")) {
        keep(&s->model, name);
    }
}

static int
look(struct seen *s, const char *dir, struct t5g_err *e)
{
    DIR *d = opendir(dir);
    if (d == NULL)
        return t5g_err_sys(e, T5G_EX_NOINPUT, "%s: cannot read folder", dir);
    for (struct dirent *x; (x = readdir(d)) != NULL && s->n < 10000;)
        if (strcmp(x->d_name, ".") != 0 && strcmp(x->d_name, "..") != 0)
            see(s, dir, x->d_name);
    closedir(d);
    return 0;
}

/* " for BASE", from adapter_config.json. */
static void
put_base(struct t5g_buf *b, const char *dir)
{
    struct t5g_buf text = {0};
    if (t5g_model_optional(dir, "adapter_config.json", 1 << 20, &text, NULL) == 1) {
        struct t5g_json *root = t5g_json_parse(text.p, text.n, "", NULL);
        const char *base = t5g_json_str(t5g_json_get(root, "base_model_name_or_path"));
        if (base != NULL)
            t5g_buf_printf(b, " for %s", base);
        t5g_json_free(root);
    }
    t5g_buf_free(&text);
    t5g_buf_adds(b, "");
}

static int
explain_snapshots(const char *dir, struct t5g_err *e)
{
    char *path = t5g_hub_snapshot(dir, "main");
    if (path == NULL)
        t5g_err_set(
            e, T5G_EX_NOINPUT,
            "%s: a folder of the hub's cache, without a snapshot of its revision main: give "
            "one of the folders in %s/snapshots, or download the model again",
            dir, dir);
    else
        t5g_err_set(e, T5G_EX_NOINPUT,
                    "%s: a folder of the hub's cache: give OWNER/NAME, or the snapshot in it, %s",
                    dir, path);
    t5g_free(path);
    return -1;
}

static int
explain_adapter(const char *dir, struct t5g_err *e)
{
    struct t5g_buf base = {0};
    put_base(&base, dir);
    t5g_err_set(e, T5G_EX_NOINPUT,
                "%s: an adapter%s, not a model: give that model with -m, and the adapter with "
                "--adapter %s",
                dir, base.p, dir);
    t5g_buf_free(&base);
    return -1;
}

static int
by_number(const void *a, const void *b)
{
    const long *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

/* The folder of a training run: name its checkpoints, the last ones if there are many. */
static int
explain_run(const char *dir, const struct seen *s, struct t5g_err *e)
{
    struct t5g_buf b = {0};
    size_t first = s->n_steps > CHECKPOINTS_MAX ? s->n_steps - CHECKPOINTS_MAX : 0;
    qsort(s->steps, s->n_steps, sizeof *s->steps, by_number);
    for (size_t i = first; i < s->n_steps; i++)
        t5g_buf_printf(&b, "%s%s/checkpoint-%ld", i == first ? "" : ", ", dir, s->steps[i]);
    t5g_err_set(e, T5G_EX_NOINPUT,
                "%s: the folder of a training run: give one of its checkpoints: %s%s", dir,
                first > 0 ? "..., " : "", b.p);
    t5g_buf_free(&b);
    return -1;
}

/* A directory without the file `missing`. */
static int
explain_names(const char *dir, const struct seen *s, const char *missing, bool tokenizer,
              struct t5g_err *e)
{
    const int no = T5G_EX_NOINPUT;
    if (s->adapter)
        return explain_adapter(dir, e);
    if (s->snapshots)
        return explain_snapshots(dir, e);
    if (s->n_steps > 0)
        return explain_run(dir, s, e);
    if (tokenizer && s->tokenizer_model)
        return t5g_err_set(e, no,
                           "%s: tokenizer.model without tokenizer.json: load it with "
                           "AutoTokenizer, save_pretrained() it and give that folder",
                           dir);
    if (s->gguf != NULL)
        return t5g_err_set(e, no,
                           "%s: %s is a GGUF, which is not read: give the folder of the model that "
                           "it was made from, with model.safetensors",
                           dir, s->gguf);
    if (s->bin != NULL && s->shard == NULL && !tokenizer)
        return t5g_err_set(
            e, no,
            "%s: weights in %s, expected model.safetensors or pytorch_model.bin: convert them with "
            "python3 "
            "-c \"from transformers import AutoModelForSeq2SeqLM as M; "
            "M.from_pretrained('%s', dtype='auto').save_pretrained('%s')\"",
            dir, s->bin, dir, dir);
    if (s->training && s->shard == NULL && !tokenizer)
        return t5g_err_set(e, no,
                           "%s: a checkpoint of a training run without the model: save the model "
                           "there with save_pretrained(), or give another checkpoint",
                           dir);
    if (s->shard != NULL && !tokenizer && s->config)
        return t5g_err_set(e, no,
                           "%s: no %s, but %s: the download is not whole, or the file has another "
                           "name",
                           dir, missing, s->shard);
    if (s->n == 0)
        return t5g_err_set(e, no, "%s: an empty folder, expected a model: no %s", dir, missing);
    if (s->model != NULL && !s->config)
        return t5g_err_set(e, no, "%s: no %s; %s/%s has a config.json: is that the model?", dir,
                           missing, dir, s->model);
    if (s->tokenizer && s->shard == NULL && !tokenizer && !s->config)
        return t5g_err_set(e, no,
                           "%s: a tokenizer alone: no %s and no weights, which only t5g-tokenize "
                           "and t5g-detok can do without",
                           dir, missing);
    return t5g_err_set(e, no,
                       "%s: no %s (a model is a folder with config.json, model.safetensors and "
                       "tokenizer.json)",
                       dir, missing);
}

/* 1: one of the files exists, 0: none; -1 with e. */
static int
one_is_there(const char *dir, const char *const names[4], struct t5g_err *e)
{
    int r = 0;
    for (size_t i = 0; i < 4 && names[i] != NULL && r == 0; i++) {
        char *path = t5g_path_join(dir, names[i]);
        r = t5g_is_there(path, e);
        t5g_free(path);
    }
    return r;
}

static int
explain_dir(const char *dir, enum t5g_explain what, struct t5g_err *e)
{
    static const struct {
        const char *names[4], *missing;
    } needs[] = {
        [T5G_EXPLAIN_CONFIG] = {{"config.json"}, "config.json"},
        [T5G_EXPLAIN_WEIGHTS] = {{"model.safetensors", "model.safetensors.index.json",
                                  "pytorch_model.bin", "pytorch_model.bin.index.json"},
                                 "model.safetensors and no pytorch_model.bin, and no index of "
                                 "either"},
        [T5G_EXPLAIN_TOKENIZER] = {{"tokenizer.json", "spiece.model"}, "tokenizer.json"},
    };
    int r = one_is_there(dir, needs[what].names, e);
    if (r != 0)
        return r < 0 ? -1 : 0;
    struct seen s = {0};
    r = look(&s, dir, e);
    if (r == 0)
        r = explain_names(dir, &s, needs[what].missing, what == T5G_EXPLAIN_TOKENIZER, e);
    t5g_free(s.bin);
    t5g_free(s.gguf);
    t5g_free(s.shard);
    t5g_free(s.steps);
    t5g_free(s.model);
    return r;
}

/* A stream without config.json is not a model. */
static int
explain_stream(const char *path, struct t5g_err *e)
{
    struct t5g_buf b = {0};
    struct t5g_err own = {0};
    int r = t5g_model_optional(path, "config.json", 1 << 20, &b, &own);
    t5g_buf_free(&b);
    if (r != 0) /* a packed model, or a damaged one, which opening it reports */
        return 0;
    return t5g_err_set(e, T5G_EX_NOINPUT,
                       "%s: a stream of documents, not a packed model: give it as FILE, and a "
                       "model with -m",
                       path);
}

static int
explain_file(const char *path, struct t5g_err *e)
{
    unsigned char p[32] = {0};
    size_t n = 0;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return t5g_err_sys(e, T5G_EX_NOINPUT, "%s: cannot open model", path);
    int r = t5g_read_full(fd, path, p, sizeof p - 1, &n, e);
    close(fd);
    if (r < 0)
        return -1;
    if (n > 7 && memcmp(p, T5G_FRAME_MAGIC, 7) == 0)
        return explain_stream(path, e);
    const char *text = (const char *)p;
    if (strncmp(text, "GGUF", 4) == 0)
        return t5g_err_set(
            e, T5G_EX_DATA,
            "%s: a GGUF, which is not read: give the folder of the model that it was "
            "made from, with model.safetensors",
            path);
    if (strncmp(text, "version https://git-lfs", 23) == 0)
        return t5g_err_set(e, T5G_EX_DATA, "%s: a Git LFS pointer: run git lfs pull", path);
    if (strncmp(text, "PK\3\4", 4) == 0 || (p[0] == 0x80 && p[1] < 6) || t5g_ends(path, ".bin"))
        return t5g_err_set(e, T5G_EX_DATA,
                           "%s: a PyTorch file, expected the folder of a model: give the folder "
                           "it is in",
                           path);
    if ((n > 8 && p[8] == '{') || p[0] == '{')
        return t5g_err_set(e, T5G_EX_DATA, "%s: a single file of a model: give the folder it is in",
                           path);
    return 0;
}

static int
explain_absent(const char *path, struct t5g_err *e)
{
    if (t5g_is_there(path, NULL) == 1)
        return t5g_err_set(e, T5G_EX_NOINPUT, "%s: a dangling symbolic link", path);
    return t5g_err_set(e, T5G_EX_NOINPUT, "%s: no such model directory or packed model", path);
}

int
t5g_explain_model(const char *path, enum t5g_explain what, struct t5g_err *e)
{
    struct stat st;
    if (stat(path, &st) < 0)
        return errno == ENOENT || errno == ENOTDIR
                   ? explain_absent(path, e)
                   : t5g_err_sys(e, T5G_EX_NOINPUT, "%s: cannot open model", path);
    if (S_ISREG(st.st_mode))
        return explain_file(path, e);
    if (!S_ISDIR(st.st_mode))
        return t5g_err_set(e, T5G_EX_NOINPUT, "%s: neither a model directory nor a packed model",
                           path);
    return what == T5G_EXPLAIN_PATH ? 0 : explain_dir(path, what, e);
}

const char *
t5g_explain_type(const char *model_type)
{
    static const struct {
        const char *type, *what;
    } types[] = {
        {"gemma", " (a Gemma, which has no encoder)"},
        {"gemma2", " (a Gemma 2, which has no encoder)"},
        {"gemma3", " (a Gemma 3, which has no encoder)"},
        {"gemma3_text", " (a Gemma 3, which has no encoder)"},
        {"gemma3n", " (a Gemma 3n, which has no encoder)"},
        {"gemma4", " (a Gemma 4, which has no encoder)"},
        {"t5gemma", " (the first T5Gemma, another architecture)"},
        {"t5", " (a T5)"},
        {"mt5", " (an mT5)"},
        {"umt5", " (a umT5)"},
        {"siglip", " (a picture encoder)"},
    };
    for (size_t i = 0; i < T5G_LEN(types); i++)
        if (strcmp(types[i].type, model_type) == 0)
            return types[i].what;
    return "";
}
