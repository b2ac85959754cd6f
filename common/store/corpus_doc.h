/* corpus_doc.h: a document as a user has it: a text, pictures, a prompt. */
#ifndef T5G_CORPUS_DOC_H
#define T5G_CORPUS_DOC_H

#include "base/err.h"
#include "base/mem.h"

#define T5G_TEXT_MAX     ((size_t)1 << 30)  /* bytes of one text; more is that document's error */
#define T5G_PICTURE_MAX  ((size_t)64 << 20) /* of one picture file, likewise */
#define T5G_PICTURES_MAX 4096               /* of one document, likewise */

/* A picture file as it is; nothing in it is looked at. */
struct t5g_corpus_picture {
    struct t5g_buf name, bytes;
};

/* One document. Zero-initialise; t5g_corpus_doc_free releases. Bytes are not checked for UTF-8. */
struct t5g_corpus_doc {
    struct t5g_buf id; /* see DOCUMENT IDS in t5g-tokenize(1) */
    struct t5g_buf text;
    struct t5g_buf prompt;
    bool has_text, has_prompt;           /* no text: pictures alone */
    struct t5g_corpus_picture *pictures; /* [n_pictures] */
    size_t n_pictures, cap_pictures;
    struct t5g_err fault; /* code != 0: this document cannot be used (bad JSON line, too long,
                           * a picture that cannot be read) */
};

void t5g_corpus_doc_free(struct t5g_corpus_doc *d);

/* One picture more, with empty name and bytes. */
struct t5g_corpus_picture *t5g_corpus_doc_picture(struct t5g_corpus_doc *d);

/*
 * Text and prompt become well-formed UTF-8: with replace, each maximal ill-formed part becomes
 * U+FFFD; without, ill-formed bytes are the document's fault (-1 with e (65)), and a picture, a
 * stream and the like are called so.
 */
int t5g_corpus_doc_utf8(struct t5g_corpus_doc *d, bool replace, struct t5g_err *e);

#endif
