/* corpus.h: documents as users have them: files, lines, NUL-separated texts, JSON lines, members of
 * archives; pictures. Compressed files are read as what is in them. */
#ifndef T5G_CORPUS_H
#define T5G_CORPUS_H

#include "store/corpus_doc.h"

enum t5g_corpus_mode {
    T5G_CORPUS_FILE,  /* every file is a document */
    T5G_CORPUS_LINE,  /* every line, without its newline; a last line may lack one */
    T5G_CORPUS_NUL,   /* every NUL-terminated text; a last one may lack the NUL */
    T5G_CORPUS_JSONL, /* every line is an object: "text", "images", "prompt", "id" */
};

struct t5g_corpus_options {
    char *const *paths; /* [n_paths]; "-" is stdin; none and no texts: stdin */
    size_t n_paths;
    char *const *texts; /* [n_texts] given on the command line (-e), taken as they are */
    size_t n_texts;
    enum t5g_corpus_mode mode;
    bool keep_newline; /* FILE mode: one final newline stays part of the document */
    bool nothing;      /* no input at all, not even stdin */
    bool allow_empty;  /* an archive without documents is no error */
    /* Pictures of the one text there is; without a text they are a document by themselves. "-" is
     * stdin. */
    char *const *pictures; /* [n_pictures] */
    size_t n_pictures;
    /* Called with a member of an archive that is passed over and why, or with member NULL and what
     * is odd about the input; may be NULL. */
    void (*note)(const char *input, const char *member, const char *what);
};

/* What a document is called that comes from this path: as given, of an absolute path the file name,
 * "stdin" for "-". Lives with path. */
const char *t5g_corpus_id(const char *path);

struct t5g_corpus;
struct t5g_corpus *t5g_corpus_open(
    const struct t5g_corpus_options *o); /* options are copied, paths borrowed */
void t5g_corpus_close(struct t5g_corpus *c);

/*
 * Next document into *d (its buffers are reused): 1, 0 after the last, -1 with e when standard
 * input cannot be read, or an archive or compressed file is damaged (65, 66, 74). A path that
 * cannot be opened or read is a document with a fault (66, 77, 74). Texts of the command line come
 * first, then the paths in order. Pictures that a JSON line names are opened when they are regular
 * files only.
 */
int t5g_corpus_next(struct t5g_corpus *c, struct t5g_corpus_doc *d, struct t5g_err *e);

/* Members of archives so far that belong to no document and were passed over. */
size_t t5g_corpus_passed(const struct t5g_corpus *c);

#endif
