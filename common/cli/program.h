/* program.h: options every program has, and its name. */
#ifndef T5G_PROGRAM_H
#define T5G_PROGRAM_H

#include "cli/option.h"

/* Values of the common options: a single instance for the process, filled by option.c. */
struct t5g_common {
    const char *output;         /* -o FILE; NULL: stdout */
    const char *model;          /* -m MODEL; NULL: $T5G_MODEL, then the installed default */
    uint64_t threads;           /* -t N; 0: $T5G_THREADS, then t5g_cpu_count() */
    bool quiet, verbose;        /* -q, -v */
    int on_error;               /* --on-error: 0 skip, 1 stop */
    int progress;               /* --progress: 0 auto, 1 never, 2 always */
    bool stats;                 /* --stats */
    const char *encoder_prefix; /* --encoder-prefix PREFIX; NULL: none */
    int compute;                /* --compute: 0 f32, 1 bf16; -1: $T5G_COMPUTE, then f32 */
};

extern struct t5g_common t5g_common;

/* Name of the program in messages; the pointer is kept, not copied. */
void t5g_program_set_name(const char *name);
const char *t5g_program_name(void);

#endif
