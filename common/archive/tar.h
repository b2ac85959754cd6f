/* tar.h: write reproducible tar archives: their members, without times and owners, then a MANIFEST
 * with their number: {"members":N}. */
#ifndef T5G_TAR_H
#define T5G_TAR_H

#include "base/err.h"

#include <stddef.h>

struct t5g_tar;

/* fd stays the caller's. NULL with e (69 without libarchive, 71). */
struct t5g_tar *t5g_tar_open(int fd, struct t5g_err *e);
void t5g_tar_close(struct t5g_tar *t);

/* Add one regular file of n bytes. 0, or -1 with e (74). */
int t5g_tar_add(struct t5g_tar *t, const char *name, const void *data, size_t n, struct t5g_err *e);

/* Write the MANIFEST and the end-of-archive blocks. 0, or -1 with e (74). */
int t5g_tar_finish(struct t5g_tar *t, struct t5g_err *e);

#endif
