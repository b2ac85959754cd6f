/* corpus.h: input documents: files, lines, NUL-separated texts, JSON lines, members of archives,
 * and pictures. Compressed files are decompressed. */
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
    /* [n_paths]; "-" is stdin, which is the default without texts and pictures. */
    char *const *paths;
    size_t n_paths;
    char *const *texts; /* [n_texts] given on the command line (-e), used unchanged */
    size_t n_texts;
    enum t5g_corpus_mode mode;
    bool keep_newline; /* FILE mode: keep one final newline */
    bool nothing;      /* no input at all, not even stdin */
    bool allow_empty;  /* an archive without documents is no error */
    /* Added to each text or file; without any, a document of their own. "-" is stdin. */
    char *const *pictures; /* [n_pictures] */
    size_t n_pictures;
    /* Called with each skipped member of an archive and the reason, or with member NULL and a
     * warning about the input; may be NULL. */
    void (*note)(const char *input, const char *member, const char *what);
};

/* The id of a document from this path: the path itself, only the file name if it is absolute,
 * "stdin" for "-". Lives with path. */
const char *t5g_corpus_id(const char *path);

struct t5g_corpus;
/* The options are copied, what they point to is borrowed. */
struct t5g_corpus *t5g_corpus_open(const struct t5g_corpus_options *o);
void t5g_corpus_close(struct t5g_corpus *c);

/*
 * The next document in *d (its buffers are reused): 1, 0 after the last, -1 with e if standard
 * input cannot be read, an archive or compressed file is damaged, or an archive does not go with
 * the options (64, 65, 66, 74). A path that cannot be opened or read is a document with a fault
 * (66, 77, 74). Texts of the command line come first, then the paths in order. Pictures named by a
 * JSON line must be regular files.
 */
int t5g_corpus_next(struct t5g_corpus *c, struct t5g_corpus_doc *d, struct t5g_err *e);

#endif
