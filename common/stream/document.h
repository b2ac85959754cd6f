/* document.h: whole documents of one or several streams, one after another. */
#ifndef T5G_DOCUMENT_H
#define T5G_DOCUMENT_H

#include "stream/stream_head.h"
#include "stream/reader.h"
#include "stream/writer.h"

/* A document as read. Zero-initialise. Its frames are valid until the next call on its source. */
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

void t5g_doc_clear(struct t5g_doc *d); /* frees, and back to zero */

/* First item whose meta has this name; NULL when there is none. */
const struct t5g_frame *t5g_doc_find(const struct t5g_doc *d, const char *name);

/*
 * The item of this name and kind: 1 and *out, 0 and NULL where there is none; -1 with e (65) where
 * it is of another kind, or there are several: which one was meant, nobody knows.
 */
int t5g_doc_only(const struct t5g_doc *d, const char *name, int kind, const struct t5g_frame **out,
                 struct t5g_err *e);

/*
 * Item `name`, which must be a tensor of dtype with ndim dimensions. -1 with e (65, message without
 * the document id: "no input.ids frame", "encoder.out: dtype f32, expected i32").
 */
int t5g_doc_tensor(const struct t5g_doc *d, const char *name, int dtype, size_t ndim,
                   const struct t5g_frame **out, struct t5g_err *e);

/* Write d unchanged. Items for which skip(name, arg) is true are left out (skip may be NULL). */
int t5g_doc_write(struct t5g_writer *w, const struct t5g_doc *d,
                  bool (*skip)(const char *name, void *arg), void *arg, struct t5g_err *e);

/* As t5g_doc_write, but leave the document open: for a program that adds frames before CLOSE. */
int t5g_doc_write_open(struct t5g_writer *w, const struct t5g_doc *d,
                       bool (*skip)(const char *name, void *arg), void *arg, struct t5g_err *e);

/* The file begins as a stream, a compressed file or an archive does; true also of what is no
 * regular file or cannot be opened. */
bool t5g_may_be_stream(const char *path);

/* The documents of several inputs as if they were one. */
struct t5g_source;

/* paths [n]; n = 0 reads stdin. Nothing is opened yet. force: HEADs may disagree. */
struct t5g_source *t5g_source_open(char *const *paths, size_t n, uint64_t max_frame, bool force);
/* One input that is open already: fd is closed with the source. name for messages. */
struct t5g_source *t5g_source_open_fd(int fd, const char *name, uint64_t max_frame);
void t5g_source_close(struct t5g_source *s);

/*
 * Read the first HEAD (t5g_source_next does it otherwise), so that the caller can check identities
 * and write its own HEAD before the first document. 0 or -1 with e.
 */
int t5g_source_start(struct t5g_source *s, struct t5g_err *e);
const struct t5g_head *t5g_source_head(const struct t5g_source *s);

/*
 * From now on copy frames that stand outside documents (notes, padding: never critical ones) to w
 * as they come. Call it after HEAD was written, and write document by document.
 */
void t5g_source_pass(struct t5g_source *s, struct t5g_writer *w);

/*
 *   1  the next document, whole and verified
 *   0  all inputs read to their ends
 *  -1  e: as t5g_reader_next; and 76 where an END has a status ("t5g-encode failed: ..."; see
 *      t5g_source_cause). Documents before the fault have been handed out; the one in which it lies
 * never is.
 */
int t5g_source_next(struct t5g_source *s, struct t5g_doc *d, struct t5g_err *e);

/*
 * Documents stay valid, each until it is cleared, but no longer than until the release: for a
 * program that has several in hand. ready: the next call of t5g_source_next need not wait for
 * somebody who writes into a pipe.
 */
void t5g_source_hold(struct t5g_source *s);
void t5g_source_release(struct t5g_source *s);
bool t5g_source_ready(const struct t5g_source *s);

/*
 * One frame at a time instead, for a program that acts before a document is closed: DOC, items,
 * CLOSE, ERROR; HEAD and END are taken care of as in t5g_source_next. The frame is valid until the
 * next call. Not to be mixed with t5g_source_next on one source.
 */
int t5g_source_frame(struct t5g_source *s, struct t5g_frame *f, struct t5g_err *e);

/* What went wrong first, as the ERROR frame before an END with a status says it. */
struct t5g_cause {
    const char *tool;
    int code;
    const char *msg;
};

/* Of the last call that gave -1; NULL where that had another reason. Valid while s is. */
const struct t5g_cause *t5g_source_cause(const struct t5g_source *s);

const char *t5g_source_name(const struct t5g_source *s); /* of the input being read */

#endif
