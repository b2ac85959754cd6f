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
 * Read names from a file ("-": stdin). Each is terminated by NUL; the last NUL may be missing.
 * Ends the process with
 *
 *   64          a name "-" in a list from stdin
 *   65          an empty name, or names that seem to be separated by newlines instead of NUL
 *   66, 74, 77  the list cannot be read
 */
void t5g_names_from(struct t5g_names *names, const char *file);
/* Frees names that were read from a list; does nothing for others. */
void t5g_names_free(struct t5g_names *names);

#endif
