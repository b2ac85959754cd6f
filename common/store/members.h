/* members.h: the documents of an archive, by the WebDataset convention. */
#ifndef T5G_MEMBERS_H
#define T5G_MEMBERS_H

#include "base/unpack.h"
#include "store/corpus.h"

struct t5g_members;

/* u is the caller's and outlives it; archive: what the archive is called in ids and messages. */
struct t5g_members *t5g_members_open(struct t5g_unpack *u, const char *archive, bool keep_newline);
void t5g_members_close(struct t5g_members *m);

/*
 * The next document into *d, which is empty: 1, 0 after the last, -1 with e when the archive is
 * damaged (65) or cannot be read (74).
 *
 * Members whose paths agree up to the first dot of their last part, the key, are one document; they
 * must stand together. .txt and .md are its text; .json an object with "text", "prompt" and
 * "images" (names of members of this document, in the order of their places in the text); pictures
 * are known by their first bytes and come in the order of the archive unless "images" names them.
 * Other members are skipped. The id is ARCHIVE:KEY. What is wrong with a document goes to d->fault:
 * a key that came before, two texts, a damaged member, one over its limit.
 */
int t5g_members_next(struct t5g_members *m, struct t5g_corpus_doc *d, struct t5g_err *e);

size_t t5g_members_documents(const struct t5g_members *m); /* given out so far */
size_t t5g_members_skipped(const struct t5g_members *m);   /* members that were nothing to us */

#endif
