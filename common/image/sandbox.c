/* sandbox.c: the process that forks the children, and how they give up their rights. */
#include "image/sandbox.h"
#include "base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#if defined(__x86_64__)
#define ARCH AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define ARCH AUDIT_ARCH_AARCH64
#else
#define ARCH 0 /* no filter: strict mode or limits */
#endif

enum level { LIMITS, FILTER, STRICT };

struct t5g_sandbox {
    pid_t zygote;
    int ask, answer; /* pipes: a byte down, a wait status up */
    enum level level;
    unsigned cpu_seconds;
    void (*job)(void *arg);
    void *arg;
};

/* The plain system call exit: strict mode kills at exit_group, which _exit calls. */
T5G_NORETURN static void
leave(int status)
{
    for (;;)
        syscall(SYS_exit, status);
}

/* Set a limit, at most the program's own. */
static bool
set_limit(int what, rlim_t now, rlim_t most)
{
    struct rlimit r;
    if (getrlimit(what, &r) < 0)
        return false;
    return setrlimit(what, &(struct rlimit){t5g_min(now, r.rlim_max), t5g_min(most, r.rlim_max)}) ==
           0;
}

/* The program's signal handlers are not for its children. */
static void
forget_handlers(void)
{
    struct sigaction a;
    for (int sig = 1; sig <= SIGRTMAX; sig++)
        if (sigaction(sig, NULL, &a) == 0 && a.sa_handler != SIG_IGN)
            signal(sig, SIG_DFL);
}

/* Allow `exit` of this architecture; kill at any other call. */
static bool
set_filter(void)
{
    struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ARCH, 0, 3),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_exit, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
    };
    struct sock_fprog program = {T5G_LEN(code), code};
    return ARCH != 0 && prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

/*
 * In the child, for good. Strict mode allows read and write on open descriptors, so all three are
 * the writing end of a pipe without reader, where a write kills by SIGPIPE.
 */
static bool
give_up_rights(enum level level, unsigned cpu_seconds)
{
    static const int deadly[] = {SIGPIPE, SIGXFSZ, SIGXCPU, SIGSEGV, SIGBUS,
                                 SIGILL,  SIGFPE,  SIGABRT, SIGSYS,  SIGTRAP};
    int dead[2];
    forget_handlers();
    for (size_t i = 0; i < T5G_LEN(deadly); i++)
        signal(deadly[i], SIG_DFL);
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
        pipe(dead) != 0)
        return false;
    for (int fd = 0; fd < 3; fd++)
        if (dup2(dead[1], fd) < 0)
            return false;
    close_range(3, ~0U, 0);
    if (!set_limit(RLIMIT_CORE, 0, 0) || !set_limit(RLIMIT_FSIZE, 0, 0) ||
        !set_limit(RLIMIT_NOFILE, 0, 0) || !set_limit(RLIMIT_NPROC, 0, 0) ||
        !set_limit(RLIMIT_CPU, cpu_seconds, cpu_seconds + 1))
        return false;
    return level == LIMITS ||
           (level == FILTER ? set_filter() : prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT) == 0);
}

/* Fork, give up rights, run. The wait status, or -1 if there was no child. */
static int
run_child(enum level level, unsigned cpu_seconds, void (*job)(void *arg), void *arg)
{
    int status;
    pid_t child = fork();
    if (child == 0) {
        if (!give_up_rights(level, cpu_seconds))
            leave(1);
        job(arg);
        leave(0);
    }
    if (child < 0)
        return -1;
    while (waitpid(child, &status, 0) < 0)
        if (errno != EINTR)
            return -1;
    return status;
}

/* Only the two pipes stay open. It ends with the program, however that ends. */
T5G_NORETURN static void
serve(const struct t5g_sandbox *s, pid_t program, int ask, int answer)
{
    static const int of_the_group[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT};
    char byte;
    forget_handlers();
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || getppid() != program)
        leave(1); /* the program has ended already */
    for (size_t i = 0; i < T5G_LEN(of_the_group); i++)
        signal(of_the_group[i], SIG_IGN); /* the program decides when to stop */
    signal(SIGPIPE, SIG_DFL);
    if (dup2(ask, 0) < 0 || dup2(answer, 1) < 0)
        leave(1);
    close_range(2, ~0U, 0);
    while (read(0, &byte, 1) == 1) {
        int status = run_child(s->level, s->cpu_seconds, s->job, s->arg);
        if (write(1, &status, sizeof status) != sizeof status)
            break;
    }
    leave(0);
}

static void
nothing(void *arg)
{
    (void)arg;
}

/* The strictest level at which a child that does nothing exits normally. */
static enum level
find_level(enum t5g_sandbox_mode mode)
{
    enum level level = mode == T5G_SANDBOX_OFF ? LIMITS : STRICT;
    while (level > LIMITS && run_child(level, 1, nothing, NULL) != 0)
        level--;
    return level;
}

struct t5g_sandbox *
t5g_sandbox_open(enum t5g_sandbox_mode mode, void (*job)(void *arg), void *arg,
                 unsigned cpu_seconds, struct t5g_err *e)
{
    int down[2], up[2];
    enum level level = find_level(mode);
    if (level == LIMITS && mode == T5G_SANDBOX_REQUIRE) {
        t5g_err_set(e, T5G_EX_UNAVAIL,
                    "sandbox: this system has neither seccomp's strict mode nor "
                    "its filters");
        return NULL;
    }
    bool piped = pipe2(down, O_CLOEXEC) == 0;
    if (!piped || pipe2(up, O_CLOEXEC) != 0) {
        t5g_err_sys(e, T5G_EX_OS, "sandbox: cannot make a pipe");
        if (piped) {
            close(down[0]);
            close(down[1]);
        }
        return NULL;
    }
    struct t5g_sandbox *s = t5g_alloc(1, sizeof *s);
    *s = (struct t5g_sandbox){.level = level, .cpu_seconds = cpu_seconds, .job = job, .arg = arg};
    pid_t program = getpid();
    s->zygote = fork();
    if (s->zygote == 0)
        serve(s, program, down[0], up[1]);
    s->ask = down[1];
    s->answer = up[0];
    close(down[0]);
    close(up[1]);
    if (s->zygote < 0) {
        t5g_err_sys(e, T5G_EX_OS, "sandbox: cannot fork");
        t5g_sandbox_close(s);
        return NULL;
    }
    return s;
}

void
t5g_sandbox_close(struct t5g_sandbox *s)
{
    if (s == NULL)
        return;
    close(s->ask);
    close(s->answer);
    if (s->zygote > 0)
        while (waitpid(s->zygote, NULL, 0) < 0 && errno == EINTR)
            ;
    t5g_free(s);
}

bool
t5g_sandbox_strict(const struct t5g_sandbox *s)
{
    return s->level != LIMITS;
}

int
t5g_sandbox_run(struct t5g_sandbox *s, struct t5g_err *e)
{
    int status;
    ssize_t r;
    while ((r = write(s->ask, "", 1)) < 0 && errno == EINTR)
        ;
    if (r == 1)
        while ((r = read(s->answer, &status, sizeof status)) < 0 && errno == EINTR)
            ;
    if (r != sizeof status || status == -1)
        return t5g_err_set(e, T5G_EX_OS, "sandbox: cannot start a child");
    if (WIFSIGNALED(status) && WTERMSIG(status) == SIGXCPU)
        return t5g_err_set(e, T5G_EX_DATA, "takes more than %u s to decode (--cpu-limit)",
                           s->cpu_seconds);
    if (WIFSIGNALED(status))
        return t5g_err_set(e, T5G_EX_DATA, "decoder killed by signal %d (%s)", WTERMSIG(status),
                           strsignal(WTERMSIG(status)));
    if (WEXITSTATUS(status) != 0)
        return t5g_err_set(e, T5G_EX_OS, "sandbox: a child could not give up its rights");
    return 0;
}
