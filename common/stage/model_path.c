/* model_path.c: find the model; an installed one is found from the program's own path. */
#include "stage/model_path.h"
#include "cli/message.h"
#include "cli/program.h"
#include "base/map.h"
#include "base/mem.h"
#include "model/adapter_base.h"
#include "model/explain.h"
#include "model/hub.h"
#include "nn/sentence.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/stat.h>
#include <unistd.h>

enum { ROOM = PATH_MAX + 64 };

/*
 * The program's path without links. If /proc is not mounted, there is only the name by which the
 * program was started, from the kernel. -1: unknown.
 */
static int
own_path(char path[static ROOM])
{
    ssize_t n = readlink("/proc/self/exe", path, PATH_MAX);
    if (n > 0 && n < PATH_MAX) {
        path[n] = '\0';
        return 0;
    }
    unsigned long name = getauxval(AT_EXECFN);
    return name != 0 && realpath((const char *)name, path) != NULL ? 0 : -1;
}

/* Its path, whether or not it exists; NULL: the program's own path is unknown. */
static const char *
installed_model(void)
{
    static char path[ROOM];
    if (own_path(path) < 0)
        return NULL;
    for (int i = 0; i < 2; i++) {
        char *slash = strrchr(path, '/');
        if (slash == NULL)
            return NULL;
        *slash = '\0';
    }
    return strcat(path, "/share/t5g/model");
}

/* What was given: adapter NULL, or a folder with an adapter instead of a model. */
static struct {
    char *on_hub, *base, *adapter;
} at;

/* The folder of what was given, which may be a name on a hub; a path is given back as it is. */
static const char *
find(const char *given)
{
    struct stat st;
    struct t5g_err e;
    if (at.on_hub == NULL && lstat(given, &st) < 0 && errno == ENOENT &&
        t5g_hub_find(given, &at.on_hub, &e) < 0)
        t5g_die_err(&e);
    return at.on_hub != NULL ? at.on_hub : given;
}

/* The model of an adapter; what is no adapter is given back as it is. */
static const char *
base_of(const char *path)
{
    struct t5g_err e;
    if (at.adapter == NULL) {
        int r = t5g_adapter_base(path, &at.base, &e);
        if (r < 0)
            t5g_die_err(&e);
        at.adapter = r == 1 ? t5g_strdup(path) : NULL;
    }
    return at.adapter != NULL ? at.base : path;
}

/* What the options or the environment name, found. */
static const char *
given(void)
{
    const char *path = t5g_common.model;
    struct stat st;
    if (path == NULL)
        path = getenv("T5G_MODEL");
    if (path == NULL || path[0] == '\0') {
        path = installed_model();
        if (path == NULL)
            t5g_die(T5G_EX_NOINPUT,
                    "no model: give -m MODEL or set T5G_MODEL (without /proc the "
                    "installed one is found only if %s is started by its path)",
                    t5g_program_name());
        if (stat(path, &st) < 0)
            t5g_die(T5G_EX_NOINPUT,
                    "no model: give -m MODEL or set T5G_MODEL (none is installed as %s: %s)", path,
                    strerror(errno));
        return path;
    }
    return find(path);
}

const char *
t5g_model_given(void)
{
    return base_of(given());
}

char *
t5g_model_adapter(void)
{
    t5g_model_given();
    return at.adapter;
}

const char *
t5g_tokenizer_path(void)
{
    const char *path = given();
    bool both = t5g_is_in(path, "adapter_config.json") && t5g_is_in(path, "tokenizer.json");
    return both ? path : t5g_model_path();
}

const char *
t5g_model_path(void)
{
    static char *inside;
    const char *path = t5g_model_given();
    struct t5g_err e;
    if (inside == NULL && t5g_sentence_transformer(path, &inside, &e) < 0)
        t5g_die_err(&e);
    path = inside != NULL ? inside : path;
    if (t5g_explain_model(path, T5G_EXPLAIN_PATH, &e) < 0)
        t5g_die_err(&e);
    return path;
}
