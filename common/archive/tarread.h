/* tarread.h: the files of a tar archive, those too that are hard links to others. */
#ifndef T5G_TARREAD_H
#define T5G_TARREAD_H

#include "archive/untar.h"

struct t5g_tarread;

/* Bytes that holes and hard links may add to an archive's own, beyond which 1000 times its size is
 * the limit. */
enum { T5G_TARREAD_GROWTH = 16 << 20 };

/*
 * The archive fd, a regular file from its start; or with fd -1 what fill gives. A file can be read
 * twice, so every hard link has its target's bytes; of what comes by fill the last 64 MiB are kept
 * for that, members of 16 MiB at most.
 */
struct t5g_tarread *t5g_tarread_open(int fd, t5g_untar_fill *fill, void *arg);
void t5g_tarread_close(struct t5g_tarread *t);

/* As t5g_untar_next, but without folders, and with files for hard links. packed: bytes from which
 * those of the archive so far were decompressed, 0 when they were not. */
int t5g_tarread_next(struct t5g_tarread *t, uint64_t packed, struct t5g_untar_member *m,
                     struct t5g_err *e);

/* As t5g_untar_read. 1 also: the target of a hard link is not at hand; holes and links would make
 * more than 1000 times of the archive. */
int t5g_tarread_read(struct t5g_tarread *t, void *buf, size_t n, size_t *got, struct t5g_err *e);

const char *t5g_tarread_warning(const struct t5g_tarread *t);

#endif
