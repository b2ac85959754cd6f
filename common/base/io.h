/* io.h: whole reads, whole writes, whole files. EINTR and EAGAIN are handled inside. */
#ifndef T5G_IO_H
#define T5G_IO_H

#include "base/err.h"
#include "base/map.h"
#include "base/mem.h"

/*
 * Read n bytes; *got is less than n only at end of file. 0, or -1 with e (74; 66 for a directory),
 * naming `name`.
 */
int t5g_read_full(int fd, const char *name, void *buf, size_t n, size_t *got, struct t5g_err *e);

/*
 * Read what is available: from one to n bytes, or *got = 0 at end of file. For programs that answer
 * while input arrives. Errors as above.
 */
int t5g_read_some(int fd, const char *name, void *buf, size_t n, size_t *got, struct t5g_err *e);

/*
 * Call fn before every t5g_read_some, with its descriptor, so that a program can write output it
 * has held back when t5g_would_block is true. One per process; NULL: none.
 */
void t5g_before_reading(void (*fn)(int fd, void *arg), void *arg);
bool t5g_would_block(int fd); /* no data yet, and no end of file */

/*
 * Write all n bytes. 0, or -1 with e (74). A closed pipe ends the process by SIGPIPE, as in any
 * filter, even if the parent process ignored that signal.
 */
int t5g_write_full(int fd, const char *name, const void *buf, size_t n, struct t5g_err *e);

/* Append everything up to end of file to b. -1 with e as above, or 65 for more than limit bytes. */
int t5g_read_all(int fd, const char *name, size_t limit, struct t5g_buf *b, struct t5g_err *e);

/* Append the whole file. A directory is an error (66). */
int t5g_read_file(const char *path, size_t limit, struct t5g_buf *b, struct t5g_err *e);

/*
 * Call fn after every t5g_read_file and t5g_read_input with its path and the bytes p [n] that it
 * read, for who needs to know what was in a file that cannot be read twice. One per process; NULL:
 * none.
 */
void t5g_after_reading(void (*fn)(const char *path, const void *p, size_t n));

/* t5g_read_file of what an option names: "-" is standard input, called stdin in messages. */
int t5g_read_input(const char *path, size_t limit, struct t5g_buf *b, struct t5g_err *e);
const char *t5g_input_name(const char *path);

/* The same for a regular file only: a FIFO or a device is an error (66), without waiting for it. */
int t5g_read_regular(const char *path, size_t limit, struct t5g_buf *b, struct t5g_err *e);

/*
 * Write a file that appears whole or not at all (a temporary file in its folder, then a rename).
 * For caches: mode 0600, and missing parent folders are created (0700). 0, or -1 with e.
 */
int t5g_write_file(const char *path, const void *buf, size_t n, struct t5g_err *e);

#endif
