/* start.h: what a program does first, and how many threads it has. */
#ifndef T5G_START_H
#define T5G_START_H

#include "base/base.h"

/*
 * Call first in main: program name for messages, descriptors 0-2 open, a stack that is large
 * enough, handlers of signals (signals.h).
 */
void t5g_start(const char *program);

/* Total threads to use: -t, T5G_THREADS (64 when malformed), or the processors at hand. */
size_t t5g_thread_count(void);

#endif
