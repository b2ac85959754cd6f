/* bug.h: the two ways in which the library ends a process: a bug, and lack of memory. */
#ifndef T5G_BUG_H
#define T5G_BUG_H

#include "base/base.h"

/* The program name that both messages begin with; "t5g" by default. `name` is not copied. */
void t5g_bug_name(const char *name);

/* For a state that only a programming error can cause: "NAME: bug: WHAT" on stderr and SIGABRT. */
T5G_NORETURN void t5g_bug(const char *what);

/* Call `last`, which must not allocate, before the process ends for lack of memory. NULL: none. */
void t5g_out_of_memory_hook(void (*last)(const char *msg));

/* "NAME: out of memory (N bytes wanted)" on stderr and exit status 71. */
T5G_NORETURN void t5g_out_of_memory(size_t bytes);

#endif
