/* program.h: options every program has, messages, exit. */
#ifndef T5G_PROGRAM_H
#define T5G_PROGRAM_H

#include "cli/option.h"

/* Values of the common options (one process, one program: a single instance, filled by option.c).
 */
struct t5g_common {
    const char *output;  /* -o FILE; NULL: stdout */
    const char *model;   /* -m MODEL; NULL: $T5G_MODEL, then the installed default */
    uint64_t threads;    /* -t N; 0: $T5G_THREADS, then t5g_cpu_count() */
    bool quiet, verbose; /* -q, -v */
    int on_error;        /* --on-error: 0 skip, 1 stop */
    int progress;        /* --progress: 0 auto, 1 never, 2 always */
    bool stats;          /* --stats */
};

extern struct t5g_common t5g_common;
extern const struct t5g_option t5g_common_options[]; /* ends with a NULL help */

/*
 * Call first in main: program name for messages, descriptors 0-2 open, SIGPIPE and SIGXFSZ as a
 * filter wants them, locale "C".
 */
void t5g_start(const char *program);
const char *t5g_program_name(void);

/* "PROGRAM: message" on stderr; warn is silent under -q. Control characters are escaped. */
void t5g_say(const char *fmt, ...) T5G_PRINTF(1, 2);
void t5g_warn(const char *fmt, ...) T5G_PRINTF(1, 2);
void t5g_note(const char *fmt, ...) T5G_PRINTF(1, 2); /* with -v only */

/*
 * t5g_warn of a document: "ID: msg", or "ID: failed in TOOL: msg" (tool NULL: here); the id once
 * also where msg begins with it.
 */
void t5g_warn_doc(const char *id, size_t n, const char *tool, const char *msg);

/* Print, end the output by t5g_last_words, remove what is unfinished, end with the code. */
T5G_NORETURN void t5g_die(int code, const char *fmt, ...) T5G_PRINTF(2, 3);
T5G_NORETURN void t5g_die_err(const struct t5g_err *e);
/* 64, and a hint at --help. */
T5G_NORETURN void t5g_usage(const char *fmt, ...) T5G_PRINTF(1, 2);

/* Total threads to use: -t, T5G_THREADS (64 when malformed), or the processors at hand. */
size_t t5g_thread_count(void);

#endif
