/*
 * temporary.c: files and folders under temporary names, which a signal handler can remove at any
 * moment.
 *
 * All of them are in a list that the handler walks, so signals are blocked from before a name is
 * created until it is in the list, and while the list changes.
 */
#include "base/temporary.h"
#include "base/mem.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct t5g_temporary {
    struct t5g_temporary *next;
    char *name;
    bool folder;
};

static struct t5g_temporary *all;

static void
block(sigset_t *old)
{
    sigset_t every;
    sigfillset(&every);
    pthread_sigmask(SIG_SETMASK, &every, old);
}

static void
unblock(const sigset_t *old)
{
    pthread_sigmask(SIG_SETMASK, old, NULL);
}

/* As readdir and unlink, by system calls alone: the signal may have interrupted malloc. */
static void
remove_folder(const char *name)
{
    union {
        struct dirent64 first;
        char bytes[4096];
    } b;
    int fd = open(name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    ssize_t n;
    while (fd >= 0 && (n = getdents64(fd, b.bytes, sizeof b.bytes)) > 0)
        for (ssize_t at = 0; at < n;) {
            const struct dirent64 *d = (const void *)(b.bytes + at);
            if (strcmp(d->d_name, ".") != 0 && strcmp(d->d_name, "..") != 0)
                unlinkat(fd, d->d_name, 0);
            at += d->d_reclen;
        }
    if (fd >= 0)
        close(fd);
    rmdir(name);
}

static void
remove_name(const struct t5g_temporary *t)
{
    if (t->folder)
        remove_folder(t->name);
    else
        unlink(t->name);
}

void
t5g_temporary_remove_all(void)
{
    int cause = errno;
    for (const struct t5g_temporary *t = all; t != NULL; t = t->next)
        remove_name(t);
    errno = cause;
}

/* Add a name that exists now. t was allocated before, since no failure may come in between. */
static void
enlist(struct t5g_temporary *t, char *name, bool folder)
{
    *t = (struct t5g_temporary){all, name, folder};
    all = t;
}

static struct t5g_temporary *
fresh(void)
{
    static bool registered;
    if (!registered)
        atexit(t5g_temporary_remove_all);
    registered = true;
    return t5g_alloc(1, sizeof(struct t5g_temporary));
}

static void
forget(struct t5g_temporary *t)
{
    sigset_t old;
    block(&old);
    for (struct t5g_temporary **at = &all; *at != NULL; at = &(*at)->next)
        if (*at == t) {
            *at = t->next;
            break;
        }
    unblock(&old);
    t5g_free(t->name);
    t5g_free(t);
}

/* The first `keep` bytes of path, fewer to keep characters whole, and ".XXXXXX". */
static char *
template_of(const char *path, size_t keep)
{
    struct t5g_buf b = {0};
    while (path[keep] != '\0' && (path[keep] & 0xc0) == 0x80 && keep > 0 && path[keep - 1] != '/')
        keep--;
    t5g_buf_add(&b, path, keep);
    t5g_buf_adds(&b, ".XXXXXX");
    return b.p;
}

/* Create a file (returns its descriptor) or folder (returns 0) beside path; the caller frees *name.
 */
static int
make(const char *path, bool folder, char **name)
{
    const char *slash = strrchr(path, '/');
    size_t whole = strlen(path), least = slash != NULL ? (size_t)(slash + 1 - path) : 0;
    for (size_t keep = whole;;
         keep = keep == whole && whole - least > 14 ? whole - 7 : least + (keep - least) / 2) {
        *name = template_of(path, keep);
        int r = folder ? (mkdtemp(*name) != NULL ? 0 : -1) : mkostemp(*name, O_CLOEXEC);
        if (r >= 0 || errno != ENAMETOOLONG || keep == least)
            return r;
        t5g_free(*name);
    }
}

int
t5g_temporary_open(struct t5g_temporary **t, const char *path, mode_t mode, struct t5g_err *e)
{
    struct t5g_temporary *x = fresh();
    char *name;
    sigset_t old;
    block(&old);
    int fd = make(path, false, &name), cause = errno;
    if (fd >= 0)
        enlist(x, name, false);
    unblock(&old);
    errno = cause;
    if (fd < 0) {
        t5g_err_sys(e, T5G_EX_CREATE, "%s: cannot create", path);
        t5g_free(name);
        t5g_free(x);
        return -1;
    }
    if (fchmod(fd, mode) == 0) {
        *t = x;
        return fd;
    }
    t5g_err_sys(e, T5G_EX_CREATE, "%s: cannot set mode", path);
    close(fd);
    t5g_temporary_remove(x);
    return -1;
}

int
t5g_temporary_exact(struct t5g_temporary **t, const char *name, mode_t mode, struct t5g_err *e)
{
    struct t5g_temporary *x = fresh();
    char *copy = t5g_strdup(name);
    sigset_t old;
    block(&old);
    int fd = open(name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode), cause = errno;
    if (fd >= 0)
        enlist(*t = x, copy, false);
    unblock(&old);
    errno = cause;
    if (fd >= 0)
        return fd;
    t5g_err_sys(e, T5G_EX_CREATE, "%s: cannot create", name);
    t5g_free(copy);
    t5g_free(x);
    return -1;
}

mode_t
t5g_temporary_mode(mode_t mode)
{
    mode_t mask = umask(0); /* it can only be read by setting it */
    umask(mask);
    return mode & ~mask;
}

struct t5g_temporary *
t5g_temporary_folder(const char *path, mode_t mode, struct t5g_err *e)
{
    struct t5g_temporary *t = fresh();
    char *name;
    sigset_t old;
    block(&old);
    int r = make(path, true, &name), cause = errno;
    if (r == 0)
        enlist(t, name, true);
    unblock(&old);
    errno = cause;
    if (r < 0) {
        t5g_err_sys(e, T5G_EX_CREATE, "%s: cannot create", path);
        t5g_free(name);
        t5g_free(t);
        return NULL;
    }
    if (chmod(t->name, mode) == 0)
        return t;
    t5g_err_sys(e, T5G_EX_CREATE, "%s: cannot set mode", path);
    t5g_temporary_remove(t);
    return NULL;
}

const char *
t5g_temporary_name(const struct t5g_temporary *t)
{
    return t->name;
}

int
t5g_temporary_rename(struct t5g_temporary *t, const char *path, struct t5g_err *e)
{
    if (rename(t->name, path) < 0) {
        t5g_err_sys(e, T5G_EX_CREATE, "%s: cannot rename into place", path);
        t5g_temporary_remove(t);
        return -1;
    }
    forget(t); /* a handler called in between finds no file of the old name */
    return 0;
}

void
t5g_temporary_remove(struct t5g_temporary *t)
{
    if (t == NULL)
        return;
    remove_name(t);
    forget(t);
}
