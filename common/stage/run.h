/*
 * run.h: a program that writes a stream: output, loop over documents, their errors, END, exit
 * status.
 */
#ifndef T5G_RUN_H
#define T5G_RUN_H

#include "cli/message.h"
#include "cli/program.h"
#include "cli/start.h"
#include "stream/document.h"
#include "stream/stream_head.h"
#include "text/tokenizer.h"

struct t5g_run {
    struct t5g_writer *w;
    struct t5g_source *in; /* the source given to t5g_run_through; NULL: none yet */
    bool stop;             /* --on-error stop met a failed document: leave the loop. (SIGTERM does
                            * not need this: see cli/signals.h.) */
    bool enough;           /* set by a stage that needs no more documents: leave the loop too */
};

enum { T5G_BATCH_MAX = 64 };

/* Documents that are processed together, [n] in the order of the input, including failed ones. */
struct t5g_batch {
    struct t5g_doc docs[T5G_BATCH_MAX];
    size_t n;
};

/* What a program does to the documents of a stream. */
struct t5g_stage {
    const char *unit; /* of the counter beside documents: "tokens" */
    /*
     * Documents are taken together until their tensors `rows` have `most` rows or more in total,
     * until there are T5G_BATCH_MAX, or until the next one has not arrived yet. rows NULL: one at a
     * time.
     */
    const char *rows;
    size_t most;
    /*
     * Write every document of b, in order; return early if run->stop is set. b is empty after the
     * last one. -1 with e: the run ends with this error. Ends the process on write errors.
     */
    int (*take)(void *arg, struct t5g_run *run, const struct t5g_batch *b, struct t5g_err *e);
    void *arg;
    /* Compared with that of the stream's HEAD where neither is NULL or "". */
    const struct t5g_tokenizer_id *tok;
    /* What the program says of itself in HEAD; tok is set from the above. Of own.parts, `uses`
     * (T5G_BY_ENCODER and so on) are compared with the stream's. */
    struct t5g_head_entry own;
    unsigned uses;
    /* Of the stream, those of the model may be these instead, [n_also], which take compares. */
    const struct t5g_parts **also;
    size_t n_also;
    bool force; /* they may differ */
};

/* How a program makes documents from something that is not a stream. */
struct t5g_maker {
    const char *unit; /* as in struct t5g_stage */
    /* Turn to the next document: 1 and its id, which lives until the next call; 0 after the last
     * one; -1 with e: the run ends with this error. */
    int (*next)(void *arg, const char **id, size_t *id_len, struct t5g_err *e);
    /* Write it and call t5g_run_done. -1 with e: it failed, and nothing of it is written. Ends the
     * process on write errors. */
    int (*write)(void *arg, struct t5g_run *run, struct t5g_err *e);
    void *arg;
    struct t5g_head_entry own; /* for HEAD */
};

/*
 * A member of an archive was skipped: count it for --stats, and name it with -v. Without a member
 * (NULL), warn about the input. For struct t5g_corpus_options, and for t5g_reader_notes, to which
 * t5g_run_open gives it; programs that read streams and write none do so themselves.
 */
void t5g_run_note(const char *input, const char *member, const char *what);

/*
 * t5g_options_parse for a program that writes a stream. From here on, if standard output is a pipe
 * and -o is not given, an end with a fault, even a wrong option, is reported to the program that
 * reads the pipe: HEAD, ERROR, END.
 */
int t5g_run_options(const struct t5g_program *p, int argc, char **argv);

/* Open the output and the writer. Dies (64, 73). */
void t5g_run_open(struct t5g_run *r);

/*
 * Read the first HEAD of `in`, compare identities, write this program's own HEAD, and process every
 * document with the stage. 0, or -1 with e, the reason why the run ended early, for t5g_run_close:
 * 65 if identities differ.
 */
int t5g_run_through(struct t5g_run *r, const struct t5g_stage *s, struct t5g_source *in,
                    struct t5g_err *e);

/*
 * Write HEAD, then make every document. One that fails becomes DOC and ERROR. 0, or -1 with e, the
 * reason why the run ended early, for t5g_run_close.
 */
int t5g_run_make(struct t5g_run *r, const struct t5g_maker *m, struct t5g_err *e);

/* The document with this id failed here: print a message on stderr and write DOC and ERROR frames
 * (ends the process on write errors). If the document is open in the writer, only the ERROR frame
 * is written. open may be NULL: then a new DOC frame is written. */
void t5g_run_fail(struct t5g_run *r, const char *id, size_t id_len, const struct t5g_frame *open,
                  const struct t5g_err *e);

/* Pass on a document that arrived as failed, and count it. */
void t5g_run_pass_failed(struct t5g_run *r, const struct t5g_doc *d);

/* Count a document that was written, without a failure or as a failed one. */
void t5g_run_done(struct t5g_run *r, uint64_t units);
void t5g_run_failed(struct t5g_run *r);

/*
 * Write END, commit or discard the output, print statistics, and return the exit status. e is the
 * reason why the input ended early, NULL if all of it was read. Its message is printed, and written
 * as an ERROR before END. A fault that the input reports is copied unchanged before END, and
 * printed only by the last program of a pipeline (or with -v).
 */
int t5g_run_close(struct t5g_run *r, const struct t5g_err *e);

/*
 * The end of a program that writes text. e is the reason why it ended early, NULL if everything is
 * written. Prints e and discards the output, or commits the output; prints statistics. Returns the
 * exit status: the code of e, the code of a fault at the end, or `status`.
 */
int t5g_run_end_text(int status, const struct t5g_err *e);

#endif
