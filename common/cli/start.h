/* start.h: the first steps of a program, and its number of threads. */
#ifndef T5G_START_H
#define T5G_START_H

#include "base/base.h"

/*
 * Call first in main. Sets the program name for messages, opens descriptors 0-2 if they are closed,
 * makes sure that the stack is large enough, and installs signal handlers (signals.h).
 */
void t5g_start(const char *program);

/* Number of threads to use: -t, T5G_THREADS (exits with 64 if malformed), or the available
 * processors. */
size_t t5g_thread_count(void);

#endif
