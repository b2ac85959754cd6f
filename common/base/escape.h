/* escape.h: text of strangers as a terminal may see it. */
#ifndef T5G_ESCAPE_H
#define T5G_ESCAPE_H

#include "base/mem.h"

/*
 * A character that must not reach a terminal as it is: controls, the 8-bit ones (U+0080 to U+009F)
 * and separators of lines included; marks that turn the direction of writing (U+061C, U+200E,
 * U+200F, U+202A to U+202E, U+2066 to U+2069); what is never seen (U+200B, U+2060 to U+206F,
 * U+FEFF, U+FFF9 to U+FFFB, tags U+E0000 to U+E007F). Joiners (U+200C, U+200D) are left alone:
 * scripts and emoji need them.
 */
bool t5g_escape_needed(uint32_t c);

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
