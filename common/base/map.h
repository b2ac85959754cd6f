/* map.h: files mapped read-only, and the file in which a SIGBUS occurred. */
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
 * Map a regular file; anything else is refused, without waiting for it. 0, or -1 with e (66 absent
 * or not a regular file, 77, 71).
 */
int t5g_map_file(const char *path, struct t5g_map *m, struct t5g_err *e);
/* The same; the descriptor stays open, is returned and is the caller's to close. */
int t5g_map_open(const char *path, struct t5g_map *m, struct t5g_err *e);
/*
 * The same for a file that need not exist: 1, or 0 when there is no such name, or -1 with e. A name
 * that exists but cannot be opened, for whatever reason, is an error.
 */
int t5g_map_optional(const char *path, struct t5g_map *m, struct t5g_err *e);
/* 1 when the name exists (even as a dangling symbolic link), else 0; -1 with e if unknown. */
int t5g_is_there(const char *path, struct t5g_err *e);
/* Whether the file is in the folder; what cannot be found out counts as no. */
bool t5g_is_in(const char *dir, const char *name);
/* Map what fd is open on; it stays the caller's, and may be closed at once. Errors name `name`. */
int t5g_map_fd(int fd, const char *name, struct t5g_map *m, struct t5g_err *e);
void t5g_unmap(struct t5g_map *m);

/*
 * Another process may truncate a file while it is mapped: bytes past its new end read as zeros to
 * the end of the page, and raise SIGBUS after that. Set the status for this case (74 by default).
 */
void t5g_map_cut_status(struct t5g_map *m, int status);

/* The name of the file in whose mapping p lies, and that status; NULL if in none. A signal handler
 * may call it. */
const char *t5g_map_at(const void *p, int *status);

/*
 * 0 when no file that is or was mapped has become shorter (as far as it is still found by its
 * name); else -1 with e. Call it before results are declared good.
 */
int t5g_maps_whole(struct t5g_err *e);

#endif
