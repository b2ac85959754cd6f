/* libarchive.h: the part of libarchive in use. It is loaded when first needed: linked normally,
 * libarchive and its libraries (XML, cryptography) would add 1.6 ms to the start of every program.
 */
#ifndef T5G_LIBARCHIVE_H
#define T5G_LIBARCHIVE_H

#include "base/err.h"

/* ---- reading ---- */

struct t5g_libarchive;

/* Give the next *n bytes of the input at *p, valid until the next call; *n = 0 at its end. 0, or -1
 * with e. */
typedef int t5g_libarchive_fill(void *arg, const void **p, size_t *n, struct t5g_err *e);

/*
 * Decompress bzip2, xz, zstd or lz4. NULL with e (65, also if the input is compressed more than
 * once; 69 without libarchive, 71, and the errors of fill).
 */
struct t5g_libarchive *t5g_libarchive_decompress(t5g_libarchive_fill *fill, void *arg,
                                                 struct t5g_err *e);

/* Read a zip archive, or else a 7z archive: fd is a regular file at its start. NULL with e (65, 69,
 * 71). */
struct t5g_libarchive *t5g_libarchive_open(int fd, bool zip, struct t5g_err *e);
void t5g_libarchive_close(struct t5g_libarchive *a);

/* Compressed bytes that the decompressor has used. */
uint64_t t5g_libarchive_used(const struct t5g_libarchive *a);

enum t5g_libarchive_type {
    T5G_LIBARCHIVE_FILE,
    T5G_LIBARCHIVE_FOLDER,
    T5G_LIBARCHIVE_LINK, /* a symbolic link */
    T5G_LIBARCHIVE_OTHER,
};

/* The next member of an archive: 1, 0 after the last, -1 with e (65). *name is valid until the next
 * call; NULL if it cannot be converted to UTF-8. */
int t5g_libarchive_next(struct t5g_libarchive *a, const char **name, enum t5g_libarchive_type *type,
                        struct t5g_err *e);

/*
 * Some bytes of the decompressed file or the current member, at most n; *got = 0 at its end. 0; 1
 * with e (65): this member cannot be read, but others can; -1 with e (65, and the errors of fill).
 */
int t5g_libarchive_read(struct t5g_libarchive *a, void *buf, size_t n, size_t *got,
                        struct t5g_err *e);

/* ---- writing a tar ---- */

struct t5g_libarchive_tar;

/* fd stays the caller's. NULL with e (69, 71). */
struct t5g_libarchive_tar *t5g_libarchive_tar_open(int fd, struct t5g_err *e);
void t5g_libarchive_tar_close(struct t5g_libarchive_tar *t);

/* Add a regular file of n bytes, without time and owner. 0, or -1 with e (74). */
int t5g_libarchive_tar_add(struct t5g_libarchive_tar *t, const char *name, const void *data,
                           size_t n, struct t5g_err *e);

/* Write the end-of-archive blocks. 0, or -1 with e (74). */
int t5g_libarchive_tar_end(struct t5g_libarchive_tar *t, struct t5g_err *e);

#endif
