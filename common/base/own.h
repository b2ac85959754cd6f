/* own.h: files that decide results without being named by anybody: those of caches. Only what this
 * user or root wrote is used, where nobody else can put things. */
#ifndef T5G_OWN_H
#define T5G_OWN_H

#include "base/io.h"

/*
 * Open a regular file for reading; returns the descriptor. It belongs to the effective user or to
 * root, not everybody may write to it, and its folder is one of t5g_own_folder. -1 with e: 66 where
 * there is none, 65 where something else stands there (a symbolic link, which is not followed, a
 * FIFO, which is not waited for), 77 where the rest does not hold.
 */
int t5g_own_open(const char *path, struct t5g_err *e);

/*
 * The folder belongs to the effective user or to root, and not everybody may put files there (or
 * all may, but not replace those of others: mode 1777). follow: it may be a symbolic link. 0, or
 * -1 with e: 66 where there is none, 77.
 */
int t5g_own_folder(const char *path, bool follow, struct t5g_err *e);

/*
 * As t5g_map_file, t5g_read_file and t5g_write_file, for such files. What is refused for its owner
 * is said once through the function below, besides in e: their callers go on without.
 */
int t5g_own_map(const char *path, struct t5g_map *m, struct t5g_err *e);
int t5g_own_read(const char *path, size_t limit, struct t5g_buf *b, struct t5g_err *e);
int t5g_own_write(const char *path, const void *buf, size_t n, struct t5g_err *e);

/* fn gets a line; NULL: nobody is told. One for the process. */
void t5g_own_warn(void (*fn)(const char *line));

#endif
