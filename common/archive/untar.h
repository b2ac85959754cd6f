/* untar.h: members of a tar archive, from bytes that come in order: v7, ustar, GNU (long names,
 * sparse files) and pax (extended headers, sparse files of GNU 0.0, 0.1 and 1.0). */
#ifndef T5G_UNTAR_H
#define T5G_UNTAR_H

#include "base/err.h"
#include "base/mem.h"

struct t5g_untar;

/* Some bytes of the archive, good until the next call; *n = 0 at its end. */
typedef int t5g_untar_fill(void *arg, const void **p, size_t *n, struct t5g_err *e);

/* Pass over up to n bytes behind those that fill gave last; *done: so many, fewer at the end of the
 * archive. NULL where that is no easier than to read them. */
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
    const char *name; /* bytes as they are, without NUL */
    const char *link; /* of T5G_UNTAR_LINK */
    uint64_t at;      /* byte of the archive where its first header begins */
    uint64_t size;    /* of the file */
    uint64_t holes;   /* bytes of those that are not in the archive, being zeros */
};

/* arg is that of fill and skip. */
struct t5g_untar *t5g_untar_open(t5g_untar_fill *fill, t5g_untar_skip *skip, void *arg);
void t5g_untar_close(struct t5g_untar *t);

/*
 * The next member, skipping what is left of this one. 1, 0 after the last, -1 with e (65: "damaged:
 * ... at byte N", "cut: ..."; and that of fill). End-of-archive blocks may be followed by another
 * archive; without any the archive counts as cut. At its end t5g_untar_warning may have something.
 */
int t5g_untar_next(struct t5g_untar *t, struct t5g_untar_member *m, struct t5g_err *e);

/* Bytes of the member, at most n; *got = 0 at its end. 0, 1 with e (65): its map of holes makes no
 * sense, -1 with e. */
int t5g_untar_read(struct t5g_untar *t, void *buf, size_t n, size_t *got, struct t5g_err *e);

uint64_t t5g_untar_at(const struct t5g_untar *t); /* bytes of the archive taken so far */

/* What was odd about the end of the archive, or NULL. */
const char *t5g_untar_warning(const struct t5g_untar *t);

/* The [512] bytes are a header of a tar, by its checksum. */
bool t5g_untar_is_header(const unsigned char *p);

/* name without "./" before it, by which a link names its target. */
const char *t5g_untar_plain_name(const char *name);

#endif
