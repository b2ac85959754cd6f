/* zipend.h: the end record of a zip archive, with the number of its members. */
#ifndef T5G_ZIPEND_H
#define T5G_ZIPEND_H

#include "base/err.h"

/*
 * The number of members in the end record of the zip fd (a regular file of size bytes); *wide: all
 * bits of it, not only the low 16. 0, or -1 with e (65 without an end record, or if the archive is
 * split into parts; 74).
 */
int t5g_zipend_count(int fd, uint64_t size, uint64_t *count, bool *wide, struct t5g_err *e);

#endif
