/* t5g-frame cache-stat, cache-verify, cache-gc: maintain a cache of results.  See t5g-cache(5). */
#include "verbs.h"
#include "base/num.h"
#include "base/units.h"
#include "store/collector.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

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

static struct {
    struct t5g_cache *cache;
    struct t5g_cache_files files;
    struct text text;
} at;

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
    if (t5g_cache_files_list(&at.files, at.cache, &e) < 0)
        t5g_die_err(&e);
    if (first < argc && at.files.n == 0 && !t5g_cache_may_be(argv[first]))
        t5g_die(T5G_EX_DATA, "%s: not a cache: it has other files", argv[first]);
}

static int
end(int status)
{
    t5g_cache_files_free(&at.files);
    t5g_cache_close(at.cache);
    return text_end(&at.text, status, NULL);
}

int
verb_cache_stat(int argc, char **argv)
{
    start("t5g-frame cache-stat", "Count what is kept in a cache.", no_options, T5G_O_OUTPUT, argc,
          argv);
    put_cache(&at.text.out, t5g_cache_dir(at.cache), &at.files, (int64_t)time(NULL));
    return end(T5G_EX_OK);
}

static void
warn(const char *line)
{
    t5g_warn("%s", line);
}

int
verb_cache_verify(int argc, char **argv)
{
    start("t5g-frame cache-verify", "Read every entry of a cache and remove damaged ones.",
          no_options, T5G_O_OUTPUT | T5G_O_QUIET, argc, argv);
    size_t bad = t5g_cache_files_check(&at.files, warn);
    t5g_buf_printf(&at.text.out, "%" PRIu64 " entries, %zu damaged\n",
                   at.files.of[T5G_CACHE_ENTRY].files, bad);
    return end(bad > 0 ? T5G_EX_DOCS : T5G_EX_OK);
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

static void
told(const struct t5g_cache_file *f, uint64_t age)
{
    char a[T5G_UNITS_MAX], b[T5G_UNITS_MAX];
    t5g_note("%s: %s, not used for %s", f->path, t5g_units_size(a, f->size),
             t5g_units_time(b, (double)age));
}

int
verb_cache_gc(int argc, char **argv)
{
    struct t5g_err e;
    struct t5g_collected gone;
    start("t5g-frame cache-gc", "Remove the least recently used entries from a cache.", gc_options,
          T5G_O_OUTPUT | T5G_O_VERBOSE, argc, argv);
    struct t5g_cache_rules rules = {opt.max_size, duration("--max-age", opt.max_age),
                                    duration("--grace", opt.grace), opt.dry_run};
    if (opt.max_size == UINT64_MAX && opt.max_age == NULL)
        t5g_usage("say what to keep: --max-size, --max-age or both");
    if (t5g_cache_collect(at.cache, &at.files, &rules, told, &gone, &e) < 0)
        t5g_die_err(&e);
    put_collected(&at.text.out, &gone, &rules, at.files.bytes - gone.bytes);
    return end(T5G_EX_OK);
}
