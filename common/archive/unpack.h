/* unpack.h: the bytes of a file, decompressed if it is compressed, or its members if it is an
 * archive. */
#ifndef T5G_UNPACK_H
#define T5G_UNPACK_H

#include "base/err.h"
#include "base/mem.h"

struct t5g_unpack;

enum { T5G_UNPACK_NAME_MAX = 4096 };

/* A regular file in an archive. Valid until the next call of t5g_unpack_next. */
struct t5g_member {
    const char *name; /* UTF-8; if it is not, bytes from 0x80 on are written as %XX */
    size_t name_len;
    bool cut; /* the name was truncated to T5G_UNPACK_NAME_MAX bytes */
};

/*
 * Read fd, which the caller keeps open until close, from its current offset. The first bytes
 * decide: gzip, bzip2, xz, zstd and lz4 are decompressed; tar (compressed or not), zip and 7z are
 * archives; everything else is passed on as it arrives, without waiting for more than the caller
 * asks for. A zip or 7z must be a regular file. NULL with e (65, 69 without libarchive or zlib, 71,
 * 74); messages do not name the file.
 */
struct t5g_unpack *t5g_unpack_open(int fd, struct t5g_err *e);
void t5g_unpack_close(struct t5g_unpack *u);

bool t5g_unpack_is_archive(const struct t5g_unpack *u);
bool t5g_unpack_is_plain(const struct t5g_unpack *u); /* neither an archive nor compressed */

/* The unsupported format that the first bytes show, such as "a cpio archive"; or NULL. */
const char *t5g_unpack_foreign(const struct t5g_unpack *u);

/* Called with a skipped member and the reason, or with NULL and a warning about the archive. */
typedef void t5g_unpack_note(void *arg, const char *member, const char *what);
void t5g_unpack_set_note(struct t5g_unpack *u, t5g_unpack_note *note, void *arg);

/* Whether the first n bytes of a file show that it is compressed or an archive. */
bool t5g_unpack_known(const void *p, size_t n);

/*
 * Archives: the next regular file. The rest of the current one, folders and (with a note) members
 * of other types are skipped. 1, 0 after the last, -1 with e (65 damaged or truncated, 74).
 *
 * - A tar must end with an end-of-archive block; several concatenated tars count as one. Hard links
 *   are files with the bytes of their targets.
 * - A zip must have as many members as its central directory says.
 * - A member MANIFEST is not returned: that of t5g_tar_finish is checked, any other is skipped.
 */
int t5g_unpack_next(struct t5g_unpack *u, struct t5g_member *m, struct t5g_err *e);

/*
 * Some bytes of the file or of the current member: one to n bytes, *got = 0 at its end. Returns
 *
 * - 0: success
 * - 1 with e (65): this member cannot be read (encrypted, wrong checksum, a link whose target is
 *   missing); others can
 * - -1 with e: as above
 */
int t5g_unpack_read(struct t5g_unpack *u, void *buf, size_t n, size_t *got, struct t5g_err *e);

/* Append the rest to b. As above; 1 with e (65) also when that is more than limit bytes. */
int t5g_unpack_read_all(struct t5g_unpack *u, size_t limit, struct t5g_buf *b, struct t5g_err *e);

#endif
