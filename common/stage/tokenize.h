/* tokenize.h: a document of the corpus as frames. */
#ifndef T5G_TOKENIZE_H
#define T5G_TOKENIZE_H

#include "stage/run.h"
#include "store/corpus.h"
#include "text/tokenizer.h"

/*
 * Write one document: ids, prompt, and where it has pictures their files and the text they stand
 * in, which t5g-vision tokenizes again when it makes several views of a picture. Dies on write
 * errors.
 */
void t5g_document_write(struct t5g_run *run, const struct t5g_buf *id,
                        const struct t5g_corpus_doc *d, const struct t5g_ids *ids);

/* For struct t5g_corpus_options: a member that is passed over is said with -v, what is odd about an
 * input without -q. */
void t5g_document_note(const char *input, const char *member, const char *what);

#endif
