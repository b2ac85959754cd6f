/* zipmap.h: the members of a zip archive that is mapped, used in place. */
#ifndef T5G_ZIPMAP_H
#define T5G_ZIPMAP_H

#include "base/err.h"

/* A member; its bytes and its name lie in the mapping. */
struct t5g_zip_member {
    const char *name; /* [name_len], no NUL */
    size_t name_len;
    const unsigned char *data; /* [size], any alignment */
    uint64_t size;
    uint32_t crc; /* as the archive says; not checked */
};

/* Zero-initialise. */
struct t5g_zipmap {
    struct t5g_zip_member *v; /* [n], by name */
    size_t n;
    const char *first; /* [first_len]: name of the member that the archive lists first */
    size_t first_len;
};

/*
 * The members of the archive p [size], from its central directory; zip64 too. Stricter than readers
 * that repair: one part, no comment, nothing between the directory and its end records; every
 * member stored as it is, its local header with the same name, inside the file, no name twice. 0,
 * or -1 with e (65) without the file's name. Freed by t5g_zipmap_free in both cases.
 */
int t5g_zipmap_read(struct t5g_zipmap *z, const unsigned char *p, size_t size, struct t5g_err *e);

/* The member name [n]; NULL if there is none. */
const struct t5g_zip_member *t5g_zipmap_find(const struct t5g_zipmap *z, const char *name,
                                             size_t n);
void t5g_zipmap_free(struct t5g_zipmap *z);

#endif
