/* message.c: messages, and ending a program with one. */
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

/* One write, so that lines of several programs on a terminal do not mix. */
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

/*
 * The part of msg after "NAME: ", or all of it. In a document's id, ill-formed bytes have become
 * U+FFFD; msg may have them escaped.
 */
static const char *
behind_name(const char *msg, const char *name)
{
    static const char unknown[] = "\xEF\xBF\xBD";
    const char *at = msg;
    while (*name != '\0') {
        bool bytes = strncmp(at, "\\x", 2) == 0 && at[2] >= '8';
        if (bytes && strncmp(name, unknown, 3) == 0) {
            for (; strncmp(name, unknown, 3) == 0; name += 3)
                continue;
            for (; strncmp(at, "\\x", 2) == 0 && at[2] >= '8' && at[3] != '\0'; at += 4)
                continue;
        } else if (*at++ != *name++) {
            return msg;
        }
    }
    return strncmp(at, ": ", 2) == 0 ? at + 2 : msg;
}

void
t5g_warn_doc(const char *id, size_t n, const char *tool, const char *msg)
{
    struct t5g_err name; /* the id as messages show it */
    t5g_err_set(&name, 0, "%.*s", n > 0 ? (int)t5g_min(n, 1000) : 2, n > 0 ? id : "''");
    msg = behind_name(msg, name.msg);
    t5g_warn("%s: %s%s%s%s", name.msg, tool != NULL ? "failed in " : "", tool != NULL ? tool : "",
             tool != NULL ? ": " : "", msg);
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

/* Print the message and the hint, end the output, and exit. */
T5G_PRINTF(3, 0)
T5G_NORETURN static void
end(int code, bool hint, const char *fmt, va_list ap)
{
    struct t5g_err e;
    const char *name = t5g_program_name();
    vsnprintf(e.msg, sizeof e.msg, fmt, ap);
    t5g_stop_hold(); /* no signal may end it a second time */
    t5g_err_set(&e, code, "%s", e.msg);
    t5g_last_words(code, e.msg);
    t5g_progress_clear();
    if (hint)
        fprintf(stderr, "%s: %s\n%s: try '%s --help'\n", name, e.msg, name, name);
    else
        fprintf(stderr, "%s: %s\n", name, e.msg);
    t5g_output_discard();
    exit(code);
}

void
t5g_die(int code, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    end(code, false, fmt, ap);
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
    end(T5G_EX_USAGE, true, fmt, ap);
}
