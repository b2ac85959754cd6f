/* bug.h: the two ways the library ends a process: our own mistake, and no memory. */
#ifndef T5G_BUG_H
#define T5G_BUG_H

#include "base/base.h"

/* What messages of these two begin with; "t5g" at first. `name` stays the caller's. */
void t5g_bug_name(const char *name);

/* A state only a programming error can lead to: "NAME: bug: WHAT" on stderr and SIGABRT. */
T5G_NORETURN void t5g_bug(const char *what);

/* Called before a process ends for want of memory; it may not allocate. NULL: nothing. */
void t5g_out_of_memory_hook(void (*last)(const char *msg));

/* "NAME: out of memory (N bytes wanted)" on stderr and exit status 71. */
T5G_NORETURN void t5g_out_of_memory(size_t bytes);

#endif
