/* escape.h: text of strangers as a terminal may see it. */
#ifndef T5G_ESCAPE_H
#define T5G_ESCAPE_H

#include "base/mem.h"

/*
 * The character at s [n > 0] as it may be shown: its bytes as \xNN where the character needs it or
 * the bytes are no UTF-8, a backslash doubled where `backslash`. Returns the length of out; *len
 * bytes of s are used.
 */
size_t t5g_escape_one(char out[16], const char *s, size_t n, size_t *len, bool backslash);

/* Append all of s [n]. With `backslash`, printf(1) brings the bytes back. */
void t5g_escape(struct t5g_buf *b, const char *s, size_t n, bool backslash);

/* Append JSON text with those characters, which stand in its strings only, as \uNNNN. */
void t5g_escape_json(struct t5g_buf *b, const char *json, size_t n);

#endif
