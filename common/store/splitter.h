/* splitter.h: the documents of a stream to several files that appear together or not at all. */
#ifndef T5G_SPLITTER_H
#define T5G_SPLITTER_H

#include "stream/document.h"

struct t5g_splitter;

/*
 * Files PREFIX-000000.t5g and so on, each a segment; with tar, PREFIX-000000.tar and so on, with a
 * member for each document, a stream whose name is the document's number in the whole. `in` is
 * started and outlives the splitter: its HEAD, with this tool added, begins every segment, and its
 * frames between documents are copied to the segment that is open. NULL with e (71, 73, 77).
 */
struct t5g_splitter *t5g_splitter_open(const char *prefix, bool tar, const char *tool,
                                       struct t5g_source *in, struct t5g_err *e);

/* What is not committed is removed. */
void t5g_splitter_close(struct t5g_splitter *s);

/* End the current file, if there is one, and begin the next. 0, or -1 with e (69, 71, 73, 74). */
int t5g_splitter_next(struct t5g_splitter *s, struct t5g_err *e);

/* Write a document to the current file. 0, or -1 with e (71, 74). */
int t5g_splitter_add(struct t5g_splitter *s, const struct t5g_doc *d, struct t5g_err *e);

/*
 * End the current file, and put all files in place. The *stale files with the next numbers, left by
 * an earlier and longer set, are removed. 0, or -1 with e (71, 73, 74) and nothing changed.
 */
int t5g_splitter_commit(struct t5g_splitter *s, uint64_t *stale, struct t5g_err *e);

uint64_t t5g_splitter_files(const struct t5g_splitter *s);  /* begun so far */
uint64_t t5g_splitter_failed(const struct t5g_splitter *s); /* failed documents in ended segments */

#endif
