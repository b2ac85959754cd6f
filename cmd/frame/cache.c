/* t5g-frame cache-stat, cache-verify, cache-gc: maintain a cache of results.  See t5g-cache(5). */
#include "verbs.h"
#include "base/num.h"
#include "base/units.h"
#include "store/cache.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static struct {
    uint64_t max_size;
    const char *max_age, *grace;
    bool dry_run;
} opt = {.max_size = UINT64_MAX, .grace = "1h"};

static const struct t5g_option no_options[] = {T5G_OPTIONS_END};
static const struct t5g_option gc_options[] = {
    {0, "max-size", "BYTES", T5G_OPT_BYTES, &opt.max_size,
     "keep at most this much, the most recently used", 0, 0x1p62},
    {0, "max-age", "TIME", T5G_OPT_STRING, &opt.max_age,
     "remove what was not used for this long (45m, 12h, 30d, 2w)", 0, 0},
    {0, "grace", "TIME", T5G_OPT_STRING, &opt.grace,
     "remove nothing used within this time (default 1h)", 0, 0},
    {0, "dry-run", NULL, T5G_OPT_FLAG, &opt.dry_run, "only print what would be removed", 0, 0},
    T5G_OPTIONS_END,
};

enum { DEAD_AFTER = 86400 /* seconds: no writer takes that long for an entry */ };

struct file {
    char *path;
    struct t5g_cache_file f; /* its path is `path` */
};

/* The files of the cache. */
static struct {
    struct t5g_cache *cache;
    struct file *files; /* [n] */
    size_t n, cap;
    uint64_t bytes; /* of all except unfinished ones */
    struct {
        uint64_t files, bytes;
    } of[T5G_CACHE_UNFINISHED + 1]; /* each kind */
    struct text text;
} at;

static void
add(const struct t5g_cache_file *f, void *arg)
{
    (void)arg;
    at.files = t5g_grow(at.files, at.n, &at.cap, sizeof *at.files);
    at.files[at.n++] = (struct file){t5g_strdup(f->path), *f};
    at.bytes += f->kind != T5G_CACHE_UNFINISHED ? f->size : 0;
    at.of[f->kind].files++;
    at.of[f->kind].bytes += f->size;
}

/* Whether a folder without cache files may be a cache: emptied, or not used yet. */
static bool
is_cache(const char *dir)
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

/* Parse options, open the cache (the operand, or the default) and list its files. */
static void
start(const char *name, const char *summary, const struct t5g_option *options, unsigned common,
      int argc, char **argv)
{
    char example[64];
    snprintf(example, sizeof example, "%s%s", name, options == gc_options ? " --max-size 10G" : "");
    const struct t5g_program program = {name, "[options] [DIR]", summary, options, example, common};
    int first = t5g_options_parse(&program, argc, argv);
    struct t5g_err e = {0};
    if (argc - first > 1)
        t5g_usage("one folder at most");
    at.cache = t5g_cache_open(first < argc ? argv[first] : NULL, NULL);
    struct stat st;
    if (first < argc && stat(argv[first], &st) < 0)
        t5g_die(T5G_EX_NOINPUT, "%s: %s", argv[first], strerror(errno));
    if (first < argc && !S_ISDIR(st.st_mode))
        t5g_die(T5G_EX_NOINPUT, "%s: not a folder, as a cache must be", argv[first]);
    text_open(&at.text);
    if (t5g_cache_each(at.cache, add, NULL, &e) < 0)
        t5g_die_err(&e);
    if (first < argc && at.n == 0 && !is_cache(argv[first]))
        t5g_die(T5G_EX_DATA, "%s: not a cache: it has other files", argv[first]);
}

static int
end(int status)
{
    for (size_t i = 0; i < at.n; i++)
        t5g_free(at.files[i].path);
    t5g_free(at.files);
    t5g_cache_close(at.cache);
    return text_end(&at.text, status, NULL);
}

static void
put_kind(enum t5g_cache_kind kind, const char *one, const char *many)
{
    char size[T5G_UNITS_MAX];
    t5g_buf_printf(&at.text.out, "%" PRIu64 " %s, %s; ", at.of[kind].files,
                   at.of[kind].files == 1 ? one : many, t5g_units_size(size, at.of[kind].bytes));
}

int
verb_cache_stat(int argc, char **argv)
{
    char text[T5G_UNITS_MAX];
    start("t5g-frame cache-stat", "Count what is kept in a cache.", no_options, T5G_O_OUTPUT, argc,
          argv);
    int64_t now = (int64_t)time(NULL), oldest = now;
    for (size_t i = 0; i < at.n; i++)
        if (at.files[i].f.kind != T5G_CACHE_UNFINISHED && at.files[i].f.mtime < oldest)
            oldest = at.files[i].f.mtime;
    put_escaped(&at.text.out, t5g_cache_dir(at.cache), strlen(t5g_cache_dir(at.cache)));
    t5g_buf_adds(&at.text.out, ": ");
    put_kind(T5G_CACHE_ENTRY, "entry", "entries");
    put_kind(T5G_CACHE_TABLE, "compiled tokenizer", "compiled tokenizers");
    put_kind(T5G_CACHE_NOTE, "note", "notes");
    put_kind(T5G_CACHE_UNFINISHED, "unfinished", "unfinished");
    t5g_buf_printf(&at.text.out, "%s in all", t5g_units_size(text, at.bytes));
    if (at.n > at.of[T5G_CACHE_UNFINISHED].files)
        t5g_buf_printf(&at.text.out, "; oldest unused for %s",
                       t5g_units_time(text, (double)(now - oldest)));
    t5g_buf_addc(&at.text.out, '\n');
    return end(T5G_EX_OK);
}

int
verb_cache_verify(int argc, char **argv)
{
    size_t bad = 0;
    start("t5g-frame cache-verify", "Read every entry of a cache and remove damaged ones.",
          no_options, T5G_O_OUTPUT | T5G_O_QUIET, argc, argv);
    for (size_t i = 0; i < at.n; i++) {
        struct t5g_err e = {0};
        const char *path = at.files[i].path;
        if (at.files[i].f.kind != T5G_CACHE_ENTRY || t5g_cache_entry_whole(path, &e) ||
            e.code == T5G_EX_NOINPUT)
            continue; /* removed meanwhile: not an error */
        if (unlink(path) == 0)
            t5g_warn("%s: %s: removed", path, e.msg);
        else
            t5g_warn("%s: %s: cannot remove: %s", path, e.msg, strerror(errno));
        bad++;
    }
    t5g_buf_printf(&at.text.out, "%" PRIu64 " entries, %zu damaged\n", at.of[T5G_CACHE_ENTRY].files,
                   bad);
    return end(bad > 0 ? T5G_EX_DOCS : T5G_EX_OK);
}

/* Least recently used first. */
static int
by_age(const void *a, const void *b)
{
    const struct t5g_cache_file *x = &((const struct file *)a)->f,
                                *y = &((const struct file *)b)->f;
    if (x->mtime != y->mtime)
        return x->mtime < y->mtime ? -1 : 1;
    return x->mtime_ns < y->mtime_ns ? -1 : x->mtime_ns > y->mtime_ns;
}

/* Only one cache-gc at a time: two might remove more than either would. */
static void
lock(void)
{
    char *path = t5g_path_join(t5g_cache_dir(at.cache), "v1/gc.lock");
    int fd = open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) < 0 && errno == EWOULDBLOCK)
        t5g_die(T5G_EX_AGAIN, "%s: another cache-gc is running", path);
    t5g_free(path); /* the lock ends with the process */
}

static uint64_t
duration(const char *option, const char *s)
{
    struct t5g_err e;
    uint64_t v = UINT64_MAX;
    if (s != NULL && t5g_num_time(option, s, &v, &e) < 0)
        t5g_usage("%s", e.msg);
    return v;
}

int
verb_cache_gc(int argc, char **argv)
{
    uint64_t gone = 0, freed = 0, spared = 0;
    char a[T5G_UNITS_MAX], b[T5G_UNITS_MAX];
    start("t5g-frame cache-gc", "Remove the least recently used entries from a cache.", gc_options,
          T5G_O_OUTPUT | T5G_O_VERBOSE, argc, argv);
    uint64_t max_age = duration("--max-age", opt.max_age), grace = duration("--grace", opt.grace);
    if (opt.max_size == UINT64_MAX && opt.max_age == NULL)
        t5g_usage("say what to keep: --max-size, --max-age or both");
    if (at.n > 0)
        lock();
    int64_t now = (int64_t)time(NULL);
    if (at.n > 0)
        qsort(at.files, at.n, sizeof *at.files, by_age);
    for (size_t i = 0; i < at.n; i++) {
        const struct t5g_cache_file *f = &at.files[i].f;
        const char *path = at.files[i].path;
        uint64_t age = now > f->mtime ? (uint64_t)(now - f->mtime) : 0;
        bool unfinished = f->kind == T5G_CACHE_UNFINISHED;
        bool wanted =
            unfinished ? age >= DEAD_AFTER : age > max_age || at.bytes - freed > opt.max_size;
        if (wanted && !unfinished && age < grace) {
            spared++;
            continue;
        }
        if (!wanted)
            continue;
        if (!opt.dry_run && unlink(path) < 0 && errno != ENOENT)
            t5g_die(T5G_EX_IO, "%s: cannot remove: %s", path, strerror(errno));
        t5g_note("%s: %s, not used for %s", path, t5g_units_size(a, f->size),
                 t5g_units_time(b, (double)age));
        gone++;
        freed += unfinished ? 0 : f->size;
    }
    t5g_buf_printf(&at.text.out, "%" PRIu64 " %s, %s; %s kept", gone,
                   opt.dry_run ? "would be removed" : "removed", t5g_units_size(a, freed),
                   t5g_units_size(b, at.bytes - freed));
    if (spared > 0)
        t5g_buf_printf(&at.text.out,
                       "; %" PRIu64 " of them only because they were used within %s (--grace)",
                       spared, t5g_units_time(a, (double)grace));
    t5g_buf_addc(&at.text.out, '\n');
    return end(T5G_EX_OK);
}
