/* bug.c: the two ways in which the library ends a process. */
#include "base/bug.h"

#include <stdio.h>
#include <stdlib.h>

static const char *name = "t5g";
static void (*hook)(const char *);

void
t5g_bug_name(const char *program)
{
    name = program;
}

void
t5g_bug(const char *what)
{
    fprintf(stderr, "%s: bug: %s\n", name, what);
    abort();
}

void
t5g_out_of_memory_hook(void (*last)(const char *msg))
{
    hook = last;
}

void
t5g_out_of_memory(size_t bytes)
{
    static char msg[64];
    snprintf(msg, sizeof msg, "out of memory (%zu bytes wanted)", bytes);
    fprintf(stderr, "%s: %s\n", name, msg);
    if (hook != NULL)
        hook(msg);
    exit(T5G_EX_OS);
}
