/* option.h: option tables: they feed getopt_long, --help, and the test that compares pages. */
#ifndef T5G_OPTION_H
#define T5G_OPTION_H

#include "base/err.h"

struct t5g_list {
    char **v; /* [n] borrowed from argv */
    size_t n;
};

enum t5g_option_kind {
    T5G_OPT_FLAG,   /* bool *dest: set to true */
    T5G_OPT_STRING, /* const char **dest: the last one; never "" */
    T5G_OPT_ONCE,   /* the same of an input: a second one is refused, as the first would be lost */
    T5G_OPT_MAYBE,  /* as STRING, with an optional argument: --name[=ARG]; "" without it */
    T5G_OPT_LIST,   /* struct t5g_list *dest: every occurrence, in order */
    T5G_OPT_U64,    /* uint64_t *dest, min..max */
    T5G_OPT_BYTES,  /* the same with units, see t5g_num_size */
    T5G_OPT_DOUBLE, /* double *dest, min..max */
    T5G_OPT_CHOICE, /* int *dest: index into choices ("skip|stop"), which is also the arg shown */
    T5G_OPT_TABLE,  /* not an option: const struct t5g_option *dest is a table to be read here */
};

struct t5g_option {
    char letter;      /* 0: long only */
    const char *name; /* long name, without dashes; NULL: letter only */
    const char *arg;  /* what --help shows for the argument; for CHOICE the choices */
    enum t5g_option_kind kind;
    void *dest;
    const char *help; /* one line, lower case, no full stop */
    double min, max;  /* U64, BYTES, DOUBLE */
};

/* Elements of tables that several programs have. */
#define T5G_OPTION_MAX_FRAME(dest)                                                            \
    {                                                                                         \
        0, "max-frame", "BYTES", T5G_OPT_BYTES, dest, "largest frame to accept (default 8G)", \
            4096, 0x1p40                                                                      \
    }
#define T5G_OPTION_CACHE(dest)                                                                    \
    {                                                                                             \
        0, "cache", "DIR|off", T5G_OPT_MAYBE, dest, "keep results in a cache, and reuse them", 0, \
            0                                                                                     \
    }
#define T5G_OPTION_FORCE(dest, what)                     \
    {                                                    \
        0, "force", NULL, T5G_OPT_FLAG, dest, what, 0, 0 \
    }
#define T5G_OPTION_TABLE(table)                                            \
    {                                                                      \
        0, NULL, NULL, T5G_OPT_TABLE, (void *)(uintptr_t)(table), "", 0, 0 \
    }
#define T5G_OPTIONS_END                               \
    {                                                 \
        0, NULL, NULL, T5G_OPT_FLAG, NULL, NULL, 0, 0 \
    }

/* Which options of the common table a program takes: bits in the order of the table. */
enum {
    T5G_O_OUTPUT = 1,
    T5G_O_MODEL = 2,
    T5G_O_THREADS = 4,
    T5G_O_QUIET = 8,
    T5G_O_VERBOSE = 16,
    T5G_O_ON_ERROR = 32,
    T5G_O_PROGRESS = 64,
    T5G_O_STATS = 128,
    T5G_O_COMPUTE = 256, /* not of every program with a model */
    T5G_O_ENCODER_PREFIX = 512,
    T5G_O_TALK = T5G_O_QUIET | T5G_O_VERBOSE,
    T5G_O_COUNTS = T5G_O_PROGRESS | T5G_O_STATS,
    T5G_O_ALL = 255
};

/* A program or a verb of one. options and the common table end with a NULL help. */
struct t5g_program {
    const char *name;     /* "t5g-encode", "t5g-frame ls" */
    const char *synopsis; /* "[options] [FILE ...]" */
    const char *summary;  /* one line for --help */
    const struct t5g_option *options;
    const char *example; /* a command that works, for --help */
    unsigned common;     /* T5G_O_...: the options of the common table that it takes */
};

/*
 * Parse argv: the options of the program's table, those of the common table (option.c) that it
 * takes, --help (-h) and --version. "-o -" is stdout. t5g_common.output is set before any option is
 * refused. Options may be anywhere before "--", which ends them; POSIXLY_CORRECT has no effect.
 * Returns the index of the first operand: argv is permuted so that the operands are at its end, in
 * their order. --help and --version are printed on stdout and end the process with 0; wrong use is
 * reported on stderr and ends it with 64.
 */
int t5g_options_parse(const struct t5g_program *p, int argc, char **argv);

#endif
