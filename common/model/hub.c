/*
 * hub.c: the cache of huggingface_hub. Of each model it holds
 *
 *   models--OWNER--NAME/refs/REVISION      the commit that a branch or tag stood at
 *   models--OWNER--NAME/snapshots/COMMIT   a folder of links to the files, in ../../blobs
 */
#include "model/hub.h"
#include "base/io.h"
#include "base/map.h"
#include "base/mem.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define LISTED_MAX 8 /* commits named in a message */

static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.";

/* A name as it was given: pieces of `text`. */
struct name {
    char *text;
    const char *owner, *name, *revision; /* owner NULL: none; revision NULL: not given */
};

/* One part of a path below a folder, which cannot lead out of it. */
static bool
is_plain(const char *s)
{
    return s[0] != '\0' && s[0] != '.' && strspn(s, letters) == strlen(s);
}

/* The parts of a revision may be nested: "pr/1". */
static bool
is_revision(const char *s)
{
    bool part = false;
    for (; *s != '\0'; s++) {
        if (*s == '/' ? !part || s[1] == '\0' : (!part && *s == '.') || *s < '!')
            return false;
        part = *s != '/';
    }
    return part;
}

/* Take `given` apart; false: it is no such name. */
static bool
split(struct name *x, const char *given)
{
    *x = (struct name){.text = t5g_strdup(given)};
    char *at = strchr(x->text, '@'), *slash;
    if (at != NULL)
        *at = '\0';
    slash = strchr(x->text, '/');
    if (slash != NULL)
        *slash = '\0';
    x->owner = slash != NULL ? x->text : NULL;
    x->name = slash != NULL ? slash + 1 : x->text;
    x->revision = at != NULL ? at + 1 : NULL;
    return is_plain(x->name) && (x->owner == NULL || is_plain(x->owner)) &&
           (x->revision == NULL || is_revision(x->revision));
}

static char *
joined(const char *base, const char *rest)
{
    struct t5g_buf b = {0};
    const char *home = getenv("HOME");
    if (base[0] == '~' && base[1] == '/' && home != NULL)
        t5g_buf_printf(&b, "%s%s%s", home, base + 1, rest);
    else
        t5g_buf_printf(&b, "%s%s", base, rest);
    return b.p;
}

/* The folder of the cache, whether or not it exists; NULL if no variable says where. */
static char *
cache(void)
{
    const struct {
        const char *base, *rest;
    } places[] = {{getenv("HF_HUB_CACHE"), ""},
                  {getenv("HUGGINGFACE_HUB_CACHE"), ""},
                  {getenv("HF_HOME"), "/hub"},
                  {getenv("XDG_CACHE_HOME"), "/huggingface/hub"},
                  {getenv("HOME"), "/.cache/huggingface/hub"}};
    for (size_t i = 0; i < T5G_LEN(places); i++)
        if (places[i].base != NULL && places[i].base[0] != '\0')
            return joined(places[i].base, places[i].rest);
    return NULL;
}

static bool
is_folder(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

/* The commit in the file refs/revision, or NULL. */
static char *
commit_of(const char *folder, const char *revision)
{
    char *refs = t5g_path_join(folder, "refs"), *path = t5g_path_join(refs, revision);
    char *commit = NULL;
    struct t5g_map m;
    if (t5g_map_optional(path, &m, NULL) == 1) {
        commit = t5g_memdup(m.p, t5g_min(m.size, 64));
        commit[strcspn(commit, " \r\n")] = '\0';
        t5g_unmap(&m);
    }
    t5g_free(path);
    t5g_free(refs);
    if (commit != NULL && !is_plain(commit)) {
        t5g_free(commit);
        commit = NULL;
    }
    return commit;
}

char *
t5g_hub_snapshot(const char *folder, const char *revision)
{
    char *snapshots = t5g_path_join(folder, "snapshots"), *commit = commit_of(folder, revision);
    char *path = NULL;
    if (commit != NULL || is_plain(revision))
        path = t5g_path_join(snapshots, commit != NULL ? commit : revision);
    if (path != NULL && !is_folder(path)) {
        t5g_free(path);
        path = NULL;
    }
    t5g_free(commit);
    t5g_free(snapshots);
    return path;
}

static int
by_text(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* "a, b, c" of the snapshots of a folder; nothing if there is none. */
static void
put_commits(struct t5g_buf *b, const char *folder)
{
    char *path = t5g_path_join(folder, "snapshots"), **commit = NULL;
    size_t n = 0, cap = 0;
    DIR *d = opendir(path);
    for (struct dirent *x; d != NULL && (x = readdir(d)) != NULL;)
        if (x->d_name[0] != '.') {
            commit = t5g_grow(commit, n, &cap, sizeof *commit);
            commit[n++] = t5g_strdup(x->d_name);
        }
    if (d != NULL)
        closedir(d);
    if (n > 0)
        qsort(commit, n, sizeof *commit, by_text);
    for (size_t i = 0; i < n; i++) {
        if (i < LISTED_MAX)
            t5g_buf_printf(b, "%s%s", i == 0 ? "" : ", ", commit[i]);
        t5g_free(commit[i]);
    }
    if (n > LISTED_MAX)
        t5g_buf_printf(b, " and %zu more", n - LISTED_MAX);
    t5g_free(commit);
    t5g_free(path);
}

/* The name without its revision. */
static void
put_name(struct t5g_buf *b, const struct name *x)
{
    t5g_buf_printf(b, "%s%s%s", x->owner != NULL ? x->owner : "", x->owner != NULL ? "/" : "",
                   x->name);
}

static int
absent(const struct name *x, const char *given, const char *base, const char *folder,
       struct t5g_err *e)
{
    struct t5g_buf commits = {0}, name = {0};
    put_name(&name, x);
    put_commits(&commits, folder);
    if (commits.n > 0)
        t5g_err_set(e, T5G_EX_NOINPUT,
                    "%s: %s has no revision '%s' of it; it has the commits %s: give %s@COMMIT",
                    given, base, x->revision != NULL ? x->revision : "main", commits.p, name.p);
    else
        t5g_err_set(e, T5G_EX_NOINPUT,
                    "%s: no such folder, and not in the hub's cache (%s): nothing is fetched; "
                    "download it (hf download %s%s%s)",
                    given, base, name.p, x->revision != NULL ? " --revision " : "",
                    x->revision != NULL ? x->revision : "");
    t5g_buf_free(&commits);
    t5g_buf_free(&name);
    return -1;
}

int
t5g_hub_find(const char *given, char **path, struct t5g_err *e)
{
    struct name x;
    char *base = cache();
    int r = 0;
    if (split(&x, given) && base != NULL) {
        struct t5g_buf folder = {0};
        t5g_buf_printf(&folder, "%s/models--%s%s%s", base, x.owner != NULL ? x.owner : "",
                       x.owner != NULL ? "--" : "", x.name);
        *path = t5g_hub_snapshot(folder.p, x.revision != NULL ? x.revision : "main");
        if (*path != NULL)
            r = 1;
        else if (x.owner != NULL || x.revision != NULL || is_folder(folder.p))
            r = absent(&x, given, base, folder.p, e);
        t5g_buf_free(&folder);
    }
    t5g_free(base);
    t5g_free(x.text);
    return r;
}
