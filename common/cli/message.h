/* message.h: messages on stderr, and the end of a program with one. */
#ifndef T5G_MESSAGE_H
#define T5G_MESSAGE_H

#include "base/err.h"

/* "PROGRAM: message" on stderr; warn is silent under -q. Control characters are escaped. */
void t5g_say(const char *fmt, ...) T5G_PRINTF(1, 2);
void t5g_warn(const char *fmt, ...) T5G_PRINTF(1, 2);
void t5g_note(const char *fmt, ...) T5G_PRINTF(1, 2); /* with -v only */

/*
 * t5g_warn about a document: "ID: msg", or "ID: failed in TOOL: msg" (tool NULL: this program). The
 * id is printed once even if msg begins with it.
 */
void t5g_warn_doc(const char *id, size_t n, const char *tool, const char *msg);

/* Print the message, end the output with t5g_last_words, remove unfinished files, and exit with the
 * code. */
T5G_NORETURN void t5g_die(int code, const char *fmt, ...) T5G_PRINTF(2, 3);
T5G_NORETURN void t5g_die_err(const struct t5g_err *e);
/* The same with 64, and a hint at --help. */
T5G_NORETURN void t5g_usage(const char *fmt, ...) T5G_PRINTF(1, 2);

#endif
