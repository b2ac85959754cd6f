/*
 * run.h: a program that writes a stream: output, the loop over documents, their faults, END, exit
 * status.
 */
#ifndef T5G_RUN_H
#define T5G_RUN_H

#include "cli/message.h"
#include "cli/program.h"
#include "cli/start.h"
#include "stream/document.h"
#include "text/tokenizer.h"

struct t5g_run {
    struct t5g_writer *w;
    struct t5g_source *in; /* what t5g_run_start was given */
    bool stop;             /* --on-error stop met a failed document: leave the loop */
};

enum { T5G_BATCH_MAX = 64 };

/* Documents in hand at once, [n] in the order of the input, failed ones too. */
struct t5g_batch {
    struct t5g_doc docs[T5G_BATCH_MAX];
    size_t n;
};

/* What a program does to the documents of a stream. */
struct t5g_stage {
    const char *unit; /* of the counter beside documents: "tokens" */
    /*
     * Documents are taken together until tensor `rows` of all has `most` rows or more,
     * T5G_BATCH_MAX are there, or the next one would have to be waited for. rows NULL: one at a
     * time.
     */
    const char *rows;
    size_t most;
    /*
     * Write every document of b, in order; return early where run->stop is set. -1 with e: the run
     * ends with that. Dies on write errors.
     */
    int (*take)(void *arg, struct t5g_run *run, const struct t5g_batch *b, struct t5g_err *e);
    void *arg;
    const struct t5g_tokenizer_id *tok; /* these: see t5g_run_start */
    const char *model, *num;
    bool force;
};

/*
 * Members of archives that are passed over are counted for --stats and named with -v. Called by
 * t5g_run_open; for programs that read streams and write none.
 */
void t5g_run_notes(void);

/*
 * t5g_options_parse of a program that writes a stream. From here on an end with a fault, the misuse
 * of an option too, is told to the program that reads standard output, if it is a pipe and -o is
 * not given: HEAD, ERROR, END.
 */
int t5g_run_options(const struct t5g_program *p, int argc, char **argv);

/* Open the output and the writer. Dies (64, 73). */
void t5g_run_open(struct t5g_run *r);

/*
 * Read the first HEAD of `in`, compare it with this program's tokenizer and model identities (NULL
 * or one that is "": not compared; -1 with e (65) where they differ, unless force), and write this
 * program's own HEAD.
 */
int t5g_run_start(struct t5g_run *r, struct t5g_source *in, const struct t5g_tokenizer_id *tok,
                  const char *model, const char *num, bool force, struct t5g_err *e);

/*
 * t5g_run_start, and every document of `in` through the stage. 0, or -1 with e: what ended it
 * early, for t5g_run_close.
 */
int t5g_run_through(struct t5g_run *r, const struct t5g_stage *s, struct t5g_source *in,
                    struct t5g_err *e);

/* The document of this id failed here: message on stderr, DOC and ERROR frames (dies on write
 * errors). A document that is open in the writer is closed by the ERROR frame alone. open may be
 * NULL: then a fresh DOC frame is written. */
void t5g_run_fail(struct t5g_run *r, const char *id, size_t id_len, const struct t5g_frame *open,
                  const struct t5g_err *e);

/* Pass a document that arrived failed, and count it. */
void t5g_run_pass_failed(struct t5g_run *r, const struct t5g_doc *d);

/* A document went out well. */
void t5g_run_done(struct t5g_run *r, uint64_t units);

/* True when the loop must end: --on-error stop. (SIGTERM asks nobody: cli/signals.h.) */
bool t5g_run_stopping(const struct t5g_run *r);

/*
 * Write END, commit or discard the output, print statistics, and return the exit status. e: what
 * ended the input early, NULL when all was read. Its message is printed, and stands before END; of
 * a fault that the input reports, what stands before END is that report as it came, and it is
 * printed by the last program of a pipeline only (or with -v).
 */
int t5g_run_close(struct t5g_run *r, const struct t5g_err *e);

/*
 * The end of a program that writes text. e: what ended it early, NULL when all is written. Print it
 * and discard the output, or commit that; print statistics. Returns the exit status: e's code, that
 * of a fault at the end, or `status`.
 */
int t5g_run_end_text(int status, const struct t5g_err *e);

#endif
