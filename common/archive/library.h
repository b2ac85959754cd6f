/* library.h: shared libraries that are loaded when they are needed: what most runs do without must
 * not take time of every start. */
#ifndef T5G_LIBRARY_H
#define T5G_LIBRARY_H

#include "base/err.h"

#include <stddef.h>

struct t5g_symbol {
    const char *name;
    void *to; /* a function pointer of the right type: set by t5g_library_load */
};

/*
 * Load the library (its soname) and find [n] functions in it; it stays until the process ends.
 * purpose: what it is needed for, for messages. 0, or -1 with e (69).
 */
int t5g_library_load(const char *soname, const char *purpose, const struct t5g_symbol *symbols,
                     size_t n, struct t5g_err *e);

#endif
