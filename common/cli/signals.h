/* signals.h: signals that end a program. */
#ifndef T5G_SIGNALS_H
#define T5G_SIGNALS_H

#include "base/base.h"

/*
 * Called by t5g_start. SIGTERM ends the program with status 75 within a second, wherever it is: see
 * base/stop.h. For every other signal that ends a process, unfinished files are removed before the
 * process dies from it. SIGBUS in a mapped file that was truncated gives a message and status 74 or
 * 76.
 */
void t5g_signals_install(void);

/*
 * Register fn(arg, status, message), which is called before such an end to end the output after
 * what has been written, by the rules of t5g_writer_abandon. NULL: nothing is called.
 */
void t5g_signals_last(void (*fn)(void *arg, int code, const char *msg), void *arg);

/* Call the registered function before any other end with a fault. */
void t5g_last_words(int code, const char *msg);

/* The current document, and how many others are in its batch: abandoned if the program is stopped
 * now. NULL: none. */
void t5g_at_work(const char *id, size_t n, size_t others);

/* The FILE that will not appear if the program is stopped now, set by output.c; NULL: none. The
 * pointer is kept, not copied. */
void t5g_signals_unfinished(const char *file);

/* The output is complete: from now on signals that can be caught have no effect. */
void t5g_signals_done(void);

/*
 * More is to be done after a complete output: signals have their effect again, one that came
 * meanwhile at once, and leave the output. rest: what the message about SIGTERM says instead of
 * counting documents ("the report is not made"); the pointer is kept, not copied.
 */
void t5g_signals_again(const char *rest);

#endif
