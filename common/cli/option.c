/* option.c: option tables for getopt_long and --help. */
#include "cli/option.h"
#include "base/bug.h"
#include "base/mem.h"
#include "base/num.h"
#include "cli/used_options.h"
#include "cli/message.h"
#include "cli/program.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* Values that getopt_long returns besides letters; it defines OPERAND itself. */
enum { OPERAND = 1, HELP = 1000, VERSION, FIRST_LONG };

enum { OPTIONS_MAX = 192 };

/* The options that every program may take; T5G_O_... are their places. */
static const struct t5g_option shared[] = {
    {'o', "output", "FILE", T5G_OPT_STRING, &t5g_common.output,
     "write to FILE, which appears only when complete", 0, 0},
    {'m', "model", "MODEL", T5G_OPT_STRING, &t5g_common.model,
     "model directory or packed model (default: $T5G_MODEL, then the installed one)", 0, 0},
    {'t', "threads", "N", T5G_OPT_U64, &t5g_common.threads,
     "number of threads (default: $T5G_THREADS, then available processors)", 1, 1024},
    {'q', "quiet", NULL, T5G_OPT_FLAG, &t5g_common.quiet, "print no warnings", 0, 0},
    {'v', "verbose", NULL, T5G_OPT_FLAG, &t5g_common.verbose, "print more on stderr", 0, 0},
    {0, "on-error", "skip|stop", T5G_OPT_CHOICE, &t5g_common.on_error,
     "when a document fails: continue, or end the run (default skip)", 0, 0},
    {0, "progress", "auto|never|always", T5G_OPT_CHOICE, &t5g_common.progress,
     "show progress on stderr (default auto: when it is a terminal)", 0, 0},
    {0, "stats", NULL, T5G_OPT_FLAG, &t5g_common.stats, "print counts, time and rates at the end",
     0, 0},
    {0, "compute", "f32|bf16", T5G_OPT_CHOICE, &t5g_common.compute,
     "type of numbers in products (default: $T5G_COMPUTE, then f32)", 0, 0},
    {0, "encoder-prefix", "PREFIX", T5G_OPT_STRING, &t5g_common.encoder_prefix,
     "MODEL is another model, in which tensors under PREFIX are the encoder", 0, 0},
    T5G_OPTIONS_END,
};

/* Whether this program takes a common option. */
static bool
acts(const struct t5g_program *p, const struct t5g_option *o)
{
    return (p->common >> (o - shared) & 1) != 0;
}

static void
print_option(char letter, const char *name, const char *arg, bool maybe, const char *help)
{
    char left[128] = "  ";
    size_t n = 2;
    if (letter != 0)
        n += (size_t)snprintf(left + n, sizeof left - n, "-%c%s%s%s", letter,
                              name == NULL && arg != NULL ? " " : "",
                              name == NULL && arg != NULL ? arg : "", name != NULL ? ", " : "");
    if (name != NULL)
        snprintf(left + n, sizeof left - n, maybe ? "--%s[=%s%s]" : "--%s%s%s", name,
                 arg != NULL && !maybe ? " " : "", arg != NULL ? arg : "");
    if (strlen(left) > 30)
        printf("%s\n%32s%s\n", left, "", help);
    else
        printf("%-32s%s\n", left, help);
}

/* all [n]: the options of the program, in the order of its tables. */
T5G_NORETURN static void
print_help(const struct t5g_program *p, const struct t5g_option *const *all, size_t n)
{
    printf("usage: %s %s\n%s\n\n", p->name, p->synopsis, p->summary);
    for (size_t i = 0; i < n; i++)
        print_option(all[i]->letter, all[i]->name, all[i]->arg, all[i]->kind == T5G_OPT_MAYBE,
                     all[i]->help);
    print_option('h', "help", NULL, false, "print this and exit");
    print_option(0, "version", NULL, false, "print the version and exit");
    /* A verb's page is its program's. */
    printf("\nExample:\n  %s\n\nManual: %.*s(1)\n", p->example, (int)strcspn(p->name, " "),
           p->name);
    exit(fflush(stdout) == 0 ? T5G_EX_OK : T5G_EX_IO);
}

static int
choose(const struct t5g_option *o, const char *what, const char *arg)
{
    size_t n = strlen(arg);
    const char *s = o->arg;
    for (int i = 0; s != NULL; i++) {
        const char *bar = strchr(s, '|');
        size_t len = bar != NULL ? (size_t)(bar - s) : strlen(s);
        if (len == n && memcmp(s, arg, n) == 0)
            return i;
        s = bar != NULL ? bar + 1 : NULL;
    }
    t5g_usage("%s: '%s' is none of %s", what, arg, o->arg);
}

static void
apply(const struct t5g_option *o, char *arg)
{
    char what[64];
    struct t5g_err e = {0};
    if (o->name != NULL)
        snprintf(what, sizeof what, "--%s", o->name);
    else
        snprintf(what, sizeof what, "-%c", o->letter);
    switch (o->kind) {
    case T5G_OPT_FLAG:
        *(bool *)o->dest = true;
        break;
    case T5G_OPT_ONCE:
        if (*(const char **)o->dest != NULL)
            t5g_usage("%s: given twice: only one is taken", what);
        /* fall through */
    case T5G_OPT_STRING:
    case T5G_OPT_MAYBE:
        if (arg != NULL && arg[0] == '\0')
            t5g_usage("%s: an empty argument%s", what,
                      o->kind == T5G_OPT_MAYBE ? ": without '=' it is the usual one" : "");
        *(const char **)o->dest = arg != NULL ? arg : "";
        break;
    case T5G_OPT_LIST: {
        struct t5g_list *l = o->dest;
        char **v = t5g_alloc(l->n + 1, sizeof *v);
        if (l->n > 0)
            memcpy(v, l->v, l->n * sizeof *v);
        v[l->n] = arg;
        t5g_free(l->v);
        *l = (struct t5g_list){v, l->n + 1};
        break;
    }
    case T5G_OPT_U64:
        if (t5g_num_u64(what, arg, (uint64_t)o->min, (uint64_t)o->max, o->dest, &e) < 0)
            t5g_usage("%s", e.msg);
        break;
    case T5G_OPT_BYTES:
        if (t5g_num_size(what, arg, (uint64_t)o->min, (uint64_t)o->max, o->dest, &e) < 0)
            t5g_usage("%s", e.msg);
        break;
    case T5G_OPT_DOUBLE:
        if (t5g_num_double(what, arg, o->min, o->max, o->dest, &e) < 0)
            t5g_usage("%s", e.msg);
        break;
    case T5G_OPT_CHOICE:
        *(int *)o->dest = choose(o, what, arg);
        break;
    case T5G_OPT_TABLE: /* gather has taken its rows */
        break;
    }
}

/* The long options that begin with word, up to its "=": "--max-frame, --max-tokens". */
static size_t
candidates(const struct option *longs, const char *word, char *list, size_t room)
{
    size_t n = 0, len = strcspn(word, "="), at = 0;
    list[0] = '\0';
    for (const struct option *o = longs; len > 2 && o->name != NULL; o++)
        if (strncmp(o->name, word + 2, len - 2) == 0 && at < room) {
            at += (size_t)snprintf(list + at, room - at, "%s--%s", n > 0 ? ", " : "", o->name);
            n++;
        }
    return n;
}

/* Refuse an unknown option, or one without its argument. Ends the process. */
T5G_NORETURN static void
refuse(int c, const char *word, const struct option *longs)
{
    char list[256];
    if (c == ':')
        t5g_usage("%s: argument missing", word);
    if (optopt >= HELP)
        t5g_usage("%.*s: takes no argument", (int)strcspn(word, "="), word);
    if (optopt > 0)
        t5g_usage("unknown option -%c", optopt);
    if (candidates(longs, word, list, sizeof list) > 1)
        t5g_usage("%s: ambiguous: %s", word, list);
    t5g_usage("unknown option %.*s", (int)strcspn(word, "="), word);
}

/* Add the options of a table, and of those in it, to all [n]; returns how many there are now. */
static size_t
gather_table(const struct t5g_option *table, const struct t5g_option *all[static OPTIONS_MAX],
             size_t n)
{
    for (const struct t5g_option *o = table; o != NULL && o->help != NULL; o++)
        if (o->kind == T5G_OPT_TABLE)
            n = gather_table(o->dest, all, n);
        else if (n < OPTIONS_MAX)
            all[n++] = o;
        else
            t5g_bug("more options than a program may have");
    return n;
}

/* All tables as one array of pointers; returns how many. */
static size_t
gather(const struct t5g_program *p, const struct t5g_option *all[static OPTIONS_MAX])
{
    size_t n = gather_table(p->options, all, 0);
    for (const struct t5g_option *o = shared; o->help != NULL && n < OPTIONS_MAX; o++)
        if (acts(p, o))
            all[n++] = o;
    return n;
}

/* The n options in the form of getopt_long; longs and shorts have room for them. */
static void
describe(const struct t5g_option *const *all, size_t n, struct option *longs, char *shorts)
{
    /* '-': operands are returned in their places, whatever POSIXLY_CORRECT says; ':' distinguishes
     * a missing argument from an unknown option. */
    size_t m = 0, s = (size_t)sprintf(shorts, "-:h");
    for (size_t i = 0; i < n; i++) {
        if (all[i]->letter != 0) {
            shorts[s++] = all[i]->letter;
            if (all[i]->arg != NULL)
                shorts[s++] = ':';
        }
        if (all[i]->name != NULL)
            longs[m++] = (struct option){all[i]->name,
                                         all[i]->kind == T5G_OPT_MAYBE ? optional_argument
                                         : all[i]->arg != NULL         ? required_argument
                                                                       : no_argument,
                                         NULL, FIRST_LONG + (int)i};
    }
    shorts[s] = '\0';
    longs[m++] = (struct option){"help", 0, NULL, HELP};
    longs[m++] = (struct option){"version", 0, NULL, VERSION};
    longs[m] = (struct option){NULL, 0, NULL, 0};
}

/* Refuse `--cache DIR`: DIR would be an operand that is not a file. */
static void
check_next(const struct t5g_option *o, const char *next)
{
    struct stat st;
    if (next == NULL || next[0] == '-' || (stat(next, &st) == 0 && !S_ISDIR(st.st_mode)))
        return;
    t5g_usage("--%s %s: an argument of --%s is given as --%s=%s", o->name, next, o->name, o->name,
              next);
}

/* The option found by getopt_long. */
static const struct t5g_option *
found(int c, const struct t5g_option *const *all, size_t n)
{
    if (c >= FIRST_LONG)
        return all[c - FIRST_LONG];
    for (size_t i = 0; i < n; i++)
        if (c != OPERAND && all[i]->letter == c)
            return all[i];
    return NULL;
}

/* Find -o first, in all of argv, since errors in options are reported in the output too. */
static void
find_output(int argc, char **argv, const struct option *longs, const char *shorts,
            const struct t5g_option *const *all, size_t n)
{
    int c;
    optind = 1;
    while ((c = getopt_long(argc, argv, shorts, longs, NULL)) != -1) {
        const struct t5g_option *o = c < HELP || c >= FIRST_LONG ? found(c, all, n) : NULL;
        if (o != NULL && o->dest == &t5g_common.output)
            t5g_common.output = strcmp(optarg, "-") == 0 ? NULL : optarg;
    }
    optind = 0; /* start again, even within a word of letters */
}

int
t5g_options_parse(const struct t5g_program *p, int argc, char **argv)
{
    const struct t5g_option *all[OPTIONS_MAX];
    struct option longs[OPTIONS_MAX + 3];
    char shorts[2 * OPTIONS_MAX + 4];
    size_t n = gather(p, all);
    char **operands = t5g_alloc((size_t)argc + 1, sizeof *operands);
    int c, n_operands = 0;
    describe(all, n, longs, shorts);
    opterr = 0;
    find_output(argc, argv, longs, shorts, all, n);
    while ((c = getopt_long(argc, argv, shorts, longs, NULL)) != -1) {
        if (c == OPERAND) {
            operands[n_operands++] = optarg;
            continue;
        }
        if (c == HELP || c == 'h')
            print_help(p, all, n);
        if (c == VERSION) {
            printf("%s (t5g) %s, stream format 1.0\n", t5g_program_name(), T5G_VERSION);
            exit(fflush(stdout) == 0 ? T5G_EX_OK : T5G_EX_IO);
        }
        if (c == ':' || c == '?')
            refuse(c, argv[optind - 1], longs);
        const struct t5g_option *o = found(c, all, n);
        if (o->kind == T5G_OPT_MAYBE && optarg == NULL)
            check_next(o, argv[optind]);
        apply(o, optarg);
        t5g_used_add(o, optarg);
    }
    if (t5g_common.output != NULL && strcmp(t5g_common.output, "-") == 0)
        t5g_common.output = NULL; /* stdout, as without -o; a file of that name is ./- */
    /* The end of argv becomes the list of operands, in their order. Those after "--" are there
     * already. */
    int first = optind - n_operands;
    if (n_operands > 0)
        memcpy(argv + first, operands, (size_t)n_operands * sizeof *operands);
    t5g_free(operands);
    return first;
}
