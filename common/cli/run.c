/* run.c: the frame around a program that writes a stream. */
#include "cli/run.h"
#include "base/io.h"
#include "cli/output.h"
#include "cli/progress.h"
#include "cli/signals.h"

#include <stdio.h>
#include <string.h>

static void
written(int result, const struct t5g_err *e)
{
    if (result < 0)
        t5g_die_err(e);
}

/* Whoever waits for input lets go what the next program could work on meanwhile. */
static void
let_go(int fd, void *writer)
{
    struct t5g_err e;
    if (t5g_writer_holds(writer) && t5g_would_block(fd))
        written(t5g_writer_flush(writer, &e), &e);
}

void
t5g_run_open(struct t5g_run *r)
{
    struct t5g_err e;
    *r = (struct t5g_run){0};
    t5g_signals_install();
    int fd = t5g_output_open(t5g_common.output, true, &e);
    if (fd < 0)
        t5g_die_err(&e);
    r->w = t5g_writer_open(fd, t5g_output_name());
    t5g_before_reading(let_go, r->w);
}

/* Files made with another model have the right shapes and the wrong meaning. */
static int
same_model(const char *theirs, const char *ours, struct t5g_err *e)
{
    if (theirs[0] == '\0' || ours == NULL || ours[0] == '\0' || strcmp(theirs, ours) == 0)
        return 0;
    return t5g_err_set(e, T5G_EX_DATA,
                       "made with another model: %s, this one is %s (--force takes it)", theirs,
                       ours);
}

int
t5g_run_start(struct t5g_run *r, struct t5g_source *in, const struct t5g_tokenizer_id *tok,
              const char *model, const char *num, bool force, struct t5g_err *e)
{
    if (t5g_source_start(in, e) < 0)
        return -1;
    const struct t5g_head *h = t5g_source_head(in);
    if (tok != NULL && tok->id[0] == '\0')
        tok = NULL;
    if ((!force && tok != NULL && h->tok[0] != '\0' && t5g_tokenizer_check(tok, h->tok, e) < 0) ||
        (!force && same_model(h->model, model, e) < 0))
        return t5g_err_in(e, "%s", t5g_source_name(in));
    char *meta = t5g_head_make(h, t5g_program_name(), tok != NULL ? tok->id : NULL, model, num);
    struct t5g_err io = {0};
    t5g_note("model %s, %s weights, %zu threads", model, num, t5g_thread_count());
    written(t5g_writer_head(r->w, meta, &io), &io);
    t5g_free(meta);
    t5g_source_pass(in, r->w); /* notes between documents travel on */
    return 0;
}

void
t5g_run_fail(struct t5g_run *r, const char *id, size_t id_len, const struct t5g_frame *open,
             const struct t5g_err *e)
{
    struct t5g_err io = {0};
    t5g_warn("%.*s: %s", (int)t5g_min(id_len, 1000), id, e->msg);
    if (!t5g_writer_in_doc(r->w)) {
        if (open != NULL)
            written(t5g_writer_frame(r->w, open, &io), &io);
        else
            written(t5g_writer_doc(r->w, id, id_len, NULL, &io), &io);
    }
    written(t5g_writer_error(r->w, t5g_program_name(), e->code, e->msg, &io), &io);
    t5g_progress_doc(true);
    r->stop = t5g_common.on_error == 1;
}

void
t5g_run_pass_failed(struct t5g_run *r, const struct t5g_doc *d)
{
    struct t5g_err io = {0};
    written(t5g_doc_write(r->w, d, NULL, NULL, &io), &io);
    t5g_progress_doc(true);
    r->stop = t5g_common.on_error == 1;
}

void
t5g_run_done(struct t5g_run *r, uint64_t units)
{
    (void)r;
    t5g_progress_add(units);
    t5g_progress_doc(false);
}

bool
t5g_run_stopping(const struct t5g_run *r)
{
    return r->stop || t5g_stop_requested();
}

int
t5g_run_close(struct t5g_run *r, const struct t5g_err *e)
{
    struct t5g_err own = {0}, io = {0};
    int status = T5G_EX_OK;
    if (e == NULL && r->stop)
        t5g_err_set(&own, T5G_EX_DATA, "stopped at the first failed document (--on-error stop)");
    else if (e == NULL && t5g_stop_requested())
        t5g_err_set(&own, T5G_EX_AGAIN, "stopped by SIGTERM; documents so far are complete");
    if (e == NULL && own.code != 0)
        e = &own;
    if (e != NULL) {
        status = e->code;
        t5g_progress_clear();
        fprintf(stderr, "%s: %s\n", t5g_program_name(), e->msg);
        /* Explained in-band, so that the next program can say it too. */
        if (t5g_writer_started(r->w))
            written(t5g_writer_error(r->w, t5g_program_name(), e->code, e->msg, &io), &io);
    }
    if (t5g_writer_started(r->w))
        written(t5g_writer_end(r->w, status, &io), &io);
    if (status == T5G_EX_OK && t5g_writer_docs_failed(r->w) > 0)
        status = T5G_EX_DOCS;
    if (status == T5G_EX_OK || status == T5G_EX_DOCS)
        written(t5g_output_commit(&io), &io);
    else
        t5g_output_discard();
    t5g_progress_end();
    t5g_before_reading(NULL, NULL);
    t5g_writer_free(r->w);
    return status;
}
