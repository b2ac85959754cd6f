/* container.h: how a file is packed, judged by its first bytes or by its name. */
#ifndef T5G_CONTAINER_H
#define T5G_CONTAINER_H

#include <stdbool.h>
#include <stddef.h>

enum t5g_packing {
    T5G_PLAIN,
    T5G_GZIP,
    T5G_COMPRESSED, /* bzip2, xz, zstd, lz4 */
    T5G_SKIPPABLE,  /* zstd or lz4, beginning with a skippable frame */
    T5G_TAR,
    T5G_TAR_DAMAGED, /* a tar header with a wrong checksum */
    T5G_ZIP,
    T5G_SEVEN,
};

enum { T5G_PACKING_LOOK = 1024 }; /* bytes to look at */

/* The packing of a file by its first n bytes: the whole file, or at least T5G_PACKING_LOOK. */
enum t5g_packing t5g_packing_of(const unsigned char *p, size_t n);

/* Whether it is T5G_GZIP, T5G_COMPRESSED or T5G_SKIPPABLE. */
bool t5g_packing_compressed(enum t5g_packing what);

/* Whether the n bytes begin with the magic number of a skippable frame. */
bool t5g_packing_skippable(const unsigned char *p, size_t n);

/* The name, with article, of an unsupported archive or compression format; NULL: none known. */
const char *t5g_packing_foreign(const unsigned char *p, size_t n);

/* Whether the n bytes may be an incomplete magic number of a compressed file. */
bool t5g_packing_begun(const unsigned char *p, size_t n);

/* The packing by the file's name: T5G_TAR for every archive, T5G_COMPRESSED, or T5G_PLAIN. */
enum t5g_packing t5g_packing_named(const char *name);

#endif
