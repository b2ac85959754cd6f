/* adapter_find.h: the folder of an adapter, and for what is none, what it is and what to give. */
#ifndef T5G_ADAPTER_FIND_H
#define T5G_ADAPTER_FIND_H

#include "base/err.h"

/*
 * The folder of the adapter `given`: a path, or, if there is no such file, a name in the hub's
 * cache (hub.h). 0 with *dir, freed by t5g_free; else -1 with e, one line that says what it is: 66
 * if something is missing, 65 if it is a file, which is something else.
 */
int t5g_adapter_find(const char *given, char **dir, struct t5g_err *e);

#endif
