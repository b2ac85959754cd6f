/* io.h: whole reads, whole writes, whole files, mappings. EINTR and EAGAIN are handled inside. */
#ifndef T5G_IO_H
#define T5G_IO_H

#include "base/mem.h"
#include "base/err.h"

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

/* A file mapped read-only. An empty file gives size 0 and a valid pointer. */
struct t5g_map {
    const unsigned char *p;
    size_t size;
};

/* Of a regular file; anything else is an error (66), and a FIFO is not waited for. */
int t5g_map_file(const char *path, struct t5g_map *m, struct t5g_err *e);
/*
 * The same for a file that need not be there: 1, or 0 when there is no such name, or -1 with e.
 * A name that is there and cannot be opened, whatever the reason, is an error.
 */
int t5g_map_optional(const char *path, struct t5g_map *m, struct t5g_err *e);
/* There is such a name: 1 (a link that leads nowhere is one), 0; -1 with e when it cannot be said.
 */
int t5g_is_there(const char *path, struct t5g_err *e);
int t5g_map_fd(int fd, const char *name, struct t5g_map *m, struct t5g_err *e); /* regular file */
void t5g_unmap(struct t5g_map *m);

/*
 * Write path so that it appears whole or not at all: temporary file in its directory, then rename.
 * For caches: 0, or -1 with e. Missing parent directories are made (0700).
 */
int t5g_write_file(const char *path, const void *buf, size_t n, struct t5g_err *e);

#endif
