/* run.c: output, the loop over documents, and the end of a program that writes a stream. */
#include "stage/run.h"
#include "base/io.h"
#include "base/stop.h"
#include "cli/output.h"
#include "cli/progress.h"
#include "cli/signals.h"
#include "stream/reader.h"

#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static struct t5g_writer *early; /* for an end before t5g_run_open */

static void
written(int result, const struct t5g_err *e)
{
    if (result < 0)
        t5g_die_err(e);
}

/* Before waiting for input, flush the output, so that the next program can work on it meanwhile. */
static void
let_go(int fd, void *writer)
{
    struct t5g_err e;
    if (t5g_writer_holds(writer) && t5g_would_block(fd))
        written(t5g_writer_flush(writer, &e), &e);
}

/* End the output of a program that ends before t5g_run_close. */
static void
last_words(void *writer, int code, const char *msg)
{
    t5g_writer_abandon(writer, code, t5g_program_name(), code, msg);
}

void
t5g_run_note(const char *input, const char *member, const char *what)
{
    if (member == NULL) {
        t5g_warn("%s: %s", input, what);
        return;
    }
    t5g_note("%s: %s: skipped: %s", input, member, what);
    t5g_progress_skipped();
}

/* Whether the output is a pipe (or socket) that another program reads. */
static bool
into_pipe(void)
{
    struct stat st;
    return t5g_common.output == NULL && fstat(STDOUT_FILENO, &st) == 0 &&
           (S_ISFIFO(st.st_mode) || S_ISSOCK(st.st_mode));
}

static void
first_words(void *writer, int code, const char *msg)
{
    if (into_pipe())
        last_words(writer, code, msg);
}

int
t5g_run_options(const struct t5g_program *p, int argc, char **argv)
{
    early = t5g_writer_open(STDOUT_FILENO, "stdout");
    t5g_signals_last(first_words, early);
    return t5g_options_parse(p, argc, argv);
}

void
t5g_run_open(struct t5g_run *r)
{
    struct t5g_err e;
    *r = (struct t5g_run){0};
    t5g_reader_notes(t5g_run_note);
    int fd = t5g_output_open(t5g_common.output, true, &e);
    if (fd < 0)
        t5g_die_err(&e);
    r->w = t5g_writer_open(fd, t5g_output_name());
    t5g_signals_last(last_words, r->w);
    t5g_writer_free(early);
    early = NULL;
    t5g_before_reading(let_go, r->w);
}

/* For -v. */
static void
note_model(const struct t5g_head_entry *own)
{
    struct t5g_buf b = {0};
    const char *compute = strchr(own->num, '/');
    for (int i = 0; i < T5G_IDS; i++)
        if ((own->made & 1U << i) != 0)
            t5g_buf_printf(&b, ", %s %s", t5g_id_name((enum t5g_id)i), own->parts->id[i]);
    t5g_note("model %s%s, %.*s weights%s%s, %zu threads", own->parts->source, b.p,
             (int)strcspn(own->num, "/"), own->num, compute != NULL ? ", computed in " : "",
             compute != NULL ? compute + 1 : "", t5g_thread_count());
    t5g_buf_free(&b);
}

static void
begin(struct t5g_run *r, const struct t5g_head *in, const struct t5g_head_entry *own)
{
    struct t5g_err io = {0};
    if (own->parts != NULL)
        note_model(own);
    written(t5g_writer_begin(r->w, in, t5g_program_name(), own, &io), &io);
}

/* Whether the stream fits one of the models. -1 with e, of the first. */
static int
check_parts(const struct t5g_stage *s, const struct t5g_head *h, struct t5g_err *e)
{
    struct t5g_err other;
    if (t5g_head_check(h, s->own.parts, s->uses, e) == 0)
        return 0;
    for (size_t i = 0; i < s->n_also; i++)
        if (t5g_head_check(h, s->also[i], s->uses, &other) == 0)
            return 0;
    return -1;
}

/* Compare identities, and write HEAD. */
static int
start(struct t5g_run *r, struct t5g_source *in, const struct t5g_stage *s, struct t5g_err *e)
{
    r->in = in;
    if (t5g_source_start(in, e) < 0)
        return -1;
    const struct t5g_head *h = t5g_source_head(in);
    const struct t5g_tokenizer_id *tok = s->tok != NULL && s->tok->id[0] != '\0' ? s->tok : NULL;
    if ((!s->force && tok != NULL && h->tok[0] != '\0' &&
         t5g_tokenizer_check(tok, h->tok, e) < 0) ||
        (!s->force && s->own.parts != NULL && check_parts(s, h, e) < 0))
        return t5g_err_in(e, "%s", t5g_source_name(in));
    struct t5g_head_entry own = s->own;
    own.tok = tok != NULL ? tok->id : NULL;
    begin(r, h, &own);
    t5g_source_pass(in, r->w); /* pass on notes between documents */
    return 0;
}

static void
clear(struct t5g_batch *b)
{
    for (size_t i = 0; i < T5G_BATCH_MAX && i <= b->n; i++) /* the last one may be a part of one */
        t5g_doc_clear(&b->docs[i]);
    b->n = 0;
}

/* Put the next documents into b. Returns the last result of t5g_source_next: 1, 0 or -1 with e. */
static int
fill(struct t5g_batch *b, struct t5g_source *in, const struct t5g_stage *s, struct t5g_err *e)
{
    size_t rows = 0;
    clear(b);
    t5g_source_release(in);
    do {
        struct t5g_doc *d = &b->docs[b->n];
        int r = t5g_source_next(in, d, e);
        if (r != 1)
            return r;
        const struct t5g_frame *f = d->failed || s->rows == NULL ? NULL : t5g_doc_find(d, s->rows);
        rows += f != NULL && f->ndim > 0 ? (size_t)f->dims[0] : 0;
        b->n++;
    } while (s->rows != NULL && b->n < T5G_BATCH_MAX && rows < s->most && t5g_source_ready(in));
    return 1;
}

int
t5g_run_through(struct t5g_run *r, const struct t5g_stage *s, struct t5g_source *in,
                struct t5g_err *e)
{
    struct t5g_batch *b = t5g_alloc(1, sizeof *b);
    t5g_progress_start(s->unit);
    if (s->rows != NULL)
        t5g_source_hold(in);
    int result = start(r, in, s, e);
    for (int more = 1; result == 0 && more == 1 && !r->stop && !r->enough;) {
        more = fill(b, in, s, e);
        struct t5g_err own = {0};
        if (s->take(s->arg, r, b, &own) < 0) {
            *e = own;
            result = -1;
        } else if (more < 0) {
            result = -1;
        }
    }
    clear(b);
    t5g_free(b);
    return result;
}

int
t5g_run_make(struct t5g_run *r, const struct t5g_maker *m, struct t5g_err *e)
{
    const char *id;
    size_t id_len;
    int more = 1;
    t5g_progress_start(m->unit);
    begin(r, NULL, &m->own);
    while (!r->stop && (more = m->next(m->arg, &id, &id_len, e)) == 1) {
        struct t5g_err own = {0};
        t5g_at_work(id, id_len, 0);
        if (m->write(m->arg, r, &own) < 0)
            t5g_run_fail(r, id, id_len, NULL, &own);
    }
    return more < 0 ? -1 : 0;
}

void
t5g_run_fail(struct t5g_run *r, const char *id, size_t id_len, const struct t5g_frame *open,
             const struct t5g_err *e)
{
    struct t5g_err io = {0};
    t5g_warn_doc(id, id_len, NULL, e->msg);
    t5g_stop_hold();
    if (!t5g_writer_in_doc(r->w)) {
        if (open != NULL)
            written(t5g_writer_frame(r->w, open, &io), &io);
        else
            written(t5g_writer_doc(r->w, id, id_len, NULL, &io), &io);
    }
    written(t5g_writer_error(r->w, t5g_program_name(), e->code, e->msg, &io), &io);
    t5g_run_failed(r);
    t5g_stop_release();
}

void
t5g_run_pass_failed(struct t5g_run *r, const struct t5g_doc *d)
{
    struct t5g_err io = {0};
    t5g_stop_hold();
    written(t5g_doc_write(r->w, d, NULL, NULL, &io), &io);
    t5g_run_failed(r);
    t5g_stop_release();
}

void
t5g_run_done(struct t5g_run *r, uint64_t units)
{
    (void)r;
    t5g_progress_add(units);
    t5g_progress_doc(false);
    t5g_at_work(NULL, 0, 0);
}

void
t5g_run_failed(struct t5g_run *r)
{
    t5g_progress_doc(true);
    t5g_at_work(NULL, 0, 0);
    r->stop = t5g_common.on_error == 1;
}

/* Report why the run ends early, here and to the next program. */
static void
explain(struct t5g_run *r, const struct t5g_err *e)
{
    const struct t5g_cause own = {t5g_program_name(), e->code, e->msg}, *cause = NULL;
    if (r->in != NULL && e->code == T5G_EX_UPSTREAM)
        cause = t5g_source_cause(r->in);
    if (cause == NULL || !into_pipe() || t5g_common.verbose)
        t5g_say("%s", e->msg);
    cause = cause != NULL ? cause : &own;
    t5g_writer_abandon(r->w, e->code, cause->tool, cause->code, cause->msg);
}

int
t5g_run_close(struct t5g_run *r, const struct t5g_err *e)
{
    struct t5g_err own = {0}, io = {0};
    int status = T5G_EX_OK;
    if (e == NULL && r->stop)
        t5g_err_set(&own, T5G_EX_DATA, "stopped at the first failed document (--on-error stop)");
    else if (e == NULL)
        t5g_maps_whole(&own);
    if (e == NULL && own.code != 0)
        e = &own;
    t5g_at_work(NULL, 0, 0);
    t5g_stop_hold();
    if (e != NULL) {
        status = e->code;
        explain(r, e);
    }
    if (e == NULL && t5g_writer_started(r->w))
        written(t5g_writer_end(r->w, status, &io), &io);
    if (e != NULL || t5g_output_unfinished() == NULL)
        t5g_signals_done();
    t5g_stop_release();
    if (status == T5G_EX_OK && t5g_writer_docs_failed(r->w) > 0)
        status = T5G_EX_DOCS;
    if (status == T5G_EX_OK || status == T5G_EX_DOCS)
        written(t5g_output_commit(&io), &io);
    else
        t5g_output_discard();
    t5g_progress_end();
    t5g_before_reading(NULL, NULL);
    t5g_signals_last(NULL, NULL);
    t5g_writer_free(r->w);
    return status;
}

int
t5g_run_end_text(int status, const struct t5g_err *e)
{
    struct t5g_err own = {0};
    if (e == NULL && (t5g_maps_whole(&own) < 0 || t5g_output_commit(&own) < 0))
        e = &own;
    if (e != NULL) {
        t5g_output_discard();
        t5g_say("%s", e->msg);
        status = e->code;
    }
    t5g_progress_end();
    return status;
}
