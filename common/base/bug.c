/* bug.c: the two ways the library ends a process. */
#include "base/bug.h"

#include <stdio.h>
#include <stdlib.h>

void
t5g_bug(const char *what)
{
    fprintf(stderr, "t5g: bug: %s\n", what);
    abort();
}

void
t5g_out_of_memory(size_t bytes)
{
    fprintf(stderr, "t5g: out of memory (%zu bytes wanted)\n", bytes);
    exit(T5G_EX_OS);
}
