/* untar.h: the members of a tar archive, read sequentially: v7, ustar, GNU (long names, sparse
 * files) and pax (extended headers, sparse files of GNU 0.0, 0.1 and 1.0). */
#ifndef T5G_UNTAR_H
#define T5G_UNTAR_H

#include "base/err.h"
#include "base/mem.h"

struct t5g_untar;

/* The next bytes of the archive, valid until the next call; *n = 0 at its end. */
typedef int t5g_untar_fill(void *arg, const void **p, size_t *n, struct t5g_err *e);

/* Skip n bytes after those that fill last gave; *done: how many, fewer at the end of the archive.
 * NULL where skipping is not faster than reading. */
typedef int t5g_untar_skip(void *arg, uint64_t n, uint64_t *done, struct t5g_err *e);

enum t5g_untar_type {
    T5G_UNTAR_FILE,
    T5G_UNTAR_LINK, /* a hard link to an earlier member, without bytes of its own */
    T5G_UNTAR_FOLDER,
    T5G_UNTAR_OTHER,
};

/* Valid until the next call of t5g_untar_next. */
struct t5g_untar_member {
    enum t5g_untar_type type;
    const char *kind; /* of T5G_UNTAR_OTHER, for messages: "a symbolic link" */
    const char *name; /* raw bytes, NUL-terminated */
    const char *link; /* of T5G_UNTAR_LINK */
    uint64_t at;      /* offset in the archive of its first header */
    uint64_t size;    /* of the file */
    uint64_t holes;   /* bytes of the file that are not stored: zeros */
};

/* arg is passed to fill and skip. */
struct t5g_untar *t5g_untar_open(t5g_untar_fill *fill, t5g_untar_skip *skip, void *arg);
void t5g_untar_close(struct t5g_untar *t);

/*
 * The next member, skipping the rest of this one. 1, 0 after the last, -1 with e (65: "damaged: ...
 * at byte N", "cut: ..."; and the errors of fill). Another archive may follow end-of-archive
 * blocks; without such a block the archive counts as truncated. After the last, see
 * t5g_untar_warning.
 */
int t5g_untar_next(struct t5g_untar *t, struct t5g_untar_member *m, struct t5g_err *e);

/* Bytes of the member, at most n; *got = 0 at its end. 0, 1 with e (65) if its map of holes is
 * invalid, -1 with e. */
int t5g_untar_read(struct t5g_untar *t, void *buf, size_t n, size_t *got, struct t5g_err *e);

uint64_t t5g_untar_at(const struct t5g_untar *t); /* bytes of the archive read so far */

/* A warning about the end of the archive, or NULL. */
const char *t5g_untar_warning(const struct t5g_untar *t);

/* Whether the 512 bytes at p are a tar header, by their checksum. */
bool t5g_untar_is_header(const unsigned char *p);

/* name without leading "./", for comparing a link with its target. */
const char *t5g_untar_plain_name(const char *name);

#endif
