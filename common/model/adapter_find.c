/* adapter_find.c: what users give as an adapter, recognised by names and first bytes. */
#include "model/adapter_find.h"
#include "base/io.h"
#include "base/map.h"
#include "base/mem.h"
#include "model/hub.h"
#include "model/packed.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char config[] = "adapter_config.json";

/* What the subfolders show. */
struct seen {
    size_t n;
    char *name; /* the first by name with an adapter in it, or NULL */
    char *last; /* the last checkpoint-N with one, or NULL */
    long step;
};

static void
keep(char **to, const char *name)
{
    t5g_free(*to);
    *to = t5g_strdup(name);
}

static void
see(struct seen *s, const char *dir, const char *name)
{
    static const char step[] = "checkpoint-";
    char *sub = t5g_path_join(dir, name), *end;
    if (t5g_is_in(sub, config)) {
        const char *number = name + sizeof step - 1;
        bool checkpoint = strncmp(name, step, sizeof step - 1) == 0 && *number != '\0';
        long n = checkpoint ? strtol(number, &end, 10) : 0;
        if (checkpoint && *end == '\0' && (s->last == NULL || n > s->step)) {
            s->step = n;
            keep(&s->last, name);
        }
        if (s->name == NULL || strcmp(name, s->name) < 0) /* in any order of the directory */
            keep(&s->name, name);
    }
    t5g_free(sub);
}

static int
explain_snapshots(const char *dir, struct t5g_err *e)
{
    char *path = t5g_hub_snapshot(dir, "main");
    t5g_err_set(e, T5G_EX_NOINPUT,
                "%s: a folder of the hub's cache: give OWNER/NAME, or the snapshot in it%s%s", dir,
                path != NULL ? ", " : "", path != NULL ? path : "");
    t5g_free(path);
    return -1;
}

static int
explain_subfolders(const char *dir, struct t5g_err *e)
{
    struct seen s = {0};
    DIR *d = opendir(dir);
    if (d == NULL)
        return t5g_err_sys(e, T5G_EX_NOINPUT, "%s: cannot read folder", dir);
    for (struct dirent *x; (x = readdir(d)) != NULL && s.n < 10000; s.n++)
        if (x->d_name[0] != '.')
            see(&s, dir, x->d_name);
    closedir(d);
    if (s.last != NULL)
        t5g_err_set(e, T5G_EX_NOINPUT,
                    "%s: the folder of a training run: give one of its checkpoints, the last is "
                    "%s/%s",
                    dir, dir, s.last);
    else if (s.name != NULL)
        t5g_err_set(e, T5G_EX_NOINPUT, "%s: no %s; there is an adapter in %s/%s: give that", dir,
                    config, dir, s.name);
    else
        t5g_err_set(e, T5G_EX_NOINPUT,
                    "%s: no %s (an adapter is a folder with that and adapter_model.safetensors)",
                    dir, config);
    t5g_free(s.last);
    t5g_free(s.name);
    return -1;
}

/* A directory without adapter_config.json. */
static int
explain_dir(const char *dir, struct t5g_err *e)
{
    if (t5g_is_in(dir, "snapshots"))
        return explain_snapshots(dir, e);
    if (t5g_is_in(dir, "adapter_model.safetensors"))
        return t5g_err_set(e, T5G_EX_NOINPUT,
                           "%s: no %s beside adapter_model.safetensors: the download is not whole",
                           dir, config);
    if (t5g_is_in(dir, "config.json"))
        return t5g_err_set(e, T5G_EX_NOINPUT,
                           "%s: a model, not an adapter: give it with -m, and with --adapter a "
                           "folder with %s",
                           dir, config);
    return explain_subfolders(dir, e);
}

static int
explain_stream(const char *path, struct t5g_err *e)
{
    struct t5g_buf b = {0};
    int r = t5g_model_optional(path, "config.json", 1 << 20, &b, NULL);
    t5g_buf_free(&b);
    if (r != 0)
        return t5g_err_set(e, T5G_EX_DATA,
                           "%s: a packed model, not an adapter: give it with -m, and with "
                           "--adapter a folder with %s",
                           path, config);
    return t5g_err_set(e, T5G_EX_DATA,
                       "%s: a stream of documents, not an adapter: give it as FILE, and with "
                       "--adapter a folder with %s",
                       path, config);
}

static int
explain_file(const char *path, struct t5g_err *e)
{
    unsigned char p[8] = {0};
    size_t n = 0;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return t5g_err_sys(e, T5G_EX_NOINPUT, "%s: cannot open adapter", path);
    int r = t5g_read_full(fd, path, p, sizeof p, &n, e);
    close(fd);
    if (r < 0)
        return -1;
    if (n > 7 && memcmp(p, T5G_FRAME_MAGIC, 7) == 0)
        return explain_stream(path, e);
    return t5g_err_set(e, T5G_EX_DATA,
                       "%s: a file, expected the folder of an adapter: give the folder with %s and "
                       "adapter_model.safetensors",
                       path, config);
}

int
t5g_adapter_find(const char *given, char **dir, struct t5g_err *e)
{
    struct stat st;
    int r = 0;
    if (lstat(given, &st) < 0 && errno == ENOENT && (r = t5g_hub_find(given, dir, e)) < 0)
        return -1;
    if (r == 0)
        *dir = t5g_strdup(given);
    if (stat(*dir, &st) < 0)
        r = errno == ENOENT ? t5g_err_set(e, T5G_EX_NOINPUT, "%s: no such adapter", *dir)
                            : t5g_err_sys(e, T5G_EX_NOINPUT, "%s: cannot open adapter", *dir);
    else if (S_ISREG(st.st_mode))
        r = explain_file(*dir, e);
    else if (!S_ISDIR(st.st_mode))
        r = t5g_err_set(e, T5G_EX_NOINPUT, "%s: not a folder with an adapter", *dir);
    else
        r = t5g_is_in(*dir, config) ? 0 : explain_dir(*dir, e);
    if (r < 0) {
        t5g_free(*dir);
        *dir = NULL;
    }
    return r;
}
