/* common.c: start, messages, exit, and where the model is. */
#include "cli/common.h"
#include "base/io.h"
#include "base/num.h"
#include "base/own.h"
#include "base/pool.h"
#include "cli/installed.h"
#include "cli/output.h"
#include "cli/progress.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct t5g_common t5g_common;
static const char *program = "t5g";

static void
warn(const char *line)
{
    t5g_warn("cache: %s", line);
}

void
t5g_start(const char *name)
{
    program = name;
    t5g_own_warn(warn);
    /*
     * A closed descriptor 0-2 would be handed to the next file opened. It is filled so that using
     * it still fails: standard input with a descriptor that cannot be read, standard output with
     * one that cannot be written.
     */
    for (int fd = 0; fd <= 2; fd++)
        if (fcntl(fd, F_GETFD) < 0 && errno == EBADF)
            (void)!open("/dev/null", fd == 1 ? O_RDONLY : O_WRONLY);
    signal(SIGXFSZ, SIG_IGN); /* a file size limit shows as EFBIG, with a message */
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
    va_list ap;
    va_start(ap, fmt);
    say(fmt, ap);
    va_end(ap);
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

const char *
t5g_model_path(void)
{
    const char *path = t5g_common.model;
    struct stat st;
    if (path == NULL)
        path = getenv("T5G_MODEL");
    if (path == NULL || path[0] == '\0') {
        path = t5g_installed_model();
        if (path == NULL)
            t5g_die(T5G_EX_NOINPUT,
                    "no model: give -m MODEL or set T5G_MODEL (without /proc the "
                    "installed one is found only if %s is started by its path)",
                    program);
        if (stat(path, &st) < 0)
            t5g_die(T5G_EX_NOINPUT,
                    "no model: give -m MODEL or set T5G_MODEL (none is installed as %s: %s)", path,
                    strerror(errno));
    }
    if (stat(path, &st) < 0) {
        struct t5g_err e;
        t5g_err_sys(&e, T5G_EX_NOINPUT, "%s: cannot open model", path);
        t5g_die_err(&e);
    }
    if (!S_ISDIR(st.st_mode) && !S_ISREG(st.st_mode))
        t5g_die(T5G_EX_NOINPUT, "%s: neither a model directory nor a packed model", path);
    return path;
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
