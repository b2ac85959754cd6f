/*
 * temporary.h: files and folders that appear whole or not at all: created under a temporary name in
 * the same folder, renamed when complete, removed if the process ends first.
 */
#ifndef T5G_TEMPORARY_H
#define T5G_TEMPORARY_H

#include "base/err.h"

#include <sys/types.h>

struct t5g_temporary;

/*
 * Create PATH.XXXXXX (a long PATH is shortened, so that every valid file name works) with that
 * mode, open for reading and writing. Returns the descriptor, and the object in *t; -1 with e (73,
 * 77), *t unchanged. The caller closes the descriptor, then calls t5g_temporary_rename or
 * t5g_temporary_remove, which free t.
 */
int t5g_temporary_open(struct t5g_temporary **t, const char *path, mode_t mode, struct t5g_err *e);

/* The same under exactly this name, which must not exist. For writing only; the umask applies. */
int t5g_temporary_exact(struct t5g_temporary **t, const char *name, mode_t mode, struct t5g_err *e);

/* The mode that open(2) and mkdir(2) make of `mode`: without the umask. */
mode_t t5g_temporary_mode(mode_t mode);

/* Create a folder PATH.XXXXXX, to contain only files. NULL with e (73, 77). */
struct t5g_temporary *t5g_temporary_folder(const char *path, mode_t mode, struct t5g_err *e);

/* Its temporary name; valid as long as t. */
const char *t5g_temporary_name(const struct t5g_temporary *t);

/* Rename to path, replacing any existing file. 0, or -1 with e (73, 77) and the temporary removed.
 */
int t5g_temporary_rename(struct t5g_temporary *t, const char *path, struct t5g_err *e);
void t5g_temporary_remove(struct t5g_temporary *t); /* NULL is allowed */

/* Remove all that remain. exit() calls it; signal handlers may. */
void t5g_temporary_remove_all(void);

#endif
