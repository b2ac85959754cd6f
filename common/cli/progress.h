/* progress.h: documents, tokens and failures on stderr once a second, and --stats at the end. With
 * --progress auto and a pipe as stdout, only documents that take long are shown. */
#ifndef T5G_PROGRESS_H
#define T5G_PROGRESS_H

#include "base/base.h"

void t5g_progress_start(const char *unit); /* unit of the counter beside documents: "tokens" */
void t5g_progress_doc(bool failed);        /* one more document */
void t5g_progress_add(uint64_t units);
void t5g_progress_skipped(void); /* one more member of an archive, for --stats */
/* How much of a long document is done, for the estimate of the remaining time. */
void t5g_progress_part(size_t done, size_t total);
uint64_t t5g_progress_docs(void); /* so far */
bool t5g_progress_shown(void);    /* the terminal shows a line */
void t5g_progress_clear(void);    /* erase the line before another message */
void t5g_progress_end(void);      /* erase it; print --stats if requested */

#endif
