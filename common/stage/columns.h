/* columns.h: answers as a table of tab-separated values: a row a document, a column a prompt. */
#ifndef T5G_COLUMNS_H
#define T5G_COLUMNS_H

#include "base/err.h"
#include "base/mem.h"

/*
 * The first document that is whole names the columns: one for each of its sequences, called by the
 * prompt, PROMPT#RANK for ranks above 0. Documents that are asked what they bring themselves have
 * one column, "text". Rows of failed documents that come before it wait for it.
 */
struct t5g_columns;

struct t5g_columns *t5g_columns_open(void);
void t5g_columns_close(struct t5g_columns *c);

/* Forget the document at hand; own [n]: the prompt that it brings itself. */
void t5g_columns_begin(struct t5g_columns *c);
void t5g_columns_own(struct t5g_columns *c, const char *own, size_t n);

/* One sequence more of it. prompt: NULL when there is none. All is copied. */
void t5g_columns_add(struct t5g_columns *c, const char *prompt, uint64_t rank, const char *text,
                     size_t n);

/*
 * Its row, and before the first one the heading, appended to out. -1 with e (65) and nothing
 * appended where a sequence has no column: the row is then that of a failed document.
 */
int t5g_columns_row(struct t5g_columns *c, const char *id, size_t n, struct t5g_buf *out,
                    struct t5g_err *e);
/* The row of a failed document: its id, and empty cells. */
void t5g_columns_failed(struct t5g_columns *c, const char *id, size_t n, struct t5g_buf *out);

/* After the last document: what still waits, under a heading of "id" alone. */
void t5g_columns_end(struct t5g_columns *c, struct t5g_buf *out);

#endif
