/*
 * packed.h: a model in one file, which is a segment of a t5g-stream(5) stream with one document:
 * TEXT frames with the directory's JSON files by name, the tokenizer's table, and a TENSOR frame
 * for each weight. Everything is used in place in the mapping.
 */
#ifndef T5G_PACKED_H
#define T5G_PACKED_H

#include "base/io.h"
#include "model/safetensors.h"
#include "stream/frame.h"
#include "stream/parts.h"

#define T5G_PACKED_TOKENIZER "tokenizer.table" /* name of the u8 tensor with a struct t5g_table */

/* Whether path is a packed model: 1 if a regular file, 0 if a directory; -1 with e if it does not
 * exist. */
int t5g_is_packed(const char *path, struct t5g_err *e);

/*
 * As t5g_safetensors_parse: every weight as a tensor, quantised ones with their logical shape and
 * with a quantised dtype, group, scales and zeros. fd: the file that p [size] is the mapping of,
 * which is faster than the mapping for a look here and there; -1: there is none.
 */
int t5g_packed_tensors(const unsigned char *p, size_t size, const char *path, int fd,
                       int (*add)(void *arg, const struct t5g_tensor *t, struct t5g_err *e),
                       void *arg, struct t5g_err *e);

/* Identities and numeric profile that HEAD names, which are those of the source. num holds 64
 * bytes. -1 with e (65), also if an earlier version wrote the file. */
int t5g_packed_identity(const unsigned char *p, size_t size, const char *path,
                        struct t5g_parts *parts, char *num, struct t5g_err *e);

/*
 * Append a small file of a model, then a NUL, to b: MODEL/name of a directory, or the TEXT frame of
 * that name in a packed file. 0, or -1 with e: 66 if there is no such file.
 */
int t5g_model_text(const char *model, const char *name, size_t limit, struct t5g_buf *b,
                   struct t5g_err *e);
/* The same for an optional file: 1, or 0 if there is none, or -1 with e. */
int t5g_model_optional(const char *model, const char *name, size_t limit, struct t5g_buf *b,
                       struct t5g_err *e);

/*
 * Map the packed file and find its tokenizer's table: *block [*n] inside *m, which the caller
 * unmaps. 1, or 0 if it has none (*m is unmapped), or -1 with e.
 */
int t5g_packed_table(const char *path, struct t5g_map *m, const void **block, uint64_t *n,
                     struct t5g_err *e);

#endif
