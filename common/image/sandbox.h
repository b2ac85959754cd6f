/*
 * sandbox.h: one job at a time in a new child that can only compute.
 *
 * A small process is forked at t5g_sandbox_open, before the program has threads, weights or inputs;
 * it forks the children. A child has only the memory mapped before, limits of CPU time and files,
 * no descriptor but a pipe without reader, and then either SECCOMP_MODE_STRICT, or, if a
 * container's own filter makes that impossible, a filter that allows only the call `exit`.
 */
#ifndef T5G_SANDBOX_H
#define T5G_SANDBOX_H

#include "base/err.h"

enum t5g_sandbox_mode {
    T5G_SANDBOX_AUTO,    /* strict if the system can, else limits */
    T5G_SANDBOX_REQUIRE, /* strict, or refuse to open (69) */
    T5G_SANDBOX_OFF,     /* limits only */
};

struct t5g_sandbox;

/*
 * The children will run job(arg) with memory as it is now; the caller sees only what they write to
 * MAP_SHARED mappings. They are stopped after cpu_seconds. Call it while the process has one
 * thread. NULL with e (69, 71).
 */
struct t5g_sandbox *t5g_sandbox_open(enum t5g_sandbox_mode mode, void (*job)(void *arg), void *arg,
                                     unsigned cpu_seconds, struct t5g_err *e);
void t5g_sandbox_close(struct t5g_sandbox *s);

/* Whether children cannot make system calls; false: they have limits only. */
bool t5g_sandbox_strict(const struct t5g_sandbox *s);

/*
 * Run the job once. 0: it ended normally. -1 with e: 65 if the child died ("killed by signal 9
 * (Killed)"), 71 if the system failed.
 */
int t5g_sandbox_run(struct t5g_sandbox *s, struct t5g_err *e);

#endif
