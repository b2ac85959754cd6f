/* err.h: what a library function reports to its caller; nothing here prints. */
#ifndef T5G_ERR_H
#define T5G_ERR_H

#include "base/base.h"

/*
 * One failure. `code` is the exit status the program should end with (enum t5g_exit); `msg` is one
 * line without program name and final newline: "object: what, got, expected".
 */
struct t5g_err {
    int code;
    char msg[2048];
};

/* Fill *e; control characters in the result are shown as \xNN. Always returns -1. e may be NULL. */
int t5g_err_set(struct t5g_err *e, int code, const char *fmt, ...) T5G_PRINTF(3, 4);

/*
 * As t5g_err_set, and append ": " and the text of errno. The code is chosen from errno where it
 * says more: ENOENT and ENOTDIR give 66, EACCES and EPERM 77, ENOSPC, EIO and EDQUOT 74, else
 * `code`.
 */
int t5g_err_sys(struct t5g_err *e, int code, const char *fmt, ...) T5G_PRINTF(3, 4);

/* Put "prefix: " before the message that *e already holds. Always returns -1. e may be NULL. */
int t5g_err_in(struct t5g_err *e, const char *fmt, ...) T5G_PRINTF(2, 3);

#endif
