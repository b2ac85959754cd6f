/*
 * test_sandbox.c: what a child may not do kills it, and the next one runs. Every attempt also
 * reports through shared memory that it came back, which none may.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "image/sandbox.h"

#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

enum attempt { NOTHING, WRITE, OPEN, SOCKET, FORK, KILL, MAP, CRASH, SPIN };

struct shared {
    enum attempt what;
    int returned;
    unsigned sum;
};

static void
attempt(void *arg)
{
    struct shared *s = arg;
    switch (s->what) {
    case NOTHING:
        s->sum += 42;
        return;
    case WRITE:
        for (int fd = 0; fd < 3; fd++)
            if (write(fd, "x", 1) == 1)
                s->returned = 1;
        break;
    case OPEN:
        open("/etc/passwd", O_RDONLY);
        break;
    case SOCKET:
        socket(AF_INET, SOCK_STREAM, 0);
        break;
    case FORK:
        syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);
        break;
    case KILL:
        kill(getppid(), SIGKILL);
        break;
    case MAP:
        mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        break;
    case CRASH:
        __builtin_trap();
        break;
    case SPIN:
        for (;;)
            s->sum = s->sum * 5 + 1;
    }
    s->returned = 1;
}

static void
test_attempts(void **state)
{
    struct t5g_err e = {0};
    (void)state;
    struct shared *s =
        mmap(NULL, sizeof *s, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_true(s != MAP_FAILED);
    struct t5g_sandbox *box = t5g_sandbox_open(T5G_SANDBOX_AUTO, attempt, s, 1, &e);
    if (box == NULL)
        fail_msg("%s", e.msg);
    if (!t5g_sandbox_strict(box)) {
        t5g_sandbox_close(box);
        skip();
    }
    for (enum attempt what = WRITE; what <= SPIN; what++) {
        *s = (struct shared){.what = what};
        assert_int_equal(t5g_sandbox_run(box, &e), -1);
        assert_int_equal(e.code, T5G_EX_DATA);
        assert_non_null(strstr(e.msg, what == SPIN ? "more than 1 s" : "killed by signal"));
        assert_int_equal(s->returned, 0);
        *s = (struct shared){.what = NOTHING}; /* the next one is none the worse */
        assert_int_equal(t5g_sandbox_run(box, &e), 0);
        assert_int_equal(s->sum, 42);
    }
    t5g_sandbox_close(box);
    munmap(s, sizeof *s);
}

static void
test_modes(void **state)
{
    struct t5g_err e = {0};
    (void)state;
    struct shared *s =
        mmap(NULL, sizeof *s, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_true(s != MAP_FAILED);
    struct t5g_sandbox *box = t5g_sandbox_open(T5G_SANDBOX_OFF, attempt, s, 1, &e);
    assert_non_null(box);
    assert_false(t5g_sandbox_strict(box));
    static const enum attempt dies[] = {WRITE, CRASH, SPIN}; /* by limits alone */
    for (size_t i = 0; i < T5G_LEN(dies); i++) {
        *s = (struct shared){.what = dies[i]};
        assert_int_equal(t5g_sandbox_run(box, &e), -1);
        assert_int_equal(s->returned, 0);
    }
    *s = (struct shared){.what = NOTHING};
    assert_int_equal(t5g_sandbox_run(box, &e), 0);
    assert_int_equal(s->sum, 42);
    t5g_sandbox_close(box);
    box = t5g_sandbox_open(T5G_SANDBOX_REQUIRE, attempt, s, 1, &e);
    assert_true(box != NULL || e.code == T5G_EX_UNAVAIL);
    t5g_sandbox_close(box);
    munmap(s, sizeof *s);
}

/* The descriptor that the next one to be opened gets. */
static int
next_descriptor(void)
{
    int fd = dup(STDERR_FILENO);
    close(fd);
    return fd;
}

/* Without descriptors for its second pipe it is refused, and the first one is closed. */
static void
test_no_descriptors(void **state)
{
    struct t5g_err e = {0};
    struct rlimit was, few;
    int next = next_descriptor();
    (void)state;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &was), 0);
    few = (struct rlimit){(rlim_t)next + 3, was.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
    struct t5g_sandbox *box = t5g_sandbox_open(T5G_SANDBOX_OFF, attempt, NULL, 1, &e);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &was), 0);
    assert_null(box);
    assert_int_equal(e.code, T5G_EX_OS);
    assert_int_equal(next_descriptor(), next);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_attempts),
        cmocka_unit_test(test_modes),
        cmocka_unit_test(test_no_descriptors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
