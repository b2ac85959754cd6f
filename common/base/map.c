/* map.c: the mappings, in a list that a signal handler can walk. */
#include "base/map.h"
#include "base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

struct t5g_mapping {
    struct t5g_mapping *next;
    const unsigned char *p;
    size_t size, extent; /* extent: to the end of its last page */
    char *name;
    dev_t dev;
    ino_t ino;
    int status;
};

static struct t5g_mapping *all;
static struct t5g_err first_cut; /* among unmapped files; code 0: none */

/* Put x at the front of the list (on), or remove it, with signals blocked. */
static void
change(struct t5g_mapping *x, bool on)
{
    sigset_t every, old;
    sigfillset(&every);
    pthread_sigmask(SIG_SETMASK, &every, &old);
    if (on) {
        x->next = all;
        all = x;
    }
    for (struct t5g_mapping **at = &all; !on && *at != NULL; at = &(*at)->next)
        if (*at == x) {
            *at = x->next;
            break;
        }
    pthread_sigmask(SIG_SETMASK, &old, NULL);
}

int
t5g_map_fd(int fd, const char *name, struct t5g_map *m, struct t5g_err *e)
{
    struct stat st;
    if (fstat(fd, &st) < 0)
        return t5g_err_sys(e, T5G_EX_IO, "%s: cannot stat", name);
    if (S_ISDIR(st.st_mode))
        return t5g_err_set(e, T5G_EX_NOINPUT, "%s: is a directory", name);
    if (!S_ISREG(st.st_mode))
        return t5g_err_set(e, T5G_EX_NOINPUT, "%s: not a regular file", name);
    *m = (struct t5g_map){.p = (const unsigned char *)"", .size = (size_t)st.st_size};
    if (m->size == 0)
        return 0;
    void *p = mmap(NULL, m->size, PROT_READ, MAP_SHARED, fd, 0);
    if (p == MAP_FAILED) {
        *m = (struct t5g_map){0};
        return t5g_err_sys(e, T5G_EX_OS, "%s: cannot map", name);
    }
    m->p = p;
    m->mapping = t5g_alloc(1, sizeof *m->mapping);
    *m->mapping = (struct t5g_mapping){.p = m->p,
                                       .size = m->size,
                                       .extent = t5g_round_up(m->size, (size_t)getpagesize()),
                                       .name = t5g_strdup(name),
                                       .dev = st.st_dev,
                                       .ino = st.st_ino,
                                       .status = T5G_EX_IO};
    change(m->mapping, true);
    return 0;
}

int
t5g_map_open(const char *path, struct t5g_map *m, struct t5g_err *e)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* do not wait for a FIFO */
    if (fd < 0)
        return t5g_err_sys(e, T5G_EX_NOINPUT, "%s: cannot open", path);
    if (t5g_map_fd(fd, path, m, e) == 0)
        return fd;
    close(fd);
    return -1;
}

int
t5g_map_file(const char *path, struct t5g_map *m, struct t5g_err *e)
{
    int fd = t5g_map_open(path, m, e);
    if (fd < 0)
        return -1;
    close(fd);
    return 0;
}

int
t5g_is_there(const char *path, struct t5g_err *e)
{
    struct stat st;
    if (lstat(path, &st) == 0)
        return 1;
    if (errno == ENOENT || errno == ENOTDIR)
        return 0;
    return t5g_err_sys(e, T5G_EX_NOINPUT, "%s: cannot open", path);
}

bool
t5g_is_in(const char *dir, const char *name)
{
    char *path = t5g_path_join(dir, name);
    bool there = t5g_is_there(path, NULL) == 1;
    t5g_free(path);
    return there;
}

int
t5g_map_optional(const char *path, struct t5g_map *m, struct t5g_err *e)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0 && (errno == ENOENT || errno == ENOTDIR)) {
        int there = t5g_is_there(path, e);
        if (there < 1)
            return there;
        return t5g_err_set(e, T5G_EX_NOINPUT, "%s: a dangling symbolic link", path);
    }
    if (fd < 0)
        return t5g_err_sys(e, T5G_EX_NOINPUT, "%s: cannot open", path);
    int r = t5g_map_fd(fd, path, m, e);
    close(fd);
    return r < 0 ? -1 : 1;
}

/* 0, or -1 with e when the file is shorter than it was. */
static int
is_whole(const struct t5g_mapping *x, struct t5g_err *e)
{
    struct stat st;
    int r = strcmp(x->name, "stdin") == 0 ? fstat(STDIN_FILENO, &st) : stat(x->name, &st);
    if (r < 0 || st.st_dev != x->dev || st.st_ino != x->ino || (size_t)st.st_size >= x->size)
        return 0;
    return t5g_err_set(e, x->status, "%s: was truncated while it was being read", x->name);
}

void
t5g_unmap(struct t5g_map *m)
{
    if (m->size > 0) {
        union {
            const void *in;
            void *out;
        } p = {.in = m->p}; /* munmap takes a non-const pointer */
        if (first_cut.code == 0)
            is_whole(m->mapping, &first_cut);
        change(m->mapping, false);
        munmap(p.out, m->size);
        t5g_free(m->mapping->name);
        t5g_free(m->mapping);
    }
    *m = (struct t5g_map){0};
}

void
t5g_map_cut_status(struct t5g_map *m, int status)
{
    if (m->mapping != NULL)
        m->mapping->status = status;
}

const char *
t5g_map_at(const void *p, int *status)
{
    uintptr_t at = (uintptr_t)p;
    for (const struct t5g_mapping *x = all; x != NULL; x = x->next)
        if (at - (uintptr_t)x->p < x->extent) {
            *status = x->status;
            return x->name;
        }
    return NULL;
}

int
t5g_maps_whole(struct t5g_err *e)
{
    if (first_cut.code != 0) {
        *e = first_cut;
        return -1;
    }
    for (const struct t5g_mapping *x = all; x != NULL; x = x->next)
        if (is_whole(x, e) < 0)
            return -1;
    return 0;
}
