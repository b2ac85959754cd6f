/* container.h: what a file is packed with, by its first bytes and by its name. */
#ifndef T5G_CONTAINER_H
#define T5G_CONTAINER_H

#include <stdbool.h>
#include <stddef.h>

enum t5g_packing {
    T5G_PLAIN,
    T5G_GZIP,
    T5G_COMPRESSED, /* bzip2, xz, zstd, lz4 */
    T5G_SKIPPABLE,  /* zstd or lz4, beginning with a frame without data */
    T5G_TAR,
    T5G_TAR_DAMAGED, /* a header of a tar, but with another checksum */
    T5G_ZIP,
    T5G_SEVEN,
};

enum { T5G_PACKING_LOOK = 1024 }; /* first bytes that tell */

/* What a file is that begins with these [n] bytes, all of it or T5G_PACKING_LOOK. */
enum t5g_packing t5g_packing_of(const unsigned char *p, size_t n);

/* T5G_GZIP, T5G_COMPRESSED or T5G_SKIPPABLE. */
bool t5g_packing_compressed(enum t5g_packing what);

/* [n] bytes begin with the magic number of a skippable frame. */
bool t5g_packing_skippable(const unsigned char *p, size_t n);

/* The name of another archive or compression that begins so, with its article; NULL: of none. */
const char *t5g_packing_foreign(const unsigned char *p, size_t n);

/* [n] bytes may be the beginning of a compressed file's magic number. */
bool t5g_packing_begun(const unsigned char *p, size_t n);

/* What the name of a file promises: T5G_TAR for every archive, T5G_COMPRESSED, or T5G_PLAIN. */
enum t5g_packing t5g_packing_named(const char *name);

#endif
