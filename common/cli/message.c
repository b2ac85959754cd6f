/* message.c: messages, and the end of a program that comes with one. */
#include "cli/message.h"
#include "base/stop.h"
#include "cli/output.h"
#include "cli/program.h"
#include "cli/progress.h"
#include "cli/signals.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* One write, so that lines of several programs on one terminal do not mix. */
T5G_PRINTF(1, 0)
static void
say(const char *fmt, va_list ap)
{
    struct t5g_err line;
    char text[sizeof line.msg];
    vsnprintf(text, sizeof text, fmt, ap);
    t5g_err_set(&line, 0, "%s", text);
    t5g_progress_clear();
    fprintf(stderr, "%s: %s\n", t5g_program_name(), line.msg);
}

void
t5g_say(const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    say(fmt, ap);
    va_end(ap);
}

void
t5g_warn(const char *fmt, ...)
{
    va_list ap;
    if (t5g_common.quiet)
        return;
    va_start(ap, fmt);
    say(fmt, ap);
    va_end(ap);
}

void
t5g_warn_doc(const char *id, size_t n, const char *tool, const char *msg)
{
    if (n > 0 && strlen(msg) > n + 2 && memcmp(msg, id, n) == 0 && memcmp(msg + n, ": ", 2) == 0)
        msg += n + 2;
    t5g_warn("%.*s: %s%s%s%s", (int)t5g_min(n, 1000), id, tool != NULL ? "failed in " : "",
             tool != NULL ? tool : "", tool != NULL ? ": " : "", msg);
}

void
t5g_note(const char *fmt, ...)
{
    va_list ap;
    if (!t5g_common.verbose)
        return;
    va_start(ap, fmt);
    say(fmt, ap);
    va_end(ap);
}

void
t5g_die(int code, const char *fmt, ...)
{
    struct t5g_err e;
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(e.msg, sizeof e.msg, fmt, ap);
    va_end(ap);
    t5g_stop_hold(); /* one end is enough */
    t5g_err_set(&e, code, "%s", e.msg);
    t5g_last_words(code, e.msg);
    t5g_progress_clear();
    fprintf(stderr, "%s: %s\n", t5g_program_name(), e.msg);
    t5g_output_discard();
    exit(code);
}

void
t5g_die_err(const struct t5g_err *e)
{
    t5g_die(e->code, "%s", e->msg);
}

void
t5g_usage(const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    say(fmt, ap);
    va_end(ap);
    fprintf(stderr, "%s: try '%s --help'\n", t5g_program_name(), t5g_program_name());
    t5g_output_discard();
    exit(T5G_EX_USAGE);
}
