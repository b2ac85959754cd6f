/*
 * partset.c: files PREFIX-000000.t5g and so on, which appear together or not at all.
 *
 * They are written to a temporary folder beside their place, which is removed if the process ends
 * early. When all are complete, they are swapped with the files of those names, and if one swap
 * fails the others are undone: a failed run leaves the earlier files in place.
 */
#include "base/partset.h"
#include "base/temporary.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

void
t5g_partset_name(const struct t5g_partset *s, uint64_t i, struct t5g_buf *out)
{
    out->n = 0;
    t5g_buf_printf(out, "%s-%06llu.%s", s->prefix, (unsigned long long)i, s->ending);
}

static void
inside(const struct t5g_partset *s, uint64_t i, struct t5g_buf *out)
{
    out->n = 0;
    t5g_buf_printf(out, "%s/%06llu", t5g_temporary_name(s->folder), (unsigned long long)i);
}

int
t5g_partset_open(struct t5g_partset *s, struct t5g_err *e)
{
    struct t5g_buf first = {0};
    t5g_partset_name(s, 0, &first);
    s->folder = t5g_temporary_folder(first.p, 0700, e);
    t5g_buf_free(&first);
    return s->folder != NULL ? 0 : -1;
}

void
t5g_partset_drop(struct t5g_partset *s)
{
    t5g_temporary_remove(s->folder);
    s->folder = NULL;
}

int
t5g_partset_part(const struct t5g_partset *s, uint64_t i, struct t5g_err *e)
{
    struct t5g_buf name = {0}, here = {0};
    struct stat st;
    t5g_partset_name(s, i, &name);
    inside(s, i, &here);
    int fd = -1;
    if (lstat(name.p, &st) == 0 && !S_ISREG(st.st_mode) && !S_ISLNK(st.st_mode))
        t5g_err_set(e, T5G_EX_CREATE, "%s: exists and is not a file", name.p);
    else if ((fd = open(here.p, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666)) < 0)
        t5g_err_sys(e, T5G_EX_CREATE, "%s: cannot create", name.p);
    t5g_buf_free(&name);
    t5g_buf_free(&here);
    return fd;
}

/* Swap part i with the file of its name, if any. A second swap undoes the first. */
static int
swap(const struct t5g_partset *s, uint64_t i, struct t5g_err *e)
{
    struct t5g_buf name = {0}, here = {0};
    t5g_partset_name(s, i, &name);
    inside(s, i, &here);
    int r = renameat2(AT_FDCWD, here.p, AT_FDCWD, name.p, RENAME_EXCHANGE);
    if (r < 0 && errno == ENOENT) /* only one of them exists */
        r = access(here.p, F_OK) == 0 ? rename(here.p, name.p) : rename(name.p, here.p);
    else if (r < 0 && (errno == EINVAL || errno == ENOSYS)) /* the file system cannot exchange */
        r = rename(here.p, name.p);
    if (r < 0)
        t5g_err_sys(e, T5G_EX_CREATE, "%s: cannot rename into place", name.p);
    t5g_buf_free(&name);
    t5g_buf_free(&here);
    return r;
}

/* Whether a file of that number exists, from a longer set before. */
static bool
is_stale(const struct t5g_partset *s, uint64_t i)
{
    struct t5g_buf name = {0};
    struct stat st;
    t5g_partset_name(s, i, &name);
    bool there = lstat(name.p, &st) == 0 && S_ISREG(st.st_mode);
    t5g_buf_free(&name);
    return there;
}

int
t5g_partset_commit(struct t5g_partset *s, uint64_t n, uint64_t *stale, struct t5g_err *e)
{
    sigset_t every, old;
    uint64_t i = 0;
    int r = 0;
    sigfillset(&every);
    pthread_sigmask(SIG_SETMASK, &every, &old);
    for (*stale = 0; r == 0 && (i < n || is_stale(s, i)); i++) {
        r = swap(s, i, e);
        *stale += r == 0 && i >= n;
    }
    for (i -= r < 0; r < 0 && i > 0; i--)
        (void)swap(s, i - 1, NULL);
    t5g_partset_drop(s);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    return r;
}
