/* escape.h: untrusted text made safe to show on a terminal. */
#ifndef T5G_ESCAPE_H
#define T5G_ESCAPE_H

#include "base/mem.h"

/*
 * Escape the character at s [n > 0]: its bytes become \xNN if it is unsafe or not valid UTF-8, and
 * a backslash is doubled if `backslash`. Returns the length of out; *len is the number of bytes of
 * s used.
 */
size_t t5g_escape_one(char out[16], const char *s, size_t n, size_t *len, bool backslash);

/* Append all of s [n], escaped. With `backslash`, printf(1) restores the original bytes. */
void t5g_escape(struct t5g_buf *b, const char *s, size_t n, bool backslash);

/* Append JSON text with the unsafe characters in its strings as \uNNNN. */
void t5g_escape_json(struct t5g_buf *b, const char *json, size_t n);

#endif
