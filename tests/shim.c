/*
 * shim.c: a library to preload that makes the n-th call of a function fail, once.
 *
 *   FAULT_PROGRAM=t5g-decode   the program that it is for; others are left alone
 *   FAULT_CALL=read            open, read, write, fsync, close, rename, fchmod, mmap, fstat, alloc
 *   FAULT_AT=3                 which call; 0: none
 *   FAULT_ERRNO=5              with this error
 *   FAULT_COUNT=FILE           append how many calls there were, when the program ends by exit()
 *
 * Writes to standard error are not counted: that is where the program says what failed.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static bool armed;
static const char *call = "";
static long at;
static int error = EIO;
static atomic_long seen;

__attribute__((constructor)) static void
arm(void)
{
    const char *program = getenv("FAULT_PROGRAM"), *s;
    if (program == NULL || strcmp(program, program_invocation_short_name) != 0)
        return;
    if ((s = getenv("FAULT_CALL")) != NULL)
        call = s;
    if ((s = getenv("FAULT_AT")) != NULL)
        at = atol(s);
    if ((s = getenv("FAULT_ERRNO")) != NULL)
        error = atoi(s);
    armed = true;
}

__attribute__((destructor)) static void
count(void)
{
    const char *path = getenv("FAULT_COUNT");
    char line[32];
    if (!armed || path == NULL)
        return;
    armed = false;
    int n = snprintf(line, sizeof line, "%ld\n", (long)seen), fd;
    if ((fd = open(path, O_WRONLY | O_CREAT | O_APPEND, 0666)) >= 0) {
        (void)!write(fd, line, (size_t)n);
        close(fd);
    }
}

static bool
fails(const char *name)
{
    if (!armed || strcmp(name, call) != 0 || atomic_fetch_add(&seen, 1) + 1 != at)
        return false;
    errno = error;
    return true;
}

/* The function itself, in `real`. */
#define REAL(name)                                                            \
    static __typeof__(&name) real;                                            \
    if (real == NULL) {                                                       \
        void *symbol = dlsym(RTLD_NEXT, #name);                               \
        memcpy(&real, &symbol, sizeof real); /* not a cast: ISO C has none */ \
    }

int
open(const char *path, int flags, ...)
{
    REAL(open)
    va_list ap;
    va_start(ap, flags);
    mode_t mode = (flags & (O_CREAT | O_TMPFILE)) != 0 ? va_arg(ap, mode_t) : 0;
    va_end(ap);
    return fails("open") ? -1 : real(path, flags, mode);
}

int
openat(int dir, const char *path, int flags, ...)
{
    REAL(openat)
    va_list ap;
    va_start(ap, flags);
    mode_t mode = (flags & (O_CREAT | O_TMPFILE)) != 0 ? va_arg(ap, mode_t) : 0;
    va_end(ap);
    return fails("open") ? -1 : real(dir, path, flags, mode);
}

int
mkostemp(char *name, int flags)
{
    REAL(mkostemp)
    return fails("open") ? -1 : real(name, flags);
}

ssize_t
read(int fd, void *p, size_t n)
{
    REAL(read)
    return fails("read") ? -1 : real(fd, p, n);
}

ssize_t __read_chk(int fd, void *p, size_t n, size_t room);

ssize_t
__read_chk(int fd, void *p, size_t n, size_t room)
{
    return n <= room ? read(fd, p, n) : (abort(), -1);
}

ssize_t
pread(int fd, void *p, size_t n, off_t from)
{
    REAL(pread)
    return fails("read") ? -1 : real(fd, p, n, from);
}

ssize_t
write(int fd, const void *p, size_t n)
{
    REAL(write)
    return fd != STDERR_FILENO && fails("write") ? -1 : real(fd, p, n);
}

int
fsync(int fd)
{
    REAL(fsync)
    return fails("fsync") ? -1 : real(fd);
}

int
close(int fd)
{
    REAL(close)
    int r = real(fd);
    return fails("close") ? -1 : r;
}

int
rename(const char *from, const char *to)
{
    REAL(rename)
    return fails("rename") ? -1 : real(from, to);
}

int
fchmod(int fd, mode_t mode)
{
    REAL(fchmod)
    return fails("fchmod") ? -1 : real(fd, mode);
}

void *
mmap(void *p, size_t n, int protection, int flags, int fd, off_t from)
{
    REAL(mmap)
    return fails("mmap") ? MAP_FAILED : real(p, n, protection, flags, fd, from);
}

int
fstat(int fd, struct stat *st)
{
    REAL(fstat)
    return fails("fstat") ? -1 : real(fd, st);
}

/* dlsym takes memory itself, so these go to glibc's own names. */
void *__libc_malloc(size_t n);
void *__libc_calloc(size_t count, size_t n);
void *__libc_realloc(void *p, size_t n);
void *__libc_memalign(size_t align, size_t n);

void *
malloc(size_t n)
{
    return fails("alloc") ? NULL : __libc_malloc(n);
}

void *
calloc(size_t k, size_t n)
{
    return fails("alloc") ? NULL : __libc_calloc(k, n);
}

void *
realloc(void *p, size_t n)
{
    return fails("alloc") ? NULL : __libc_realloc(p, n);
}

void *
aligned_alloc(size_t align, size_t n)
{
    return fails("alloc") ? NULL : __libc_memalign(align, n);
}
