/* reader.h: the frames of a stream in order, each verified before it is returned. */
#ifndef T5G_READER_H
#define T5G_READER_H

#include "stream/frame.h"

struct t5g_reader;

/*
 * Read from fd, which t5g_reader_close closes if `own`. A regular file is mapped and its payloads
 * are used in place; a pipe is read frame by frame, and the payload buffer grows as bytes arrive.
 * Compressed input is decompressed, and the members *.t5g of an archive are read in order (see
 * unpack.h). name: for messages. max_frame: see T5G_FRAME_SIZE_DEFAULT.
 */
struct t5g_reader *t5g_reader_open_fd(int fd, bool own, const char *name, uint64_t max_frame);

/* path "-" is stdin. NULL with e (66, 77, ...). */
struct t5g_reader *t5g_reader_open(const char *path, uint64_t max_frame, struct t5g_err *e);
void t5g_reader_close(struct t5g_reader *r);

/*
 * The next frame, with header hash, payload hash, grammar (HEAD DOC items CLOSE|ERROR END) and
 * doc_key checked, and at END also chain, counts and length. Returns
 *
 * - 1: a frame, valid until the next call (its payload, in a mapped file: until close)
 * - 0: end of input, after at least one whole segment
 * - -1 with e: 65 damaged or foreign, 76 empty or truncated ("unexpected end of stream after frame
 *   12 (encoder.out)"), 74 read error
 *
 * An END with a status is returned as a frame like any other; t5g_source acts on it.
 */
int t5g_reader_next(struct t5g_reader *r, struct t5g_frame *f, struct t5g_err *e);

/*
 * Keep the payload of the frame just returned beyond the next call: *owned gets the buffer
 * (t5g_free), or NULL for a mapped file, whose payloads stay valid until close.
 */
void t5g_reader_keep(struct t5g_reader *r, void **owned);

/*
 * Set a function that readers call with each skipped member of an archive and the reason, or with
 * member NULL and a warning about the archive. One per process; NULL: none.
 */
typedef void t5g_reader_note(const char *stream, const char *member, const char *what);
void t5g_reader_notes(t5g_reader_note *fn);

const char *t5g_reader_name(const struct t5g_reader *r);
bool t5g_reader_mapped(const struct t5g_reader *r);

/* Whether at least a part of the next frame, or the end of input, can be read without waiting. */
bool t5g_reader_ready(const struct t5g_reader *r);

#endif
