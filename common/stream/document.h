/* document.h: the whole documents of one or several streams, in order. */
#ifndef T5G_DOCUMENT_H
#define T5G_DOCUMENT_H

#include "stream/stream_head.h"
#include "stream/reader.h"
#include "stream/writer.h"

/* A document. Zero-initialise. Valid until the next call on its source, or see t5g_source_hold. */
struct t5g_doc {
    char *id; /* [id_len], may hold any byte but is NUL-terminated */
    size_t id_len;
    bool failed;             /* closed by an ERROR frame */
    struct t5g_frame open;   /* the DOC frame */
    struct t5g_frame *items; /* [n_items] TENSOR, TEXT and private frames, in order */
    size_t n_items;
    struct t5g_frame close; /* the CLOSE or ERROR frame */
    void **owned;           /* private: [n_owned] buffers behind the frames */
    size_t n_owned, cap_items, cap_owned;
};

void t5g_doc_clear(struct t5g_doc *d); /* frees and zeroes */

/* First item of this name; NULL if there is none. */
const struct t5g_frame *t5g_doc_find(const struct t5g_doc *d, const char *name);

/*
 * The only item of this name: 1 and *out, or 0 and NULL if there is none; -1 with e (65) if it is
 * of another kind or there are several.
 */
int t5g_doc_only(const struct t5g_doc *d, const char *name, int kind, const struct t5g_frame **out,
                 struct t5g_err *e);

/*
 * Item `name`, which must be a tensor of dtype with ndim dimensions. -1 with e (65, message without
 * the document id: "no input.ids frame", "encoder.out: dtype f32, expected i32").
 */
int t5g_doc_tensor(const struct t5g_doc *d, const char *name, int dtype, size_t ndim,
                   const struct t5g_frame **out, struct t5g_err *e);

/* Write d unchanged, except items for which skip(name, arg) is true (skip may be NULL). */
int t5g_doc_write(struct t5g_writer *w, const struct t5g_doc *d,
                  bool (*skip)(const char *name, void *arg), void *arg, struct t5g_err *e);

/* As t5g_doc_write, but without CLOSE or ERROR, so that the program can add frames. */
int t5g_doc_write_open(struct t5g_writer *w, const struct t5g_doc *d,
                       bool (*skip)(const char *name, void *arg), void *arg, struct t5g_err *e);

/* Whether the file begins like a stream, a compressed file or an archive; true also if it is not a
 * regular file or cannot be opened. */
bool t5g_may_be_stream(const char *path);

/* The documents of several inputs as if they were one. */
struct t5g_source;

/* paths [n], opened later; n = 0 reads stdin. force: HEADs may disagree. */
struct t5g_source *t5g_source_open(char *const *paths, size_t n, uint64_t max_frame, bool force);
/* In what HEADs must agree (without force), as for t5g_head_agree; T5G_BY_ALL at first. */
void t5g_source_compare(struct t5g_source *s, unsigned what);
/* HEADs of s must agree with those of earlier, too, which has been read. Before s is. */
void t5g_source_after(struct t5g_source *s, const struct t5g_source *earlier);
/* One open input: fd is closed with the source. name is for messages. */
struct t5g_source *t5g_source_open_fd(int fd, const char *name, uint64_t max_frame);
void t5g_source_close(struct t5g_source *s);

/*
 * Read the first HEAD before t5g_source_next would, so that the caller can check identities and
 * write its own HEAD. 0, or -1 with e.
 */
int t5g_source_start(struct t5g_source *s, struct t5g_err *e);
const struct t5g_head *t5g_source_head(const struct t5g_source *s);
/* The HEAD of the segment that the last frame belongs to; valid until the next call. */
const struct t5g_head *t5g_source_segment(const struct t5g_source *s);

/*
 * From now on, copy ancillary frames outside documents (notes, padding) to w as they are read. Call
 * it after writing HEAD, and write each document before reading the next.
 */
void t5g_source_pass(struct t5g_source *s, struct t5g_writer *w);

/*
 * Read the next document. Returns
 *
 * - 1: a document, whole and verified
 * - 0: all inputs have been read
 * - -1 with e: as t5g_reader_next, and 76 if an END has a status ("t5g-encode failed: ...", see
 *   t5g_source_cause). A document with a fault in it is never returned.
 */
int t5g_source_next(struct t5g_source *s, struct t5g_doc *d, struct t5g_err *e);

/*
 * Keep each document valid until it is cleared, or until the release: for a program that works on
 * several. ready: the next call of t5g_source_next need not wait for the writer of a pipe.
 */
void t5g_source_hold(struct t5g_source *s);
void t5g_source_release(struct t5g_source *s);
bool t5g_source_ready(const struct t5g_source *s);

/*
 * Read one frame (DOC, item, CLOSE or ERROR), for a program that acts before a document is closed;
 * returns as t5g_source_next, which handles HEAD and END in the same way. The frame is valid until
 * the next call. Not to be mixed with t5g_source_next on one source.
 */
int t5g_source_frame(struct t5g_source *s, struct t5g_frame *f, struct t5g_err *e);

/* A failure, from an ERROR frame: of a document, or before an END with a status. */
struct t5g_cause {
    const char *tool; /* NULL: not named */
    int code;
    const char *msg;
};

/* What an ERROR frame says; code: if it names none. The strings are in `keep`, t5g_buf_free. */
struct t5g_cause t5g_cause_read(const struct t5g_frame *error, int code, struct t5g_buf *keep);

/* The cause of the last -1; NULL if that had another reason. Valid as long as s. */
const struct t5g_cause *t5g_source_cause(const struct t5g_source *s);

const char *t5g_source_name(const struct t5g_source *s); /* of the input being read */

#endif
