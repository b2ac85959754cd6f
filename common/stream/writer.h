/* writer.h: one segment of a t5g-stream(5) stream: HEAD, documents, END. */
#ifndef T5G_WRITER_H
#define T5G_WRITER_H

#include "stream/frame.h"

struct t5g_writer;

/*
 * Write to fd, which stays open. The grammar is enforced: a call out of order is a bug and aborts.
 * All functions return 0, or -1 with e (74 write error, 65 over a limit of t5g-stream(5)).
 */
struct t5g_writer *t5g_writer_open(int fd, const char *name);
void t5g_writer_free(struct t5g_writer *w);

int t5g_writer_head(struct t5g_writer *w, const char *meta, struct t5g_err *e);

/* Write a program's HEAD: that of its input, NULL for none, with the program added. Arguments as
 * for t5g_head_make. */
struct t5g_head;
struct t5g_head_entry;
int t5g_writer_begin(struct t5g_writer *w, const struct t5g_head *in, const char *tool,
                     const struct t5g_head_entry *own, struct t5g_err *e);

/* Open a document. extra: more members of the meta ("\"len\":4096", no braces), or NULL. */
int t5g_writer_doc(struct t5g_writer *w, const char *id, size_t id_len, const char *extra,
                   struct t5g_err *e);

/* Add a tensor or text to the open document; extra as above. dims [ndim], data row-major. */
int t5g_writer_tensor(struct t5g_writer *w, const char *name, int dtype, size_t ndim,
                      const uint64_t *dims, const void *data, const char *extra, struct t5g_err *e);
int t5g_writer_text(struct t5g_writer *w, const char *name, const char *text, size_t n,
                    struct t5g_err *e);

/* Close the document. meta: a whole object, or NULL for {}. */
int t5g_writer_close(struct t5g_writer *w, const char *meta, struct t5g_err *e);

/*
 * Write an ERROR frame {"tool","code","msg"}. Inside a document, it closes the document as failed;
 * outside, it explains an END with a status.
 */
int t5g_writer_error(struct t5g_writer *w, const char *tool, int code, const char *msg,
                     struct t5g_err *e);

/* Copy a frame of kind DOC, TENSOR, TEXT, CLOSE or ERROR, or an ancillary one, from a reader. */
int t5g_writer_frame(struct t5g_writer *w, const struct t5g_frame *f, struct t5g_err *e);

/* Write buffered frames, for a waiting reader. */
int t5g_writer_flush(struct t5g_writer *w, struct t5g_err *e);
bool t5g_writer_holds(const struct t5g_writer *w); /* frames are buffered */

/* Write END. status: 0 if complete (even if documents failed), else the exit status of the tool. */
int t5g_writer_end(struct t5g_writer *w, int status, struct t5g_err *e);

/*
 * End the segment at once: a HEAD if there is none, an ERROR for an open document, an ERROR with
 * the reason (tool, code, msg), and END with status. For a program that is about to exit: allocates
 * nothing and takes no locks, so that a signal handler may call it unless t5g_stop_held. Does
 * nothing if the segment has ended or a write has failed. Errors are not reported.
 */
void t5g_writer_abandon(struct t5g_writer *w, int status, const char *tool, int code,
                        const char *msg);

uint64_t t5g_writer_docs_ok(const struct t5g_writer *w);
uint64_t t5g_writer_docs_failed(const struct t5g_writer *w);
bool t5g_writer_in_doc(const struct t5g_writer *w);
bool t5g_writer_started(const struct t5g_writer *w); /* HEAD written */

#endif
