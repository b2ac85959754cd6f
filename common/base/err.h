/* err.h: how library functions report errors to their callers; nothing here prints. */
#ifndef T5G_ERR_H
#define T5G_ERR_H

#include "base/base.h"

/*
 * One failure. `code` is the exit status for the program (enum t5g_exit); `msg` is one line without
 * program name and newline: "object: what, got, expected".
 */
struct t5g_err {
    int code;
    char msg[2048];
};

/* Fill *e; control characters in the message become \xNN. Always returns -1. e may be NULL. */
int t5g_err_set(struct t5g_err *e, int code, const char *fmt, ...) T5G_PRINTF(3, 4);

/*
 * As t5g_err_set, with ": " and the text of errno appended. Where errno is more specific, it
 * decides the code: 66 for ENOENT and ENOTDIR (unless `code` is 73), 77 for EACCES and EPERM, 74
 * for ENOSPC, EIO, EDQUOT and EFBIG, 71 for EMFILE, ENFILE and ENOMEM.
 */
int t5g_err_sys(struct t5g_err *e, int code, const char *fmt, ...) T5G_PRINTF(3, 4);

/* Put "prefix: " before the message that *e already holds. Always returns -1. e may be NULL. */
int t5g_err_in(struct t5g_err *e, const char *fmt, ...) T5G_PRINTF(2, 3);

#endif
