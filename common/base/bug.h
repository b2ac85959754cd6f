/* bug.h: the two ways the library ends a process: our own mistake, and no memory. */
#ifndef T5G_BUG_H
#define T5G_BUG_H

#include "base/base.h"

/* A state only a programming error can lead to: "t5g: bug: WHAT" on stderr and SIGABRT. */
T5G_NORETURN void t5g_bug(const char *what);

/* "t5g: out of memory (N bytes wanted)" on stderr and exit status 71. */
T5G_NORETURN void t5g_out_of_memory(size_t bytes);

#endif
