/* columns.h: answers as a table of tab-separated values: a row for each document, a column for each
 * prompt. */
#ifndef T5G_COLUMNS_H
#define T5G_COLUMNS_H

#include "base/err.h"
#include "base/mem.h"

/*
 * The first document that did not fail determines the columns: one for each of its sequences, named
 * by the prompt, or PROMPT#RANK for ranks above 0; the probability of a choice is
 * PROMPT#probability, or without a prompt "probability", and the score of a target PROMPT#score or
 * PROMPT#RANK#score, or without a prompt "score" or "score#RANK". Documents with their own prompts
 * have one column, "text". Rows of failed documents before the first one that did not fail are held
 * back until it arrives.
 */
struct t5g_columns;

struct t5g_columns *t5g_columns_open(void);
void t5g_columns_close(struct t5g_columns *c);

/* Start a new document; own [n]: the document's own prompt. */
void t5g_columns_begin(struct t5g_columns *c);
void t5g_columns_own(struct t5g_columns *c, const char *own, size_t n);

#define T5G_COLUMN_PROBABILITY UINT64_MAX          /* instead of a rank */
#define T5G_COLUMN_SCORE       (UINT64_C(1) << 63) /* beside a rank */

/* Add a sequence of the document. prompt: NULL if there is none. Everything is copied. */
void t5g_columns_add(struct t5g_columns *c, const char *prompt, uint64_t rank, const char *text,
                     size_t n);

/*
 * Append the document's row to out, and before the first row the heading. If a sequence has no
 * column, -1 with e (65) and nothing appended: write the row of a failed document instead.
 */
int t5g_columns_row(struct t5g_columns *c, const char *id, size_t n, struct t5g_buf *out,
                    struct t5g_err *e);
/* The row of a failed document: its id, and empty cells. */
void t5g_columns_failed(struct t5g_columns *c, const char *id, size_t n, struct t5g_buf *out);

/* After the last document: append rows that are still held back, under a heading of "id" alone. */
void t5g_columns_end(struct t5g_columns *c, struct t5g_buf *out);

#endif
