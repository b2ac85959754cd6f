/* file_list.h: --files0-from: a list of file names, as find -print0 writes it. */
#ifndef T5G_FILE_LIST_H
#define T5G_FILE_LIST_H

#include "base/mem.h"

struct t5g_names {
    char **v; /* [n] */
    size_t n;
    struct t5g_buf list; /* what v points into, when it was read */
};

/*
 * Read the names from a file, each ended by NUL, which the last one may lack; "-" is stdin. Ends
 * the process: 64 for a name "-" in a list from stdin; 65 for an empty name, or a list without a
 * NUL that looks like lines; 66, 74, 77 when it cannot be read.
 */
void t5g_names_from(struct t5g_names *names, const char *file);
/* Of names that were read; others are left alone. */
void t5g_names_free(struct t5g_names *names);

#endif
