/* verbs.h: the verbs of t5g-frame, each in its own file, and what they share. */
#ifndef T5G_FRAME_VERBS_H
#define T5G_FRAME_VERBS_H

#include "cli/message.h"
#include "cli/program.h"
#include "cli/output.h"
#include "stage/run.h"
#include "cli/signals.h"
#include "store/collector.h"
#include "stream/document.h"

/* argv[0] is the verb. Each returns the exit status. */
int verb_ls(int argc, char **argv);
int verb_cat(int argc, char **argv);
int verb_head(int argc, char **argv);
int verb_split(int argc, char **argv);
int verb_verify(int argc, char **argv);
int verb_quickcheck(int argc, char **argv);
int verb_recover(int argc, char **argv);
int verb_diff(int argc, char **argv);
int verb_export(int argc, char **argv);
int verb_nearest(int argc, char **argv);
int verb_import(int argc, char **argv);
int verb_heatmap(int argc, char **argv);
int verb_cache_stat(int argc, char **argv);
int verb_cache_verify(int argc, char **argv);
int verb_cache_gc(int argc, char **argv);

/* text.c: text output, for people and line tools. */

/* Text for the file of -o or stdout. Append to out; text_end writes the rest at the latest. */
struct text {
    struct t5g_buf out;
    size_t whole; /* bytes of out to write even if a signal ends the program */
    int fd;
    bool json; /* set by the caller if out is JSON, which is escaped differently on a terminal */
};

void text_open(struct text *t); /* dies (73); t must not move */
/* Call when out holds whole lines or objects; writes it if it is large. Dies (74). */
void text_send(struct text *t);
/* Write the rest. e NULL: commit and return status; else print e, discard, return its code. */
int text_end(struct text *t, int status, const struct t5g_err *e);

/* As t5g_escape, with backslashes doubled. */
void put_escaped(struct t5g_buf *b, const char *s, size_t n);
/* Append "f32[12,64]" for a tensor, "text[7]" for TEXT, "n[7]" for another kind. */
void put_shape(struct t5g_buf *b, const struct t5g_frame *f);
/* Append "tool: msg" from an ERROR frame, not escaped. */
void put_reason(struct t5g_buf *b, const struct t5g_frame *error);

/* lines.c. Append why d failed, escaped. */
void put_failure(struct t5g_buf *b, const struct t5g_doc *d);
/* Append the line of a document, and of a frame. */
void put_document(struct t5g_buf *b, const struct t5g_doc *d);
void put_frame(struct t5g_buf *b, const struct t5g_frame *f);

/* Of all inputs. */
struct totals {
    uint64_t docs, failed, frames, bytes, segments;
};
void put_totals(struct t5g_buf *b, const struct totals *t);

/* Append the line about what is in the cache at dir, and about what was collected; kept: bytes. */
void put_cache(struct t5g_buf *b, const char *dir, const struct t5g_cache_files *l, int64_t now);
void put_collected(struct t5g_buf *b, const struct t5g_collected *gone,
                   const struct t5g_cache_rules *rules, uint64_t kept);

/* The operands of a verb that reads streams one by one: argv from first on [*n], or "-" alone. */
char **operands_of(int argc, char **argv, int first, size_t *n);

#define FORCE_OPTION(dest) T5G_OPTION_FORCE(dest, "join streams of different tokenizers and models")

/* cat.c: write d unchanged and count it. Dies on write errors. */
void copy_doc(struct t5g_run *run, const struct t5g_doc *d);

/*
 * matrix.c. Write the vectors of all tensors of this name to path, an array [N, d] of f32, and the
 * id of each row to a line of a file beside it. Warns of documents without one, and counts them and
 * failed ones in *failed. mixed: of any pooling. 0, or -1 with e (65, 73, 74; those of
 * t5g_source_next).
 */
int export_matrix(struct t5g_source *in, const char *path, const char *name, bool mixed,
                  uint64_t *failed, struct t5g_err *e);
/* Only what made the tensors of this name is compared between the streams of in, and what they are
 * made with: the tokenizer, the profile. */
void compare_vectors(struct t5g_source *in, const char *name);

/* compare.c. |a - b| up to atol + rtol * |b| counts as equal; both 0: metas are compared too. */
struct tolerance {
    double atol, rtol;
};

/* Append the id of d and ": ", and the name of a frame. */
void put_id(struct t5g_buf *o, const struct t5g_doc *d);
void put_name(struct t5g_buf *o, const struct t5g_frame *f);
/* Append a line for each difference between a and b in document d. Returns the number of lines. */
size_t compare_frames(struct t5g_buf *o, const struct t5g_doc *d, const struct t5g_frame *a,
                      const struct t5g_frame *b, const struct tolerance *t);

#endif
