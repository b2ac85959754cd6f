/* own.c: cache files, used only after a check of their owner and mode. */
#include "base/own.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { USED_AFTER = 3600 /* seconds, so that files in use are not written to all the time */ };

static void (*tell)(const char *line);

void
t5g_own_warn(void (*fn)(const char *line))
{
    tell = fn;
}

static int
check_owner(const struct stat *st, const char *path, struct t5g_err *e)
{
    bool all = (st->st_mode & S_IWOTH) != 0 && !(S_ISDIR(st->st_mode) && st->st_mode & S_ISVTX);
    if (st->st_uid != geteuid() && st->st_uid != 0)
        return t5g_err_set(e, T5G_EX_PERM, "%s: belongs to another user (%lu): not used", path,
                           (unsigned long)st->st_uid);
    if (all)
        return t5g_err_set(e, T5G_EX_PERM, "%s: world-writable: not used", path);
    return 0;
}

/* A descriptor (O_PATH) of the checked folder, or -1 with e. */
static int
open_folder(const char *path, bool follow, struct t5g_err *e)
{
    struct stat st;
    int fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC | (follow ? 0 : O_NOFOLLOW));
    if (fd < 0 && errno != ENOENT) /* including a link where a folder should be */
        return t5g_err_sys(e, T5G_EX_PERM, "%s", path);
    if (fd < 0)
        return t5g_err_sys(e, T5G_EX_NOINPUT, "%s", path);
    if (fstat(fd, &st) == 0 && check_owner(&st, path, e) == 0)
        return fd;
    close(fd);
    return -1;
}

int
t5g_own_folder(const char *path, bool follow, struct t5g_err *e)
{
    int fd = open_folder(path, follow, e);
    if (fd >= 0)
        close(fd);
    return fd >= 0 ? 0 : -1;
}

int
t5g_own_open(const char *path, struct t5g_err *e)
{
    char *folder = t5g_path_folder(path);
    const char *slash = strrchr(path, '/'), *name = slash != NULL ? slash + 1 : path;
    struct stat st;
    int dir = open_folder(folder, true, e), fd = -1;
    t5g_free(folder);
    if (dir < 0)
        return -1;
    if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
        t5g_err_sys(e, T5G_EX_NOINPUT, "%s: cannot open", path);
    else if (!S_ISREG(st.st_mode))
        t5g_err_set(e, T5G_EX_DATA, "%s: not a regular file", path);
    else if ((fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC)) < 0)
        t5g_err_sys(e, T5G_EX_NOINPUT, "%s: cannot open", path);
    close(dir);
    /* The open file may be another than the one checked above. */
    if (fd >= 0 && (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || check_owner(&st, path, e) < 0)) {
        if (!S_ISREG(st.st_mode))
            t5g_err_set(e, T5G_EX_DATA, "%s: not a regular file", path);
        close(fd);
        fd = -1;
    }
    return fd;
}

void
t5g_own_used(int fd)
{
    struct stat st;
    struct timespec now[2] = {{.tv_nsec = UTIME_OMIT}, {0}};
    clock_gettime(CLOCK_REALTIME, &now[1]);
    if (fstat(fd, &st) == 0 && now[1].tv_sec - st.st_mtim.tv_sec > USED_AFTER)
        (void)futimens(fd, now);
}

static int
refused(const struct t5g_err *e)
{
    if (e->code == T5G_EX_PERM && tell != NULL) {
        void (*fn)(const char *) = tell;
        tell = NULL;
        fn(e->msg);
    }
    return -1;
}

int
t5g_own_map(const char *path, struct t5g_map *m, struct t5g_err *e)
{
    struct t5g_err own;
    e = e != NULL ? e : &own;
    int fd = t5g_own_open(path, e);
    if (fd < 0)
        return refused(e);
    int r = t5g_map_fd(fd, path, m, e);
    t5g_own_used(fd);
    close(fd);
    return r;
}

int
t5g_own_read(const char *path, size_t limit, struct t5g_buf *b, struct t5g_err *e)
{
    struct t5g_err own;
    e = e != NULL ? e : &own;
    int fd = t5g_own_open(path, e);
    if (fd < 0)
        return refused(e);
    int r = t5g_read_all(fd, path, limit, b, e);
    t5g_own_used(fd);
    close(fd);
    return r;
}

int
t5g_own_write(const char *path, const void *buf, size_t n, struct t5g_err *e)
{
    struct t5g_err own;
    char *folder = t5g_path_folder(path);
    e = e != NULL ? e : &own;
    int r = t5g_own_folder(folder, true, e);
    t5g_free(folder);
    if (r < 0 && e->code != T5G_EX_NOINPUT) /* a missing folder will be created */
        return refused(e);
    return t5g_write_file(path, buf, n, e);
}
