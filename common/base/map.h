/* map.h: files mapped read-only, and which of them a fault was in. */
#ifndef T5G_MAP_H
#define T5G_MAP_H

#include "base/err.h"

/* An empty file gives size 0 and a valid pointer. */
struct t5g_map {
    const unsigned char *p;
    size_t size;
    struct t5g_mapping *mapping; /* NULL with size 0 */
};

/*
 * Map a regular file; anything else is refused and never waited for. 0, or -1 with e (66 absent or
 * no file, 77, 71).
 */
int t5g_map_file(const char *path, struct t5g_map *m, struct t5g_err *e);
/*
 * The same for a file that need not be there: 1, or 0 when there is no such name, or -1 with e.
 * A name that is there and cannot be opened, whatever the reason, is an error.
 */
int t5g_map_optional(const char *path, struct t5g_map *m, struct t5g_err *e);
/* There is such a name: 1 (a link that leads nowhere is one), 0; -1 with e when it cannot be said.
 */
int t5g_is_there(const char *path, struct t5g_err *e);
int t5g_map_fd(int fd, const char *name, struct t5g_map *m, struct t5g_err *e);
void t5g_unmap(struct t5g_map *m);

/*
 * A file may be cut by others while it is mapped: what lay behind its new end reads as zeros up to
 * the end of a page, and is a SIGBUS behind that. This is the status for it: 74, unless one was
 * set.
 */
void t5g_map_cut_status(struct t5g_map *m, int status);

/* The file in whose mapping p lies, and that status; NULL: in none. For signal handlers. */
const char *t5g_map_at(const void *p, int *status);

/*
 * 0 when every file that is or was mapped stayed as long as it was (or cannot be found by its name
 * any more); else -1 with e. To be asked before results are said to be good.
 */
int t5g_maps_whole(struct t5g_err *e);

#endif
