/* io.h: whole reads, whole writes, whole files. EINTR and EAGAIN are handled inside. */
#ifndef T5G_IO_H
#define T5G_IO_H

#include "base/err.h"
#include "base/map.h"
#include "base/mem.h"

/*
 * Read until n bytes or end of file. *got says how many; less than n only at end of file.
 * 0, or -1 with e (74), naming `name`.
 */
int t5g_read_full(int fd, const char *name, void *buf, size_t n, size_t *got, struct t5g_err *e);

/*
 * Read what is there, at most n bytes, at least one unless at end of file (*got = 0).
 * For programs that answer as input comes.
 */
int t5g_read_some(int fd, const char *name, void *buf, size_t n, size_t *got, struct t5g_err *e);

/*
 * fn is called before every t5g_read_some, with its descriptor: a program that holds back output
 * writes it when t5g_would_block says so. One for the process; NULL: none.
 */
void t5g_before_reading(void (*fn)(int fd, void *arg), void *arg);
bool t5g_would_block(int fd); /* nothing to read, and no end of file */

/*
 * Write all n bytes. 0, or -1 with e (74). A closed pipe ends the process by SIGPIPE, as for any
 * filter, also where the parent had the signal ignored.
 */
int t5g_write_full(int fd, const char *name, const void *buf, size_t n, struct t5g_err *e);

/* Append everything up to end of file to b. -1 with e (65) when that is more than limit bytes. */
int t5g_read_all(int fd, const char *name, size_t limit, struct t5g_buf *b, struct t5g_err *e);

/* Open, read whole, close. A directory is an error (66). */
int t5g_read_file(const char *path, size_t limit, struct t5g_buf *b, struct t5g_err *e);

/* The same, of what has to be a regular file: a FIFO or a device is an error (66), not waited for.
 */
int t5g_read_regular(const char *path, size_t limit, struct t5g_buf *b, struct t5g_err *e);

/*
 * Write path so that it appears whole or not at all: temporary file in its directory, then rename.
 * For caches: 0, or -1 with e. Missing parent directories are made (0700).
 */
int t5g_write_file(const char *path, const void *buf, size_t n, struct t5g_err *e);

#endif
