/* unpack.h: the bytes of a file, decompressed where it is compressed, or its members where it is an
 * archive. */
#ifndef T5G_UNPACK_H
#define T5G_UNPACK_H

#include "base/err.h"
#include "base/mem.h"

struct t5g_unpack;

enum { T5G_UNPACK_NAME_MAX = 4096 };

/* A regular file in an archive. Valid until the next call of t5g_unpack_next. */
struct t5g_member {
    const char *name; /* UTF-8; bytes that are not are written as %XX */
    size_t name_len;
    bool cut; /* the name is longer than T5G_UNPACK_NAME_MAX: that much of it is here */
};

/*
 * Read fd (kept open by the caller and alive until close) from where it stands. What the file is
 * told by its first bytes alone: gzip, bzip2, xz, zstd, lz4 are decompressed; tar (compressed or
 * not), zip and 7z are archives; all else is handed on as it comes, and nothing waits for more of
 * it than the caller asks for. A zip and a 7z must be regular files. NULL with e (65, 69 without
 * libarchive or zlib, 74); no message here names the file.
 */
struct t5g_unpack *t5g_unpack_open(int fd, struct t5g_err *e);
void t5g_unpack_close(struct t5g_unpack *u);

bool t5g_unpack_is_archive(const struct t5g_unpack *u);
bool t5g_unpack_is_plain(const struct t5g_unpack *u); /* neither an archive nor compressed */

/* What it is where it is neither text nor read here, by its first bytes: "a cpio archive"; or NULL.
 */
const char *t5g_unpack_foreign(const struct t5g_unpack *u);

/* Called with a member that is passed over and why, or with NULL and what is odd about the
 * archive. */
typedef void t5g_unpack_note(void *arg, const char *member, const char *what);
void t5g_unpack_set_note(struct t5g_unpack *u, t5g_unpack_note *note, void *arg);

/* [n] bytes at the start of a file are those of a compressed file or an archive. */
bool t5g_unpack_known(const void *p, size_t n);

/*
 * Archives: the next regular file, skipping what is left of this one, folders, symbolic links and
 * devices (these two are noted). 1, 0 after the last, -1 with e: 65 damaged or
 * cut, 74. A tar must end in an end-of-archive block; several tars one after another are one. Its
 * hard links are files with their target's bytes. A zip must have as many members as its list says.
 * A member MANIFEST is not handed out: that of t5g_tar_finish is checked, another one skipped.
 */
int t5g_unpack_next(struct t5g_unpack *u, struct t5g_member *m, struct t5g_err *e);

/*
 * Some bytes of the file, or of the member: at least one and at most n, *got = 0 at its end.
 *   0  well
 *   1  e (65): this member cannot be read (encrypted, wrong checksum, a link to what is not there);
 * others can -1  e: as above
 */
int t5g_unpack_read(struct t5g_unpack *u, void *buf, size_t n, size_t *got, struct t5g_err *e);

/* Append all that is left to b; 1 with e (65) too when that is more than limit bytes. */
int t5g_unpack_read_all(struct t5g_unpack *u, size_t limit, struct t5g_buf *b, struct t5g_err *e);

#endif
