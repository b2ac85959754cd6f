/* own.h: cache files, which affect results although the user does not name them. They are used only
 * if this user or root wrote them, in a folder where others cannot put files. */
#ifndef T5G_OWN_H
#define T5G_OWN_H

#include "base/io.h"

/*
 * Open a regular file for reading; returns the descriptor. The file must belong to the effective
 * user or root and not be world-writable, and its folder must satisfy t5g_own_folder. -1 with e: 66
 * if there is none, 65 if it is not a regular file (symbolic links are not followed, FIFOs not
 * waited for), 77 if it must not be used.
 */
int t5g_own_open(const char *path, struct t5g_err *e);

/*
 * Check that the folder belongs to the effective user or root, and is not world-writable unless
 * sticky (mode 1777), so that others cannot replace files. follow: it may be a symbolic link. 0, or
 * -1 with e: 66 if there is none, 77.
 */
int t5g_own_folder(const char *path, bool follow, struct t5g_err *e);

/*
 * As t5g_map_file, t5g_read_file and t5g_write_file, for such files. The first refusal (77) is also
 * reported through the function below, because callers continue without the file. e may be NULL.
 */
int t5g_own_map(const char *path, struct t5g_map *m, struct t5g_err *e);
int t5g_own_read(const char *path, size_t limit, struct t5g_buf *b, struct t5g_err *e);
int t5g_own_write(const char *path, const void *buf, size_t n, struct t5g_err *e);

/*
 * Record a use in the modification time, to the hour, for t5g-frame cache-gc. t5g_own_map and
 * t5g_own_read do it themselves; fd: from t5g_own_open.
 */
void t5g_own_used(int fd);

/* Set the function that gets that one line; NULL: none. One per process. */
void t5g_own_warn(void (*fn)(const char *line));

#endif
