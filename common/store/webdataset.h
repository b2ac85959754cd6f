/* webdataset.h: the documents of an archive. */
#ifndef T5G_WEBDATASET_H
#define T5G_WEBDATASET_H

#include "archive/unpack.h"
#include "store/corpus_doc.h"

struct t5g_members;

/* note (may be NULL) is called with each skipped member and the reason. */
struct t5g_members_options {
    const char *archive; /* its name in ids */
    bool keep_newline;
    t5g_unpack_note *note;
    void *note_arg;
};

/* u and o->archive stay the caller's and must outlive it. */
struct t5g_members *t5g_members_open(struct t5g_unpack *u, const struct t5g_members_options *o);
void t5g_members_close(struct t5g_members *m);

/*
 * The next document in *d, which must be empty: 1, 0 after the last, -1 with e if the archive is
 * damaged (65) or cannot be read (74).
 *
 * - Every text (.txt, .md) and every object (.json: "text", "prompt", and "images", which names
 *   members of this document in the order of their places in the text) is a document. Its key is
 *   the path without the suffix of the last component; its id is ARCHIVE:KEY.
 * - Pictures, recognised by their first bytes or their names, belong to it if their path is the
 *   key, a dot and anything. To a text also belongs an object with the same key, or with such a
 *   path if it has no "text".
 * - Pictures that belong to no text form documents of their own, one for each key.
 * - The members of a document must be consecutive. If two lone texts have the same key, the id of
 *   the second has its whole path.
 *
 * A fault of the document goes to d->fault: a member that came before, a text whose pictures went
 * to another one, a damaged member, one over its limit. Memory: one document, and about 16 bytes
 * for each key and for each dot in a picture's name.
 */
int t5g_members_next(struct t5g_members *m, struct t5g_corpus_doc *d, struct t5g_err *e);

size_t t5g_members_documents(const struct t5g_members *m); /* returned so far */

#endif
