/* verbs.h: the verbs of t5g-frame, one file each, and what they share. */
#ifndef T5G_FRAME_VERBS_H
#define T5G_FRAME_VERBS_H

#include "cli/message.h"
#include "cli/program.h"
#include "cli/output.h"
#include "stage/run.h"
#include "cli/signals.h"
#include "stream/document.h"

/* Each takes its own argv, whose first element is the verb, and returns the exit status. */
int verb_ls(int argc, char **argv);
int verb_cat(int argc, char **argv);
int verb_head(int argc, char **argv);
int verb_split(int argc, char **argv);
int verb_verify(int argc, char **argv);
int verb_quickcheck(int argc, char **argv);
int verb_recover(int argc, char **argv);
int verb_diff(int argc, char **argv);
int verb_export(int argc, char **argv);
int verb_import(int argc, char **argv);
int verb_cache_stat(int argc, char **argv);
int verb_cache_verify(int argc, char **argv);
int verb_cache_gc(int argc, char **argv);

/* text.c: output that people and line tools read. */

/* The destination of -o or stdout. Everything added to the buffer leaves at the latest by end. */
struct text {
    struct t5g_buf out;
    size_t whole; /* bytes of out that a stop by a signal may not lose */
    int fd;
    bool json; /* set by the caller where it is: on a terminal characters are escaped in its way */
};

void text_open(struct text *t); /* dies (73); t stays where it is */
/* What is in the buffer is complete: to the descriptor with it, when it is large; dies (74). */
void text_send(struct text *t);
/* e == NULL: send the rest, commit, return `status`. Else print e, discard, return its code. */
int text_end(struct text *t, int status, const struct t5g_err *e);

/* As t5g_escape, backslash doubled. */
void put_escaped(struct t5g_buf *b, const char *s, size_t n);
/* "f32[12,64]" of a tensor, "text[7]" of TEXT, "n[7]" of a private kind. */
void put_shape(struct t5g_buf *b, const struct t5g_frame *f);
/* `"tool: msg"` of an ERROR frame, without quotes and escapes. */
void put_reason(struct t5g_buf *b, const struct t5g_frame *error);

/* Operands of a verb that reads streams. */
#define MAX_FRAME_OPTION(dest)                                                                \
    {                                                                                         \
        0, "max-frame", "BYTES", T5G_OPT_BYTES, dest, "largest frame to accept (default 8G)", \
            4096, 0x1p40                                                                      \
    }
#define FORCE_OPTION(dest)                                                                       \
    {                                                                                            \
        0, "force", NULL, T5G_OPT_FLAG, dest, "join streams of different tokenizers and models", \
            0, 0                                                                                 \
    }
#define NO_MORE_OPTIONS                               \
    {                                                 \
        0, NULL, NULL, T5G_OPT_FLAG, NULL, NULL, 0, 0 \
    }

/* cat.c: write d unchanged and count it. Dies on write errors. */
void copy_doc(struct t5g_run *run, const struct t5g_doc *d);

/* compare.c: two frames that should hold the same. */
struct tolerance {
    double atol,
        rtol; /* |a - b| up to atol + rtol * |b| is equal; both 0: metas are compared too */
};

/* The id of d as it begins a line, and the name of a frame. */
void put_id(struct t5g_buf *o, const struct t5g_doc *d);
void put_name(struct t5g_buf *o, const struct t5g_frame *f);
/* Appends a line about every way in which b departs from a; d is their document. Returns how many.
 */
size_t compare_frames(struct t5g_buf *o, const struct t5g_doc *d, const struct t5g_frame *a,
                      const struct t5g_frame *b, const struct tolerance *t);

#endif
