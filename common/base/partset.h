/* partset.h: files PREFIX-000000.t5g and so on, which appear together or not at all. */
#ifndef T5G_PARTSET_H
#define T5G_PARTSET_H

#include "base/mem.h"
#include "base/err.h"

struct t5g_partset {
    const char *prefix, *ending; /* set by the caller */
    struct t5g_temporary *folder;
};

/* 0, or -1 with e (73, 77). Parts not committed are removed when the process ends. */
int t5g_partset_open(struct t5g_partset *s, struct t5g_err *e);

/* Remove everything that is not committed. */
void t5g_partset_drop(struct t5g_partset *s);

/* Create part i; returns its descriptor, or -1 with e (73). The caller syncs and closes it. */
int t5g_partset_part(const struct t5g_partset *s, uint64_t i, struct t5g_err *e);

/* Set out to the final name of part i. */
void t5g_partset_name(const struct t5g_partset *s, uint64_t i, struct t5g_buf *out);

/*
 * Move the n parts into place, and remove the *stale files with the next numbers, left by a longer
 * set. 0, or -1 with e (73) and nothing changed.
 */
int t5g_partset_commit(struct t5g_partset *s, uint64_t n, uint64_t *stale, struct t5g_err *e);

#endif
