/* reader.h: frames of a stream in order, each verified before it is handed out. */
#ifndef T5G_READER_H
#define T5G_READER_H

#include "stream/frame.h"

struct t5g_reader;

/*
 * Read from fd (kept open by the caller; closed by t5g_reader_close when `own`). A regular file is
 * mapped and payloads are used in place; a pipe is read frame by frame, growing the payload buffer
 * by what really arrives. What is compressed is decompressed on the way, and of an archive the
 * members *.t5g are read one after another (see unpack.h). `name` is what messages call it.
 * max_frame: see T5G_FRAME_SIZE_DEFAULT.
 */
struct t5g_reader *t5g_reader_open_fd(int fd, bool own, const char *name, uint64_t max_frame);

/* path "-" is stdin. NULL with e (66, 77, ...). */
struct t5g_reader *t5g_reader_open(const char *path, uint64_t max_frame, struct t5g_err *e);
void t5g_reader_close(struct t5g_reader *r);

/*
 * The next frame, header hash, payload hash, grammar (HEAD DOC items CLOSE|ERROR END), doc_key, and
 * at END chain, counts and length all checked.
 *   1  a frame; its bytes stay valid until the next call (mapped file: until close)
 *   0  end of input after at least one whole segment
 *  -1  e: 65 damaged or foreign, 76 cut ("unexpected end of stream after frame 12 (encoder.out)")
 * or empty, 74 read error. An END whose status is not 0 is handed out as a frame; what it means is
 *      the caller's (t5g_source does it).
 */
int t5g_reader_next(struct t5g_reader *r, struct t5g_frame *f, struct t5g_err *e);

/*
 * Make the payload of the frame just returned outlive the next call: for pipes the buffer changes
 * hands and *owned gets it (t5g_free), for mapped files *owned is NULL.
 */
void t5g_reader_keep(struct t5g_reader *r, void **owned);

/*
 * Readers tell fn of members of archives that they pass over, and why (member NULL: of what is odd
 * about the archive). One for the process; NULL: nobody is told.
 */
typedef void t5g_reader_note(const char *stream, const char *member, const char *what);
void t5g_reader_notes(t5g_reader_note *fn);

const char *t5g_reader_name(const struct t5g_reader *r);
bool t5g_reader_mapped(const struct t5g_reader *r);

/* The next frame, or the end of input, is at hand at least in part. */
bool t5g_reader_ready(const struct t5g_reader *r);

#endif
