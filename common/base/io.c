/* io.c: whole reads, whole writes, whole files. */
#include "base/io.h"
#include "base/stop.h"
#include "base/temporary.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* After EAGAIN: another process made the descriptor non-blocking. */
static void
wait_for(int fd, short events)
{
    struct pollfd p = {.fd = fd, .events = events};
    (void)poll(&p, 1, -1);
}

static struct {
    void (*fn)(int fd, void *arg);
    void *arg;
} before_reading;

void
t5g_before_reading(void (*fn)(int fd, void *arg), void *arg)
{
    before_reading.fn = fn;
    before_reading.arg = arg;
}

static void (*after_reading)(const char *path, const void *p, size_t n);

void
t5g_after_reading(void (*fn)(const char *path, const void *p, size_t n))
{
    after_reading = fn;
}

bool
t5g_would_block(int fd)
{
    struct pollfd p = {.fd = fd, .events = POLLIN};
    return poll(&p, 1, 0) == 0; /* an error will show in the read */
}

int
t5g_read_some(int fd, const char *name, void *buf, size_t n, size_t *got, struct t5g_err *e)
{
    if (before_reading.fn != NULL)
        before_reading.fn(fd, before_reading.arg);
    for (;;) {
        ssize_t r = read(fd, buf, t5g_min(n, (size_t)1 << 30));
        if (r >= 0) {
            *got = (size_t)r;
            return 0;
        }
        if (errno == EAGAIN)
            wait_for(fd, POLLIN);
        else if (errno == EISDIR)
            return t5g_err_set(e, T5G_EX_NOINPUT, "%s: is a directory", name);
        else if (errno != EINTR)
            return t5g_err_sys(e, T5G_EX_IO, "%s: cannot read", name);
    }
}

int
t5g_read_full(int fd, const char *name, void *buf, size_t n, size_t *got, struct t5g_err *e)
{
    *got = 0;
    while (*got < n) {
        size_t r;
        if (t5g_read_some(fd, name, (char *)buf + *got, n - *got, &r, e) < 0)
            return -1;
        if (r == 0)
            break;
        *got += r;
    }
    return 0;
}

static int
write_failed(const char *name, const void *p, struct t5g_err *e)
{
    int status;
    if (errno == EPIPE) {
        /* SIGPIPE was inherited as ignored: end with the same status as any filter. */
        signal(SIGPIPE, SIG_DFL);
        raise(SIGPIPE);
        errno = EPIPE;
    }
    /* The data may lie in the mapping of a file that another process truncated. */
    const char *cut = errno == EFAULT ? t5g_map_at(p, &status) : NULL;
    if (cut != NULL)
        return t5g_err_set(e, status, "%s: was truncated while it was being read", cut);
    return t5g_err_sys(e, T5G_EX_IO, "%s: cannot write", name);
}

int
t5g_write_full(int fd, const char *name, const void *buf, size_t n, struct t5g_err *e)
{
    const char *p = buf;
    int result = 0;
    t5g_stop_hold();
    while (n > 0 && result == 0) {
        ssize_t r = write(fd, p, t5g_min(n, (size_t)1 << 30));
        if (r >= 0) {
            p += r;
            n -= (size_t)r;
        } else if (errno == EAGAIN) {
            wait_for(fd, POLLOUT);
        } else if (errno != EINTR) {
            result = write_failed(name, p, e);
        }
    }
    t5g_stop_release();
    return result;
}

int
t5g_read_all(int fd, const char *name, size_t limit, struct t5g_buf *b, struct t5g_err *e)
{
    size_t total = 0;
    for (;;) {
        size_t got;
        t5g_buf_reserve(b, 1 << 16);
        if (t5g_read_some(fd, name, b->p + b->n, b->cap - b->n - 1, &got, e) < 0)
            return -1;
        b->n += got;
        b->p[b->n] = '\0';
        total += got;
        if (got == 0)
            return 0;
        if (total > limit)
            return t5g_err_set(e, T5G_EX_DATA, "%s: larger than %zu bytes", name, limit);
    }
}

static int
read_file(const char *path, bool regular, size_t limit, struct t5g_buf *b, struct t5g_err *e)
{
    struct stat st;
    int fd = open(path, O_RDONLY | O_CLOEXEC | (regular ? O_NONBLOCK : 0)), r;
    if (fd < 0)
        return t5g_err_sys(e, T5G_EX_NOINPUT, "%s: cannot open", path);
    if (regular && fstat(fd, &st) == 0 && !S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode))
        r = t5g_err_set(e, T5G_EX_NOINPUT, "%s: not a regular file", path);
    else
        r = t5g_read_all(fd, path, limit, b, e);
    close(fd);
    return r;
}

const char *
t5g_input_name(const char *path)
{
    return strcmp(path, "-") == 0 ? "stdin" : path;
}

static int
note(int r, const char *path, const struct t5g_buf *b, size_t start)
{
    if (r == 0 && after_reading != NULL)
        after_reading(path, b->p + start, b->n - start);
    return r;
}

int
t5g_read_file(const char *path, size_t limit, struct t5g_buf *b, struct t5g_err *e)
{
    size_t start = b->n;
    return note(read_file(path, false, limit, b, e), path, b, start);
}

int
t5g_read_input(const char *path, size_t limit, struct t5g_buf *b, struct t5g_err *e)
{
    size_t start = b->n;
    if (strcmp(path, "-") != 0)
        return t5g_read_file(path, limit, b, e);
    return note(t5g_read_all(STDIN_FILENO, t5g_input_name(path), limit, b, e), path, b, start);
}

int
t5g_read_regular(const char *path, size_t limit, struct t5g_buf *b, struct t5g_err *e)
{
    return read_file(path, true, limit, b, e);
}

/* mkdir -p for everything before the last slash of path. */
static int
make_parents(const char *path, struct t5g_err *e)
{
    char *p = t5g_strdup(path);
    int r = 0;
    for (char *s = p + 1; r == 0 && (s = strchr(s, '/')) != NULL; s++) {
        *s = '\0';
        if (mkdir(p, 0700) < 0 && errno != EEXIST)
            r = t5g_err_sys(e, T5G_EX_CREATE, "%s: cannot create directory", p);
        *s = '/';
    }
    t5g_free(p);
    return r;
}

int
t5g_write_file(const char *path, const void *buf, size_t n, struct t5g_err *e)
{
    struct t5g_temporary *t;
    if (make_parents(path, e) < 0)
        return -1;
    int fd = t5g_temporary_open(&t, path, 0600, e);
    if (fd < 0)
        return -1;
    int r = t5g_write_full(fd, path, buf, n, e);
    if (close(fd) < 0 && r == 0)
        r = t5g_err_sys(e, T5G_EX_IO, "%s: cannot write", path);
    if (r == 0)
        return t5g_temporary_rename(t, path, e);
    t5g_temporary_remove(t);
    return -1;
}
