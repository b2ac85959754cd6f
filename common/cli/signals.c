/*
 * signals.c: signals that end a program.
 *
 * SIGTERM ends the program inside its handler, wherever it is: in a matrix product, a compressed
 * archive, an open() that waits for the other end of a FIFO. The handler writes what is complete,
 * removes what is not, says so and ends the process with its worker threads. It runs in the main
 * thread and calls nothing that takes memory or locks. It waits only while something is written
 * that must be whole (base/stop.h); a timer ends the wait if the output is not read.
 */
#include "cli/signals.h"
#include "base/bug.h"
#include "base/map.h"
#include "base/stop.h"
#include "base/temporary.h"
#include "base/threads.h"
#include "cli/program.h"
#include "cli/progress.h"

#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

enum {
    PATIENCE_US = 700000, /* for output that must be whole */
    TWICE_MS = 100,       /* timeout(1) sends two at once */
    ALTERNATE = 1 << 16,  /* bytes of the handlers' stack, in case the normal one is exhausted */
};

static struct {
    pid_t owner;                             /* handlers act differently in children */
    bool deaf;                               /* SIGALRM was ignored at the start */
    volatile sig_atomic_t asked, done, late; /* late: came when it was done */
    struct timespec since;
    void (*fn)(void *arg, int code, const char *msg);
    void *arg;
    volatile sig_atomic_t working;
    struct t5g_err id; /* its message is the escaped id */
    size_t others;
    const char *file; /* unfinished */
    const char *rest; /* what is given up after a complete output; NULL: documents */
} at;

static atomic_flag ending = ATOMIC_FLAG_INIT;

/* Only one thread ends the process; others wait for that. */
static void
begin_to_end(void)
{
    while (atomic_flag_test_and_set(&ending))
        pause();
}

/* ---- messages without stdio ---- */

struct line {
    char p[4096];
    size_t n;
};

static void
put(struct line *l, const char *s)
{
    size_t n = t5g_min(strlen(s), sizeof l->p - 2 - l->n);
    memcpy(l->p + l->n, s, n);
    l->n += n;
    l->p[l->n] = '\0';
}

static void
put_number(struct line *l, uint64_t v)
{
    char digits[24];
    size_t i = sizeof digits - 1;
    digits[i] = '\0';
    do
        digits[--i] = (char)('0' + v % 10);
    while ((v /= 10) > 0);
    put(l, digits + i);
}

/* To stderr, as t5g_die would. */
static void
say(const char *msg)
{
    struct line l = {.n = 0};
    if (t5g_progress_shown())
        put(&l, "\r\x1b[K");
    put(&l, t5g_program_name());
    put(&l, ": ");
    put(&l, msg);
    l.p[l.n++] = '\n';
    (void)!write(STDERR_FILENO, l.p, l.n);
}

/* How many documents are complete, and which are given up. */
static void
describe_documents(struct line *l)
{
    uint64_t docs = t5g_progress_docs();
    if (docs > 0 || at.working) {
        put(l, ": ");
        if (docs > 0)
            put_number(l, docs);
        put(l, docs == 0   ? "no document is complete"
               : docs == 1 ? " document is complete"
                           : " documents are complete");
    }
    if (at.working) {
        put(l, ", '");
        put(l, at.id.msg);
        put(l, "'");
        if (at.others > 0) {
            put(l, " and ");
            put_number(l, at.others);
            put(l, at.others == 1 ? " other" : " others");
        }
        put(l, at.others > 0 ? " are given up" : " is given up");
    }
}

/* Say what was done and what was not. */
static void
describe(struct line *l, bool cut)
{
    put(l, "stopped by SIGTERM");
    if (at.rest == NULL) {
        describe_documents(l);
    } else {
        put(l, ": ");
        put(l, at.rest);
    }
    if (at.file != NULL) {
        put(l, "; ");
        put(l, at.file);
        put(l, " is not written");
    } else if (cut) {
        put(l, "; the output is cut: nobody reads it");
    }
}

/* ---- ends ---- */

T5G_NORETURN static void
stop(bool cut)
{
    struct line l = {.n = 0};
    describe(&l, cut);
    signal(SIGPIPE, SIG_IGN);
    t5g_temporary_remove_all();
    if (!cut)
        t5g_last_words(T5G_EX_AGAIN, l.p);
    say(l.p);
    _exit(T5G_EX_AGAIN);
}

static void
stop_now(void)
{
    begin_to_end();
    stop(false);
}

/* Once the output is complete, a signal must not change the status. */
static void
die_of(int sig)
{
    if (getpid() == at.owner && at.done) {
        at.late = sig;
        return;
    }
    if (getpid() == at.owner)
        t5g_temporary_remove_all();
    signal(sig, SIG_DFL);
    raise(sig); /* delivered when this handler returns: the parent sees the true cause */
}

static bool
is_another(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (now.tv_sec - at.since.tv_sec) * 1000 + (now.tv_nsec - at.since.tv_nsec) / 1000000 >
           TWICE_MS;
}

static void
on_term(int sig)
{
    if (getpid() != at.owner) {
        die_of(sig);
        return;
    }
    if (at.done) {
        at.late = sig;
        return;
    }
    if (at.asked) {
        if (is_another())
            die_of(sig);
        return;
    }
    at.asked = 1;
    clock_gettime(CLOCK_MONOTONIC, &at.since);
    setitimer(ITIMER_REAL, &(struct itimerval){.it_value = {0, PATIENCE_US}}, NULL);
    t5g_stop_ask(stop_now);
}

/* Our own timer, or a signal from outside. */
static void
on_alarm(int sig)
{
    if (getpid() == at.owner && at.asked && !at.done)
        stop(true);
    else if (!at.asked && !at.deaf)
        die_of(sig);
}

static void
on_fault(int sig, siginfo_t *info, void *context)
{
    int status;
    bool ours = getpid() == at.owner, sent = info->si_code <= 0;
    (void)context;
    const char *name = ours && sig == SIGBUS && !sent ? t5g_map_at(info->si_addr, &status) : NULL;
    if (name != NULL) {
        struct line l = {.n = 0};
        begin_to_end();
        put(&l, name);
        put(&l, ": was truncated while it was being read");
        signal(SIGPIPE, SIG_IGN);
        t5g_temporary_remove_all();
        if (!t5g_stop_held())
            t5g_last_words(status, l.p);
        say(l.p);
        _exit(status);
    }
    if (ours)
        t5g_temporary_remove_all();
    signal(sig, SIG_DFL); /* the fault occurs again */
    if (sent)
        raise(sig);
}

/* ---- set up ---- */

static bool
ends_by_default(int sig)
{
    static const int others[] = {SIGKILL, SIGSTOP, SIGTSTP, SIGTTIN,  SIGTTOU,
                                 SIGCHLD, SIGCONT, SIGURG,  SIGWINCH, SIGXFSZ};
    for (size_t i = 0; i < T5G_LEN(others); i++)
        if (sig == others[i])
            return false;
    return true;
}

static void
handle(int sig)
{
    struct sigaction now, a = {.sa_flags = SA_ONSTACK | SA_RESTART};
    if (sigaction(sig, NULL, &now) != 0)
        return;
    bool ignored = now.sa_handler == SIG_IGN; /* by nohup, or a shell's background job */
    if (ignored && sig != SIGALRM)
        return;
    at.deaf = at.deaf || ignored;
    if (t5g_is_fault(sig)) {
        a.sa_sigaction = on_fault;
        a.sa_flags |= SA_SIGINFO;
    } else {
        a.sa_handler = sig == SIGTERM ? on_term : sig == SIGALRM ? on_alarm : die_of;
    }
    sigaction(sig, &a, NULL);
}

static void
out_of_memory(const char *msg)
{
    t5g_last_words(T5G_EX_OS, msg);
}

void
t5g_signals_install(void)
{
    static char alternate[ALTERNATE];
    sigaltstack(&(stack_t){.ss_sp = alternate, .ss_size = sizeof alternate}, NULL);
    at.owner = getpid();
    for (int sig = 1; sig <= SIGRTMAX; sig++)
        if (ends_by_default(sig))
            handle(sig);
    sigset_t timer;
    sigemptyset(&timer);
    sigaddset(&timer, SIGALRM);
    sigprocmask(SIG_UNBLOCK, &timer, NULL);
    signal(SIGXFSZ, SIG_IGN); /* a file size limit gives EFBIG, with a message */
    t5g_out_of_memory_hook(out_of_memory);
}

void
t5g_signals_last(void (*fn)(void *arg, int code, const char *msg), void *arg)
{
    at.arg = arg;
    at.fn = fn;
}

void
t5g_last_words(int code, const char *msg)
{
    void (*fn)(void *, int, const char *) = at.fn;
    at.fn = NULL;
    if (fn != NULL)
        fn(at.arg, code, msg);
}

void
t5g_at_work(const char *id, size_t n, size_t others)
{
    at.working = 0;
    if (id == NULL)
        return;
    t5g_err_set(&at.id, 0, "%.*s", (int)t5g_min(n, 200), id);
    at.others = others;
    at.working = 1;
}

void
t5g_signals_unfinished(const char *file)
{
    at.file = file;
}

void
t5g_signals_again(const char *rest)
{
    at.rest = rest;
    at.done = 0;
    if (at.late != 0)
        raise(at.late);
}

void
t5g_signals_done(void)
{
    at.done = 1;
    setitimer(ITIMER_REAL, &(struct itimerval){0}, NULL);
}
