/* tar.c: tar archives with a MANIFEST. */
#include "archive/tar.h"
#include "archive/libarchive.h"
#include "base/mem.h"

#include <stdio.h>

struct t5g_tar {
    struct t5g_libarchive_tar *out;
    size_t members;
};

struct t5g_tar *
t5g_tar_open(int fd, struct t5g_err *e)
{
    struct t5g_libarchive_tar *out = t5g_libarchive_tar_open(fd, e);
    if (out == NULL)
        return NULL;
    struct t5g_tar *t = t5g_alloc(1, sizeof *t);
    t->out = out;
    return t;
}

int
t5g_tar_add(struct t5g_tar *t, const char *name, const void *data, size_t n, struct t5g_err *e)
{
    t->members++;
    return t5g_libarchive_tar_add(t->out, name, data, n, e);
}

int
t5g_tar_finish(struct t5g_tar *t, struct t5g_err *e)
{
    char text[64];
    int n = snprintf(text, sizeof text, "{\"members\":%zu}\n", t->members);
    return t5g_libarchive_tar_add(t->out, "MANIFEST", text, (size_t)n, e) < 0
               ? -1
               : t5g_libarchive_tar_end(t->out, e);
}

void
t5g_tar_close(struct t5g_tar *t)
{
    if (t == NULL)
        return;
    t5g_libarchive_tar_close(t->out);
    t5g_free(t);
}
