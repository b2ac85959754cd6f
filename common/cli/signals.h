/* signals.h: what ends a program from outside. */
#ifndef T5G_SIGNALS_H
#define T5G_SIGNALS_H

#include "base/base.h"

/*
 * Called by t5g_start. SIGTERM ends the program where it stands, with status 75, within a second:
 * see base/stop.h. Every other signal that ends a process removes unfinished files first, and the
 * process dies of it. SIGBUS in a mapped file that was cut is a message and status 74 or 76.
 */
void t5g_signals_install(void);

/*
 * What is written before such an end: fn(arg, status, message) ends the output where it stands, by
 * the rules of t5g_writer_abandon. NULL: nothing.
 */
void t5g_signals_last(void (*fn)(void *arg, int code, const char *msg), void *arg);

/* The same before any other end with a fault. */
void t5g_last_words(int code, const char *msg);

/* The document at work, and how many others with it: given up if an end comes now. NULL: none. */
void t5g_at_work(const char *id, size_t n, size_t others);

/* The FILE that is not there if an end comes now, as output.c says; NULL: none such. Kept, not
 * copied. */
void t5g_signals_unfinished(const char *file);

/* The output is whole: from now on signals that could be caught come too late. */
void t5g_signals_done(void);

#endif
