/* t5g-frame cache-stat, cache-verify, cache-gc: look after a cache of results.  See t5g-cache(5).
 */
#include "verbs.h"
#include "store/cache.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

static struct {
    uint64_t max_size, max_age, grace;
    bool dry_run;
} opt = {.max_size = UINT64_MAX, .max_age = UINT64_MAX, .grace = 3600};

static const struct t5g_option no_options[] = {NO_MORE_OPTIONS};
static const struct t5g_option gc_options[] = {
    {0, "max-size", "BYTES", T5G_OPT_BYTES, &opt.max_size, "keep at most so much, the latest used",
     0, 0x1p62},
    {0, "max-age", "SECONDS", T5G_OPT_U64, &opt.max_age, "remove what was not used for so long", 1,
     1e12},
    {0, "grace", "SECONDS", T5G_OPT_U64, &opt.grace, "remove nothing used within (default 3600)", 0,
     1e12},
    {0, "dry-run", NULL, T5G_OPT_FLAG, &opt.dry_run, "only say what would go", 0, 0},
    NO_MORE_OPTIONS,
};

enum { DEAD_AFTER = 86400 /* seconds: no writer takes that long over an entry */ };

struct file {
    char *path;
    struct t5g_cache_file f; /* its path is the one above */
};

/* Files of the cache. */
static struct {
    struct t5g_cache *cache;
    struct file *files; /* [n] */
    size_t n, cap;
    uint64_t bytes, temporary;
    struct text text;
} at;

static void
add(const struct t5g_cache_file *f, void *arg)
{
    (void)arg;
    if (at.n == at.cap) {
        size_t cap = 2 * at.cap + 256;
        struct file *more = t5g_alloc(cap, sizeof *more);
        if (at.n > 0)
            memcpy(more, at.files, at.n * sizeof *more);
        t5g_free(at.files);
        at.files = more;
        at.cap = cap;
    }
    at.files[at.n++] = (struct file){t5g_strdup(f->path), *f};
    at.bytes += f->temporary ? 0 : f->size;
    at.temporary += f->temporary;
}

/* Options, the folder (an operand, or where caches are), and its files. */
static void
start(const char *name, const char *summary, const struct t5g_option *options, int argc,
      char **argv)
{
    char example[64];
    snprintf(example, sizeof example, "%s%s", name, options == gc_options ? " --max-size 10G" : "");
    const struct t5g_program program = {name, "[options] [DIR]", summary, options, example};
    int first = t5g_options_parse(&program, argc, argv);
    struct t5g_err e = {0};
    if (argc - first > 1)
        t5g_usage("one folder at most");
    at.cache = t5g_cache_open(first < argc ? argv[first] : NULL, NULL);
    if (first < argc && access(argv[first], F_OK) < 0)
        t5g_die(T5G_EX_NOINPUT, "%s: %s", argv[first], strerror(errno));
    text_open(&at.text);
    if (t5g_cache_each(at.cache, add, NULL, &e) < 0)
        t5g_die_err(&e);
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

int
verb_cache_stat(int argc, char **argv)
{
    start("t5g-frame cache-stat", "Count the entries of a cache.", no_options, argc, argv);
    int64_t now = (int64_t)time(NULL), oldest = now;
    for (size_t i = 0; i < at.n; i++)
        if (!at.files[i].f.temporary && at.files[i].f.mtime < oldest)
            oldest = at.files[i].f.mtime;
    t5g_buf_printf(&at.text.out,
                   "%s: %zu entries, %" PRIu64 " bytes, oldest use %" PRId64 " s ago, %" PRIu64
                   " unfinished\n",
                   t5g_cache_dir(at.cache), at.n - (size_t)at.temporary, at.bytes, now - oldest,
                   at.temporary);
    return end(T5G_EX_OK);
}

int
verb_cache_verify(int argc, char **argv)
{
    size_t bad = 0;
    start("t5g-frame cache-verify", "Read every entry of a cache and remove damaged ones.",
          no_options, argc, argv);
    for (size_t i = 0; i < at.n; i++) {
        struct t5g_err e = {0};
        const char *path = at.files[i].path;
        if (at.files[i].f.temporary || t5g_cache_entry_whole(path, &e) || e.code == T5G_EX_NOINPUT)
            continue; /* one that is gone meanwhile is no fault */
        if (unlink(path) == 0)
            t5g_warn("%s: %s: removed", path, e.msg);
        else
            t5g_warn("%s: %s: cannot remove: %s", path, e.msg, strerror(errno));
        bad++;
    }
    t5g_buf_printf(&at.text.out, "%zu entries, %zu damaged\n", at.n - (size_t)at.temporary, bad);
    return end(bad > 0 ? T5G_EX_DOCS : T5G_EX_OK);
}

/* Longest not used first. */
static int
by_age(const void *a, const void *b)
{
    const struct t5g_cache_file *x = &((const struct file *)a)->f,
                                *y = &((const struct file *)b)->f;
    if (x->mtime != y->mtime)
        return x->mtime < y->mtime ? -1 : 1;
    return x->mtime_ns < y->mtime_ns ? -1 : x->mtime_ns > y->mtime_ns;
}

/* One collector at a time, so that two do not each remove what the other leaves. */
static void
lock(void)
{
    char *path = t5g_path_join(t5g_cache_dir(at.cache), "v1/gc.lock");
    int fd = open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) < 0 && errno == EWOULDBLOCK)
        t5g_die(T5G_EX_AGAIN, "%s: another collector is at work", path);
    t5g_free(path); /* the lock goes with the process */
}

int
verb_cache_gc(int argc, char **argv)
{
    uint64_t gone = 0, freed = 0;
    start("t5g-frame cache-gc", "Remove the entries of a cache that were used longest ago.",
          gc_options, argc, argv);
    if (opt.max_size == UINT64_MAX && opt.max_age == UINT64_MAX)
        t5g_usage("say what to keep: --max-size, --max-age or both");
    if (at.n > 0)
        lock();
    int64_t now = (int64_t)time(NULL);
    qsort(at.files, at.n, sizeof *at.files, by_age);
    for (size_t i = 0; i < at.n; i++) {
        const struct t5g_cache_file *f = &at.files[i].f;
        const char *path = at.files[i].path;
        uint64_t age = now > f->mtime ? (uint64_t)(now - f->mtime) : 0;
        bool old = age > opt.max_age;
        bool much = at.bytes - freed > opt.max_size;
        if (f->temporary ? age < DEAD_AFTER : age < opt.grace || !(old || much))
            continue;
        if (!opt.dry_run && unlink(path) < 0 && errno != ENOENT)
            t5g_die(T5G_EX_IO, "%s: cannot remove: %s", path, strerror(errno));
        t5g_note("%s: %" PRIu64 " bytes, not used for %" PRIu64 " s", path, f->size, age);
        gone++;
        freed += f->temporary ? 0 : f->size;
    }
    t5g_buf_printf(&at.text.out, "%" PRIu64 " %s, %" PRIu64 " bytes; %" PRIu64 " bytes stay\n",
                   gone, opt.dry_run ? "would be removed" : "removed", freed, at.bytes - freed);
    return end(T5G_EX_OK);
}
