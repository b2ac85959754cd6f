/* tarread.h: the files of a tar archive, including hard links to other files. */
#ifndef T5G_TARREAD_H
#define T5G_TARREAD_H

#include "archive/untar.h"

struct t5g_tarread;

/* Bytes that holes and hard links may always add; above that, up to 1000 times the archive size. */
enum { T5G_TARREAD_GROWTH = 16 << 20 };

/*
 * Read the archive fd, a regular file at its start, or if fd is -1 the bytes from fill. A file can
 * be read twice, so every hard link gets its target's bytes. From fill, only the last 64 MiB are
 * kept for that, and no member over 16 MiB.
 */
struct t5g_tarread *t5g_tarread_open(int fd, t5g_untar_fill *fill, void *arg);
void t5g_tarread_close(struct t5g_tarread *t);

/* As t5g_untar_next, but without folders, and with hard links as files. packed: compressed bytes
 * read so far, 0 if the archive is not compressed. */
int t5g_tarread_next(struct t5g_tarread *t, uint64_t packed, struct t5g_untar_member *m,
                     struct t5g_err *e);

/* As t5g_untar_read. Returns 1 also when the target of a hard link is not available, or when holes
 * and links exceed the limit above. */
int t5g_tarread_read(struct t5g_tarread *t, void *buf, size_t n, size_t *got, struct t5g_err *e);

const char *t5g_tarread_warning(const struct t5g_tarread *t);

#endif
