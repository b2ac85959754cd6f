/* features.h: the pictures of a document as rows of the encoder. */
#ifndef T5G_FEATURES_H
#define T5G_FEATURES_H

#include "image/image_bytes.h"
#include "nn/siglip.h"
#include "store/cache.h"
#include "stream/document.h"
#include "text/pictures.h"

/* What is needed to turn pictures into rows; everything belongs to the caller. */
struct t5g_looker {
    struct t5g_image_reader *reader;
    const struct t5g_processor *processor;
    struct t5g_vision *vision;
    size_t tokens, d; /* mm_tokens; width of the encoder */
    void (*progress)(size_t done, size_t total);
    struct t5g_cache *cache; /* NULL: none; else identity and profile are part of its keys */
    const char *identity;    /* of the vision part */
    char profile[96];
};

/* Views of pictures one after another. Zero-initialise. */
struct t5g_features {
    float *rows;   /* [views, tokens, d] */
    size_t *views; /* [pictures]: 1, and more with pan and scan */
    size_t pictures, total_views;
    struct t5g_err damaged;         /* warning for the first damaged picture; code 0: none */
    size_t cap_pictures, cap_views; /* private */
};

void t5g_features_free(struct t5g_features *f);

/* Remove all pictures, but keep the memory. */
void t5g_features_empty(struct t5g_features *f);

/*
 * Append the views of one picture file [n]. of: total number of pictures, for the progress. -1 with
 * e (65; 71 if the system failed).
 */
int t5g_features_add(const struct t5g_looker *l, struct t5g_features *f, const void *file, size_t n,
                     size_t of, struct t5g_err *e);

/* Empty f and add all image.bytes frames of a document. -1 with e, which names the picture. */
int t5g_features_of(const struct t5g_looker *l, struct t5g_features *f, const struct t5g_doc *doc,
                    struct t5g_err *e);

/* Write the views of picture k as image.feat frames. */
int t5g_features_write(const struct t5g_looker *l, const struct t5g_features *f, size_t k,
                       struct t5g_writer *w, struct t5g_err *e);

/* What is needed to tokenize again when pictures have crops; tokenizer NULL: they never have. */
struct t5g_retokenizer {
    struct t5g_tokenizer *tokenizer;
    struct t5g_picture_text around;
};

/*
 * Tokenize the document's text for the views of its pictures; ids->n = 0 if each has one view and
 * the document's own ids are right. -1 with e (65) if the document has no text frame, or one that
 * does not match its pictures.
 */
int t5g_retokenize(const struct t5g_retokenizer *r, const struct t5g_doc *doc,
                   const struct t5g_features *f, struct t5g_ids *ids, struct t5g_err *e);

/*
 * Write the document with features in place of its pictures, and, unless ids->n is 0, with ids in
 * place of input.ids. -1 with e from the writer.
 */
int t5g_features_put(const struct t5g_looker *l, struct t5g_writer *w, const struct t5g_doc *doc,
                     const struct t5g_features *f, const struct t5g_ids *ids, struct t5g_err *e);

#endif
