/* library.h: shared libraries loaded on demand, so that runs that do not need them start fast. */
#ifndef T5G_LIBRARY_H
#define T5G_LIBRARY_H

#include "base/err.h"

#include <stddef.h>

struct t5g_symbol {
    const char *name;
    void *to; /* address of a function pointer of the right type, set by t5g_library_load */
};

/*
 * Load the library soname for the life of the process and look up n functions. purpose: the start
 * of error messages. 0, or -1 with e (69).
 */
int t5g_library_load(const char *soname, const char *purpose, const struct t5g_symbol *symbols,
                     size_t n, struct t5g_err *e);

#endif
