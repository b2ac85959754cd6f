/* output.h: where a program writes: stdout, or a file that appears whole or not at all. */
#ifndef T5G_OUTPUT_H
#define T5G_OUTPUT_H

#include "base/err.h"

/*
 * Open the destination and return its descriptor; there is one per process. path NULL: stdout. A
 * path that is a regular file or does not exist is written under a temporary name beside it
 * (symbolic links are followed); anything else (/dev/null, a FIFO) is written in place. frames:
 * refuse a terminal (64). -1 with e (73, 77).
 */
int t5g_output_open(const char *path, bool frames, struct t5g_err *e);

/* Name of the output in messages: the path, or "stdout". */
const char *t5g_output_name(void);

/* Flush to disk, check close, rename into place. 0 or -1 with e (74). */
int t5g_output_commit(struct t5g_err *e);

/* Remove what was not committed (exit and signals do it too). */
void t5g_output_discard(void);

/* Name of the FILE that does not appear because the run did not complete; NULL: there is none. */
const char *t5g_output_unfinished(void);

#endif
