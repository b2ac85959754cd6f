/* err.c: filling struct t5g_err. */
#include "base/err.h"
#include "base/escape.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* A message may quote hostile names, whose control characters would act on the reader's terminal.
 * Backslashes are not doubled, so that one message can be put into another. */
static void
put_escaped(char *out, size_t size, const char *in)
{
    char one[16];
    size_t n = 0, left = strlen(in);
    for (size_t len; left > 0; in += len, left -= len) {
        size_t m = t5g_escape_one(one, in, left, &len, false);
        if (n + m >= size)
            break;
        memcpy(out + n, one, m);
        n += m;
    }
    out[n] = '\0';
}

T5G_PRINTF(3, 0)
static void
fill(struct t5g_err *e, int code, const char *fmt, va_list ap, const char *tail)
{
    char raw[sizeof e->msg], *start = raw + 2;
    memcpy(raw, "''", 2);
    vsnprintf(start, sizeof raw - 2, fmt, ap);
    if (tail != NULL) {
        size_t n = strlen(raw);
        snprintf(raw + n, sizeof raw - n, ": %s", tail);
    }
    if (strncmp(start, ": ", 2) == 0) /* the empty name of a file */
        start = raw;
    e->code = code;
    put_escaped(e->msg, sizeof e->msg, start);
}

int
t5g_err_set(struct t5g_err *e, int code, const char *fmt, ...)
{
    if (e != NULL) {
        va_list ap;
        va_start(ap, fmt);
        fill(e, code, fmt, ap, NULL);
        va_end(ap);
    }
    return -1;
}

int
t5g_err_sys(struct t5g_err *e, int code, const char *fmt, ...)
{
    int cause = errno;
    if (cause == ENOENT || cause == ENOTDIR)
        code = code == T5G_EX_CREATE ? code : T5G_EX_NOINPUT;
    else if (cause == EACCES || cause == EPERM)
        code = T5G_EX_PERM;
    else if (cause == ENOSPC || cause == EIO || cause == EDQUOT || cause == EFBIG)
        code = T5G_EX_IO;
    else if (cause == EMFILE || cause == ENFILE || cause == ENOMEM)
        code = T5G_EX_OS;
    if (e != NULL) {
        va_list ap;
        va_start(ap, fmt);
        fill(e, code, fmt, ap, strerror(cause));
        va_end(ap);
    }
    return -1;
}

int
t5g_err_in(struct t5g_err *e, const char *fmt, ...)
{
    if (e != NULL) {
        char old[sizeof e->msg];
        memcpy(old, e->msg, sizeof old);
        va_list ap;
        va_start(ap, fmt);
        fill(e, e->code, fmt, ap, old);
        va_end(ap);
    }
    return -1;
}
