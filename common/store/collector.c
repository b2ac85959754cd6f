/* collector.c: list, check and remove the files of a cache. */
#include "store/collector.h"
#include "base/io.h"
#include "base/json.h"
#include "stream/reader.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { DEAD_AFTER = 86400 /* seconds: no writer takes that long for an entry */ };

/* ---- what is there ---- */

static bool
is_hex(const char *s, size_t n)
{
    return strspn(s, "0123456789abcdef") >= n;
}

/* Whether a name is a word and "-" ("tokenizer-"), 32 hex digits, and a writer's ".XXXXXX" or not.
 */
static bool
is_kept(const char *name, enum t5g_cache_kind *kind)
{
    size_t word = strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789");
    const char *hex = name + word + 1;
    if (word == 0 || name[word] != '-' || !is_hex(hex, 32) ||
        (hex[32] != '\0' && (hex[32] != '.' || strlen(hex) != 39)))
        return false;
    *kind = hex[32] != '\0'                              ? T5G_CACHE_UNFINISHED
            : strncmp(name, "tokenizer-", word + 1) == 0 ? T5G_CACHE_TABLE
                                                         : T5G_CACHE_NOTE;
    return true;
}

/* The kind of a file by its name, in the folder for a kind; false: not a cache file. */
static bool
is_ours(const char *name, enum t5g_cache_kind folder, enum t5g_cache_kind *kind)
{
    size_t n = strlen(name);
    *kind = folder;
    if (folder == T5G_CACHE_ENTRY)
        return n == 34 && is_hex(name, 30) && strcmp(name + 30, ".t5g") == 0;
    if (folder == T5G_CACHE_UNFINISHED)
        return n > 33 && is_hex(name, 32) && name[32] == '.';
    return is_kept(name, kind);
}

static void
add(struct t5g_cache_files *l, char *path, const struct stat *st, enum t5g_cache_kind kind)
{
    uint64_t size = (uint64_t)st->st_size;
    l->v = t5g_grow(l->v, l->n, &l->cap, sizeof *l->v);
    l->v[l->n++] =
        (struct t5g_cache_file){path, size, st->st_mtim.tv_sec, st->st_mtim.tv_nsec, kind};
    l->bytes += kind != T5G_CACHE_UNFINISHED ? size : 0;
    l->of[kind].files++;
    l->of[kind].bytes += size;
}

/* Add the files of one folder that have names of cache files. */
static int
list_folder(struct t5g_cache_files *l, const char *folder, enum t5g_cache_kind of,
            struct t5g_err *e)
{
    DIR *d = opendir(folder);
    enum t5g_cache_kind kind;
    if (d == NULL)
        return errno == ENOENT ? 0
                               : t5g_err_sys(e, T5G_EX_NOINPUT, "%s: cannot read folder", folder);
    for (struct dirent *x; (x = readdir(d)) != NULL;) {
        struct stat st;
        if (!is_ours(x->d_name, of, &kind))
            continue;
        char *path = t5g_path_join(folder, x->d_name);
        if (lstat(path, &st) == 0)
            add(l, path, &st, kind);
        else
            t5g_free(path);
    }
    closedir(d);
    return 0;
}

int
t5g_cache_files_list(struct t5g_cache_files *l, const struct t5g_cache *c, struct t5g_err *e)
{
    const char *dir = t5g_cache_dir(c), *notes = t5g_cache_notes_dir(c);
    int r = 0;
    if (dir[0] == '\0')
        return t5g_err_set(e, T5G_EX_NOINPUT,
                           "no cache folder: T5G_CACHE_DIR, XDG_CACHE_HOME and HOME are not set");
    for (int i = 0; i <= 256 && r == 0; i++) {
        struct t5g_buf path = {0};
        if (i < 256)
            t5g_buf_printf(&path, "%s/v1/%02x", dir, (unsigned)i);
        else
            t5g_buf_printf(&path, "%s/v1/tmp", dir);
        r = list_folder(l, path.p, i < 256 ? T5G_CACHE_ENTRY : T5G_CACHE_UNFINISHED, e);
        t5g_buf_free(&path);
    }
    if (r == 0)
        r = list_folder(l, dir, T5G_CACHE_NOTE, e);
    if (r == 0 && notes != NULL)
        r = list_folder(l, notes, T5G_CACHE_NOTE, e);
    return r;
}

void
t5g_cache_files_free(struct t5g_cache_files *l)
{
    for (size_t i = 0; i < l->n; i++)
        t5g_free(l->v[i].path);
    t5g_free(l->v);
    *l = (struct t5g_cache_files){0};
}

int64_t
t5g_cache_files_oldest(const struct t5g_cache_files *l, int64_t now)
{
    int64_t oldest = now;
    for (size_t i = 0; i < l->n; i++)
        if (l->v[i].kind != T5G_CACHE_UNFINISHED && l->v[i].mtime < oldest)
            oldest = l->v[i].mtime;
    return oldest;
}

bool
t5g_cache_may_be(const char *dir)
{
    bool only = true, made = false;
    DIR *d = opendir(dir);
    for (const struct dirent *f; d != NULL && (f = readdir(d)) != NULL;) {
        made = made || strcmp(f->d_name, "v1") == 0;
        only = only && (strcmp(f->d_name, ".") == 0 || strcmp(f->d_name, "..") == 0);
    }
    if (d != NULL)
        closedir(d);
    return made || only;
}

/* ---- what is damaged ---- */

/* Whether the entry at path is undamaged and has the key of its name; if not, e says why (66: there
 * is none). */
static bool
is_whole(const char *path, struct t5g_err *e)
{
    const char *name = strrchr(path, '/');
    struct t5g_frame f;
    size_t documents = 0;
    int r = -1;
    bool named = true;
    /* The owner does not matter here: root may check the caches of others. */
    struct stat st;
    int fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0 && errno != ELOOP && errno != ENXIO) { /* a link, a socket */
        t5g_err_sys(e, T5G_EX_DATA, "cannot open");
        return false;
    }
    if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode)) {
        t5g_err_set(e, T5G_EX_DATA, "not a regular file");
        if (fd >= 0)
            close(fd);
        return false;
    }
    struct t5g_reader *in = t5g_reader_open_fd(fd, true, path, T5G_FRAME_SIZE_DEFAULT);
    while ((r = t5g_reader_next(in, &f, e)) == 1) {
        if (f.kind != T5G_KIND_DOC)
            continue;
        struct t5g_json *meta = t5g_json_parse(f.meta, f.meta_len, "DOC", NULL);
        const char *id = t5g_json_str(t5g_json_get(meta, "id"));
        named = name != NULL && name - path >= 2 && id != NULL && strlen(id) == 32 &&
                memcmp(id, name - 2, 2) == 0 && strncmp(id + 2, name + 1, 30) == 0;
        documents++;
        t5g_json_free(meta);
    }
    t5g_reader_close(in);
    if (r == 0 && (documents != 1 || !named)) {
        t5g_err_set(e, T5G_EX_DATA, "the entry of another key");
        return false;
    }
    return r == 0;
}

size_t
t5g_cache_files_check(const struct t5g_cache_files *l, void (*warn)(const char *line))
{
    size_t bad = 0;
    for (size_t i = 0; i < l->n; i++) {
        struct t5g_err e = {0};
        struct t5g_buf line = {0};
        const char *path = l->v[i].path;
        if (l->v[i].kind != T5G_CACHE_ENTRY || is_whole(path, &e) || e.code == T5G_EX_NOINPUT)
            continue; /* removed meanwhile: not an error */
        if (unlink(path) == 0)
            t5g_buf_printf(&line, "%s: %s: removed", path, e.msg);
        else
            t5g_buf_printf(&line, "%s: %s: cannot remove: %s", path, e.msg, strerror(errno));
        warn(line.p);
        t5g_buf_free(&line);
        bad++;
    }
    return bad;
}

/* ---- what was not used for long ---- */

/* Least recently used first. */
static int
by_age(const void *a, const void *b)
{
    const struct t5g_cache_file *x = a, *y = b;
    if (x->mtime != y->mtime)
        return x->mtime < y->mtime ? -1 : 1;
    return x->mtime_ns < y->mtime_ns ? -1 : x->mtime_ns > y->mtime_ns;
}

/* Only one collector at a time: two might remove more than either would. The lock, or -1 if the
 * folder cannot have one; e->code is set if another is at work. */
static int
lock(const struct t5g_cache *c, struct t5g_err *e)
{
    char *path = t5g_path_join(t5g_cache_dir(c), "v1/gc.lock");
    int fd = open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
    e->code = 0;
    if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) < 0 && errno == EWOULDBLOCK)
        t5g_err_set(e, T5G_EX_AGAIN, "%s: another cache-gc is running", path);
    t5g_free(path);
    return fd;
}

/* One file: remove it, or not. 0, or -1 with e. */
static int
collect(const struct t5g_cache_file *f, int64_t now, const struct t5g_cache_rules *rules,
        uint64_t kept, void (*told)(const struct t5g_cache_file *f, uint64_t age),
        struct t5g_collected *out, struct t5g_err *e)
{
    uint64_t age = now > f->mtime ? (uint64_t)(now - f->mtime) : 0;
    bool unfinished = f->kind == T5G_CACHE_UNFINISHED;
    bool wanted = unfinished ? age >= DEAD_AFTER : age > rules->max_age || kept > rules->max_size;
    if (wanted && !unfinished && age < rules->grace) {
        out->spared++;
        return 0;
    }
    if (!wanted)
        return 0;
    if (!rules->dry_run && unlink(f->path) < 0 && errno != ENOENT)
        return t5g_err_set(e, T5G_EX_IO, "%s: cannot remove: %s", f->path, strerror(errno));
    told(f, age);
    out->files++;
    out->bytes += unfinished ? 0 : f->size;
    return 0;
}

int
t5g_cache_collect(const struct t5g_cache *c, struct t5g_cache_files *l,
                  const struct t5g_cache_rules *rules,
                  void (*told)(const struct t5g_cache_file *f, uint64_t age),
                  struct t5g_collected *out, struct t5g_err *e)
{
    *out = (struct t5g_collected){0};
    if (l->n == 0)
        return 0;
    struct t5g_err busy;
    int fd = lock(c, &busy), r = busy.code != 0 ? t5g_err_set(e, busy.code, "%s", busy.msg) : 0;
    int64_t now = (int64_t)time(NULL);
    qsort(l->v, l->n, sizeof *l->v, by_age);
    for (size_t i = 0; i < l->n && r == 0; i++)
        r = collect(&l->v[i], now, rules, l->bytes - out->bytes, told, out, e);
    if (fd >= 0)
        close(fd); /* and with it the lock */
    return r;
}
