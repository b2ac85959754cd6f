/* start.c: the first steps of a program: descriptors, stack, signals; and the number of threads. */
#include "cli/start.h"
#include "base/bug.h"
#include "base/num.h"
#include "base/own.h"
#include "base/threads.h"
#include "cli/message.h"
#include "cli/program.h"
#include "cli/signals.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

enum { STACK_LEAST = 1 << 20 }; /* bytes */

static void
warn(const char *line)
{
    t5g_warn("cache: %s", line);
}

/* With a very small ulimit -s, the first deep call would raise SIGSEGV. */
static void
check_stack(void)
{
    struct rlimit r;
    if (getrlimit(RLIMIT_STACK, &r) < 0 || r.rlim_cur >= STACK_LEAST)
        return;
    r.rlim_cur = t5g_min(r.rlim_max, STACK_LEAST);
    if (r.rlim_max >= STACK_LEAST && setrlimit(RLIMIT_STACK, &r) == 0)
        return;
    char line[160]; /* t5g_die might need too much stack */
    int n =
        snprintf(line, sizeof line, "%s: a stack of %llu KiB is too small: raise ulimit -s to %d\n",
                 t5g_program_name(), (unsigned long long)r.rlim_max >> 10, STACK_LEAST >> 10);
    (void)!write(STDERR_FILENO, line, (size_t)n);
    _exit(T5G_EX_OS);
}

void
t5g_start(const char *name)
{
    t5g_program_set_name(name);
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
    if (t5g_num_u64("T5G_THREADS", s, 1, 1024, &n, &e) < 0)
        t5g_usage("%s", e.msg);
    return (size_t)n;
}
