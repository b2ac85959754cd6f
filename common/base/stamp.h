/* stamp.h: remember what was computed from files as long as they do not change. */
#ifndef T5G_STAMP_H
#define T5G_STAMP_H

#include "base/err.h"

/* A file's state; two states are equal only if the file was not written in between. */
struct t5g_stamp {
    uint64_t dev, ino, size;
    int64_t mtime_s, mtime_ns, ctime_s, ctime_ns;
};

/* The state of the file at path, links followed. 0, or -1 with e (66, 77, 74). */
int t5g_stamp_of(const char *path, struct t5g_stamp *s, struct t5g_err *e);

/*
 * The text remembered under kind ("model") for exactly these n states, NUL-terminated in out[size];
 * false when there is none. It is kept in a file of the cache folder, with a hash.
 */
bool t5g_stamp_get(const char *kind, const struct t5g_stamp *s, size_t n, char *out, size_t size);

/*
 * Remember text. Does nothing if a file was written less than 2 s ago, since another write within
 * the same clock tick would not show. Failure to write is ignored: it is only a cache.
 */
void t5g_stamp_put(const char *kind, const struct t5g_stamp *s, size_t n, const char *text);

#endif
