/* partset.h: files PREFIX-000000.t5g and so on that appear together or not at all. */
#ifndef T5G_FRAME_PARTSET_H
#define T5G_FRAME_PARTSET_H

#include "base/mem.h"
#include "base/err.h"

struct partset {
    const char *prefix, *ending; /* set by the caller */
    struct t5g_temporary *folder;
};

/* 0, or -1 with e (73, 77). What is not committed goes when the process ends. */
int partset_open(struct partset *s, struct t5g_err *e);

/* The descriptor of new part i, or -1 with e (73). The caller flushes and closes it. */
int partset_part(const struct partset *s, uint64_t i, struct t5g_err *e);

/* What part i will be called, into out. */
void partset_name(const struct partset *s, uint64_t i, struct t5g_buf *out);

/*
 * Put the [n] parts in their places, and take away those with the numbers after them that a longer
 * set has left, *stale of them. 0; -1 with e (73), and everything is as it was.
 */
int partset_commit(struct partset *s, uint64_t n, uint64_t *stale, struct t5g_err *e);

#endif
