/* webdataset.h: the documents of an archive. */
#ifndef T5G_WEBDATASET_H
#define T5G_WEBDATASET_H

#include "archive/unpack.h"
#include "store/corpus_doc.h"

struct t5g_members;

/* Members that are no part of a document go to note (may be NULL), with the reason. */
struct t5g_members_options {
    const char *archive; /* what it is called in ids */
    bool keep_newline;
    t5g_unpack_note *note;
    void *note_arg;
};

/* u is the caller's and outlives it, as does o->archive. */
struct t5g_members *t5g_members_open(struct t5g_unpack *u, const struct t5g_members_options *o);
void t5g_members_close(struct t5g_members *m);

/*
 * The next document into *d, which is empty: 1, 0 after the last, -1 with e when the archive is
 * damaged (65) or cannot be read (74).
 *
 * Every text (.txt, .md) and every object (.json: "text", "prompt", "images", the names of members
 * of this document in the order of their places in the text) is a document; its key, the path
 * without the suffix of its last part, gives the id ARCHIVE:KEY. To it belong the pictures beside
 * it, known by their first bytes or by their names, whose paths are the key, a dot and anything; to
 * a text also an object of its key, or of such a path when it has no "text" itself. Pictures that
 * belong to no text are documents by themselves, those of one key together. Parts of a document
 * must stand together; of two texts with one key the second has its whole path as id.
 *
 * What is wrong with a document goes to d->fault: a part that came before, a text that has its
 * pictures from another one, a damaged member, one over its limit. Memory: a document, and of
 * each some 16 bytes for its key, of each picture as many for each dot in its name.
 */
int t5g_members_next(struct t5g_members *m, struct t5g_corpus_doc *d, struct t5g_err *e);

size_t t5g_members_documents(const struct t5g_members *m); /* given out so far */

#endif
