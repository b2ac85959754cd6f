/* corpus_doc.h: an input document: a text, pictures, a prompt, targets. */
#ifndef T5G_CORPUS_DOC_H
#define T5G_CORPUS_DOC_H

#include "base/err.h"
#include "base/mem.h"

#define T5G_TEXT_MAX     ((size_t)1 << 30)  /* bytes of one text; more is the document's fault */
#define T5G_PICTURE_MAX  ((size_t)64 << 20) /* of one picture file, likewise */
#define T5G_PICTURES_MAX 4096               /* of one document, likewise */

/* A picture file, not decoded or checked. */
struct t5g_corpus_picture {
    struct t5g_buf name, bytes;
};

/* One document. Zero-initialise; freed by t5g_corpus_doc_free. Not checked for UTF-8. */
struct t5g_corpus_doc {
    struct t5g_buf id; /* see DOCUMENT IDS in t5g-tokenize(1) */
    struct t5g_buf text;
    struct t5g_buf prompt;
    struct t5g_buf adapter;  /* the name of one */
    struct t5g_buf *targets; /* [n_targets] */
    size_t n_targets, cap_targets;
    bool has_text; /* no text: only pictures */
    bool has_prompt, has_adapter;
    struct t5g_corpus_picture *pictures; /* [n_pictures] */
    size_t n_pictures, cap_pictures;
    struct t5g_err fault; /* code != 0: this document cannot be used (bad JSON line, too long,
                           * a picture that cannot be read) */
};

void t5g_corpus_doc_free(struct t5g_corpus_doc *d);

/* Add a picture, with empty name and bytes. */
struct t5g_corpus_picture *t5g_corpus_doc_picture(struct t5g_corpus_doc *d);

/* Add a target, empty. */
struct t5g_buf *t5g_corpus_doc_target(struct t5g_corpus_doc *d);

/*
 * Make text, prompt and targets well-formed UTF-8. With replace, each maximal ill-formed subpart
 * becomes U+FFFD; without, ill-formed bytes give -1 with e (65), which names the format if the text
 * looks like a picture, a stream or the like.
 */
int t5g_corpus_doc_utf8(struct t5g_corpus_doc *d, bool replace, struct t5g_err *e);

#endif
