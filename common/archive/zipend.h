/* zipend.h: the end of a zip archive, which has the number of its members. */
#ifndef T5G_ZIPEND_H
#define T5G_ZIPEND_H

#include "base/err.h"

/*
 * The number of members that the end of the zip fd (a regular file of size bytes) tells; *wide:
 * all bits of it are there, not the last 16 alone. 0, or -1 with e (65: there is no such end, or it
 * is that of a part; 74).
 */
int t5g_zipend_count(int fd, uint64_t size, uint64_t *count, bool *wide, struct t5g_err *e);

#endif
