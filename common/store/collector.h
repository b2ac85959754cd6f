/* collector.h: look after a cache: what is in it, what is damaged, what was not used for long. */
#ifndef T5G_COLLECTOR_H
#define T5G_COLLECTOR_H

#include "store/cache.h"

enum t5g_cache_kind {
    T5G_CACHE_ENTRY,
    T5G_CACHE_TABLE,      /* a compiled tokenizer */
    T5G_CACHE_NOTE,       /* remembered identities of model files */
    T5G_CACHE_UNFINISHED, /* being written, or left by a process that died */
    T5G_CACHE_KINDS
};

struct t5g_cache_file {
    char *path;
    uint64_t size;
    int64_t mtime, mtime_ns; /* of the last use, to the hour */
    enum t5g_cache_kind kind;
};

/* Files of a cache. Zero-initialise; freed by t5g_cache_files_free. */
struct t5g_cache_files {
    struct t5g_cache_file *v; /* [n] */
    size_t n, cap;
    uint64_t bytes; /* of all except unfinished ones */
    struct {
        uint64_t files, bytes;
    } of[T5G_CACHE_KINDS];
};

/* Add each file in the cache that has the name of a cache file and, if c was opened with dir NULL,
 * the tables and notes in the default folder. 0, or -1 with e (66) if a folder cannot be read; a
 * missing one is no error. */
int t5g_cache_files_list(struct t5g_cache_files *l, const struct t5g_cache *c, struct t5g_err *e);
void t5g_cache_files_free(struct t5g_cache_files *l);
/* When the least recently used one was last used, unfinished ones aside; now if there is none. */
int64_t t5g_cache_files_oldest(const struct t5g_cache_files *l, int64_t now);

/* Whether dir, a folder without cache files, may be a cache: emptied, or not used yet. */
bool t5g_cache_may_be(const char *dir);

/* Read every entry and remove damaged ones. Returns their number; warn gets a line about each. */
size_t t5g_cache_files_check(const struct t5g_cache_files *l, void (*warn)(const char *line));

/* What is kept: at most max_size bytes, of files used within max_age seconds; and any that was used
 * within grace seconds. UINT64_MAX: no limit. */
struct t5g_cache_rules {
    uint64_t max_size, max_age, grace;
    bool dry_run; /* remove nothing */
};

struct t5g_collected {
    uint64_t files, bytes; /* removed; bytes of all except unfinished ones */
    uint64_t spared;       /* files that are kept only because of grace */
};

/*
 * Sort the files of l, the least recently used first, and remove what the rules do not keep, and
 * unfinished files that are a day old. told gets each of them, with the seconds since its last use.
 * 0, or -1 with e: 75 if another collector is running, 74 if a file cannot be removed.
 */
int t5g_cache_collect(const struct t5g_cache *c, struct t5g_cache_files *l,
                      const struct t5g_cache_rules *rules,
                      void (*told)(const struct t5g_cache_file *f, uint64_t age),
                      struct t5g_collected *out, struct t5g_err *e);

#endif
