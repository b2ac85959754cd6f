/* program.c: start, messages, exit, and where the model is. */
#include "cli/program.h"
#include "base/bug.h"
#include "base/io.h"
#include "base/num.h"
#include "base/own.h"
#include "base/threads.h"
#include "base/stop.h"
#include "cli/output.h"
#include "cli/progress.h"
#include "cli/signals.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

enum { STACK_LEAST = 1 << 20 }; /* bytes */

struct t5g_common t5g_common;
static const char *program = "t5g";

static void
warn(const char *line)
{
    t5g_warn("cache: %s", line);
}

/* With ulimit -s near nothing the first deep call would be a SIGSEGV. */
static void
check_stack(void)
{
    struct rlimit r;
    if (getrlimit(RLIMIT_STACK, &r) < 0 || r.rlim_cur >= STACK_LEAST)
        return;
    r.rlim_cur = t5g_min(r.rlim_max, STACK_LEAST);
    if (r.rlim_max >= STACK_LEAST && setrlimit(RLIMIT_STACK, &r) == 0)
        return;
    char line[160]; /* t5g_die would need more than there may be */
    int n =
        snprintf(line, sizeof line, "%s: a stack of %llu KiB is too small: raise ulimit -s to %d\n",
                 program, (unsigned long long)r.rlim_max >> 10, STACK_LEAST >> 10);
    (void)!write(STDERR_FILENO, line, (size_t)n);
    _exit(T5G_EX_OS);
}

void
t5g_start(const char *name)
{
    program = name;
    t5g_own_warn(warn);
    check_stack();
    /*
     * A closed descriptor 0-2 would be handed to the next file opened. It is filled so that using
     * it still fails: standard input with a descriptor that cannot be read, standard output with
     * one that cannot be written.
     */
    for (int fd = 0; fd <= 2; fd++)
        if (fcntl(fd, F_GETFD) < 0 && errno == EBADF)
            (void)!open("/dev/null", fd == 1 ? O_RDONLY : O_WRONLY);
    t5g_bug_name(name);
    t5g_signals_install();
}

const char *
t5g_program_name(void)
{
    return program;
}

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
    fprintf(stderr, "%s: %s\n", program, line.msg);
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
    fprintf(stderr, "%s: %s\n", program, e.msg);
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
    fprintf(stderr, "%s: try '%s --help'\n", program, program);
    t5g_output_discard();
    exit(T5G_EX_USAGE);
}

size_t
t5g_thread_count(void)
{
    const char *s = getenv("T5G_THREADS");
    struct t5g_err e;
    uint64_t n;
    if (t5g_common.threads > 0)
        return (size_t)t5g_common.threads;
    if (s == NULL || s[0] == '\0')
        return t5g_cpu_count();
    if (t5g_num_u64("T5G_THREADS", s, 1, 1024, false, &n, &e) < 0)
        t5g_usage("%s", e.msg);
    return (size_t)n;
}
