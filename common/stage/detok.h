/* detok.h: the frames of a stream as text records: lines, NUL-ended texts, JSON objects or a
 * table. */
#ifndef T5G_DETOK_H
#define T5G_DETOK_H

#include "stream/document.h"
#include "text/detokenizer.h"
#include "text/infill.h"

enum t5g_records_form { T5G_RECORDS_LINE, T5G_RECORDS_NUL, T5G_RECORDS_JSONL, T5G_RECORDS_TSV };
enum t5g_newline { T5G_NEWLINE_SPACE, T5G_NEWLINE_KEEP, T5G_NEWLINE_ESCAPE };

struct t5g_records_options {
    int fd; /* where records go; name for messages */
    const char *name;
    enum t5g_records_form form;
    int newline;       /* enum t5g_newline, LINE form */
    const char *frame; /* which tensor: "decode.ids" or "input.ids" */
    bool all;          /* special tokens too */
    bool trim;         /* remove white space at both ends of a text, as Python's str.strip() does */
    bool terminal;     /* fd is a terminal: escape control characters in the text */
    bool stop_on_error;
    /* Put answers into the gaps of input.ids: a text is the whole document's. NULL: no. */
    const struct t5g_sentinels *infill;
    const struct t5g_source *source; /* of the frames, for provenance in JSONL; NULL: without */
};

struct t5g_records;
struct t5g_records *t5g_records_open(const struct t5g_tokenizer *t,
                                     const struct t5g_records_options *o);
void t5g_records_close(struct t5g_records *r);

/*
 * Process the next frame of the stream and write the records that it completes; in LINE and NUL
 * form also the part of a text in a frame with "part". A failed document gives one record (empty,
 * or id, error, tool, code and msg) and a warning. -1 with e (74), or, with stop_on_error, (65)
 * after a failed document.
 */
int t5g_records_frame(struct t5g_records *r, const struct t5g_frame *f, struct t5g_err *e);

/* After the last frame, even if the input ended early: write rows that TSV still holds. -1 with e
 * (74). */
int t5g_records_end(struct t5g_records *r, struct t5g_err *e);

uint64_t t5g_records_failed(const struct t5g_records *r); /* documents */

#endif
