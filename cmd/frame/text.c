/* text.c: text output, for people and line tools; operands. */
#include "verbs.h"
#include "base/escape.h"
#include "base/io.h"
#include "base/stop.h"

#include <string.h>
#include <unistd.h>

/* Before a signal ends the program, write what was complete at the last text_send. */
static void
last_lines(void *arg, int code, const char *msg)
{
    const struct text *t = arg;
    (void)code;
    (void)msg;
    for (size_t at = 0; at < t->whole;) {
        ssize_t r = write(t->fd, t->out.p + at, t->whole - at);
        if (r < 0)
            return;
        at += (size_t)r;
    }
}

void
text_open(struct text *t)
{
    struct t5g_err e;
    *t = (struct text){0};
    t5g_reader_notes(t5g_run_note);
    t->fd = t5g_output_open(t5g_common.output, false, &e);
    if (t->fd < 0)
        t5g_die_err(&e);
    t5g_signals_last(last_lines, t);
}

static void
drain(struct text *t)
{
    struct t5g_err e;
    t5g_stop_hold();
    struct t5g_buf shown = {0};
    size_t n = t->out.n;
    const char *p = t->out.p;
    if (t->json && isatty(t->fd)) {
        t5g_escape_json(&shown, p, n);
        p = shown.p;
        n = shown.n;
    }
    t->whole = t->out.n = 0;
    if (n > 0 && t5g_write_full(t->fd, t5g_output_name(), p, n, &e) < 0)
        t5g_die_err(&e);
    t5g_buf_free(&shown);
    t5g_stop_release();
}

void
text_send(struct text *t)
{
    /* To a terminal at once: last_lines could not escape what a signal finds here. */
    if (t->out.n >= 1 << 15 || (t->json && isatty(t->fd)))
        drain(t);
    t->whole = t->out.n;
}

int
text_end(struct text *t, int status, const struct t5g_err *e)
{
    drain(t);
    t5g_signals_last(NULL, NULL);
    t5g_buf_free(&t->out);
    return t5g_run_end_text(status, e);
}

char **
operands_of(int argc, char **argv, int first, size_t *n)
{
    static char dash[] = "-", *standard[] = {dash};
    *n = first < argc ? (size_t)(argc - first) : 1;
    return first < argc ? argv + first : standard;
}

void
put_escaped(struct t5g_buf *b, const char *s, size_t n)
{
    t5g_escape(b, s, n, true);
}

void
put_shape(struct t5g_buf *b, const struct t5g_frame *f)
{
    if (f->kind != T5G_KIND_TENSOR) {
        if (f->kind == T5G_KIND_TEXT)
            t5g_buf_printf(b, "text[%llu]", (unsigned long long)f->size);
        else
            t5g_buf_printf(b, "%c[%llu]", f->kind, (unsigned long long)f->size);
        return;
    }
    t5g_buf_printf(b, "%s[", t5g_dtype_name(f->dtype));
    t5g_frame_put_dims(b, f);
    t5g_buf_addc(b, ']');
}

void
put_reason(struct t5g_buf *b, const struct t5g_frame *error)
{
    struct t5g_buf keep = {0};
    struct t5g_cause c = t5g_cause_read(error, 0, &keep);
    if (c.tool != NULL)
        t5g_buf_printf(b, "%s: ", c.tool);
    t5g_buf_adds(b, c.msg);
    t5g_buf_free(&keep);
}
