/*
 * timed.c: run a program once and say what it took.
 *
 * usage: timed [-m] PROGRAM [ARGUMENT ...]
 *
 * Standard input is the program's; its standard output goes to /dev/null. Prints one line: seconds
 * from before fork to after wait, seconds of processor time, peak resident MiB, and with -m
 * peak MiB that are not backed by a file (RssAnon and RssShmem, looked up every millisecond), else
 * 0. The exit status is the program's.
 */
#include "clock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

static double
seconds(struct timeval t)
{
    return (double)t.tv_sec + (double)t.tv_usec * 1e-6;
}

/* KiB of memory of `pid` without a file behind it; 0 when it is gone. */
static long
anonymous(pid_t pid)
{
    char path[64], line[256];
    long anon = 0, shm = 0;
    snprintf(path, sizeof path, "/proc/%ld/status", (long)pid);
    FILE *f = fopen(path, "r");
    if (f == NULL)
        return 0;
    while (fgets(line, sizeof line, f) != NULL) {
        if (strncmp(line, "RssAnon:", 8) == 0)
            anon = strtol(line + 8, NULL, 10);
        if (strncmp(line, "RssShmem:", 9) == 0)
            shm = strtol(line + 9, NULL, 10);
    }
    fclose(f);
    return anon + shm;
}

/* Until the other end of `stop` is closed, look at the memory of pid; write the peak to `report`.
 */
static int
watch(pid_t pid, int stop, int report)
{
    long peak = 0;
    char c;
    fcntl(stop, F_SETFL, O_NONBLOCK);
    while (read(stop, &c, 1) < 0 && errno == EAGAIN) {
        long a = anonymous(pid);
        peak = a > peak ? a : peak;
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    }
    return write(report, &peak, sizeof peak) == sizeof peak ? 0 : 74;
}

int
main(int argc, char **argv)
{
    bool memory = argc > 1 && strcmp(argv[1], "-m") == 0;
    argv += 1 + memory;
    if (argv[0] == NULL) {
        fprintf(stderr, "usage: timed [-m] PROGRAM [ARGUMENT ...]\n");
        return 64;
    }
    double start = now();
    pid_t pid = fork();
    if (pid < 0)
        return 71;
    if (pid == 0) {
        int null = open("/dev/null", O_WRONLY);
        if (null < 0 || dup2(null, STDOUT_FILENO) < 0)
            _exit(71);
        execvp(argv[0], argv);
        fprintf(stderr, "timed: %s: %s\n", argv[0], strerror(errno));
        _exit(66);
    }
    int stop[2], report[2], status;
    if (memory) {
        if (pipe(stop) < 0 || pipe(report) < 0)
            return 71;
        if (fork() == 0) {
            close(stop[1]);
            _exit(watch(pid, stop[0], report[1]));
        }
    }
    struct rusage use;
    while (wait4(pid, &status, 0, &use) < 0 && errno == EINTR) {
    }
    double took = now() - start;
    long peak = 0;
    if (memory) {
        close(stop[1]);
        close(report[1]);
        if (read(report[0], &peak, sizeof peak) != sizeof peak)
            return 74;
    }
    printf("%.5f %.5f %.1f %.1f\n", took, seconds(use.ru_utime) + seconds(use.ru_stime),
           (double)use.ru_maxrss / 1024, (double)peak / 1024);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
