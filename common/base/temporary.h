/*
 * temporary.h: files and folders that appear whole or not at all: made under a temporary name
 * beside their place, renamed when they are complete, removed when the process ends before.
 */
#ifndef T5G_TEMPORARY_H
#define T5G_TEMPORARY_H

#include "base/err.h"

#include <sys/types.h>

struct t5g_temporary;

/*
 * A new file PATH.XXXXXX (a long PATH is cut before the dot, so that any name that may be given to
 * a file works) with that mode, open for reading and writing. Its descriptor, and in *t what stands
 * for it; -1 with e (73, 77), *t as it was. The caller closes the descriptor and ends with
 * t5g_temporary_rename or t5g_temporary_remove, which free t.
 */
int t5g_temporary_open(struct t5g_temporary **t, const char *path, mode_t mode, struct t5g_err *e);

/* The same under exactly this name, which must not exist. */
int t5g_temporary_exact(struct t5g_temporary **t, const char *name, mode_t mode, struct t5g_err *e);

/* A new folder PATH.XXXXXX for files only. NULL with e (73, 77). */
struct t5g_temporary *t5g_temporary_folder(const char *path, mode_t mode, struct t5g_err *e);

/* Its name at present; valid as long as t. */
const char *t5g_temporary_name(const struct t5g_temporary *t);

/* Rename to path, replacing what is there. 0; -1 with e (73, 77), and it is removed. */
int t5g_temporary_rename(struct t5g_temporary *t, const char *path, struct t5g_err *e);
void t5g_temporary_remove(struct t5g_temporary *t); /* NULL is allowed */

/* Remove all that are neither renamed nor removed. exit() does it; signal handlers may. */
void t5g_temporary_remove_all(void);

#endif
