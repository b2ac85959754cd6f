/* jsonpython.h: what Python's json accepts beyond JSON. */
#ifndef T5G_JSONPYTHON_H
#define T5G_JSONPYTHON_H

#include "base/mem.h"

/*
 * Append text[0..n) to out as JSON: NaN, Infinity, -Infinity, numbers outside the range of a double
 * and numbers of more than 63 characters are put in quotes, and lone surrogates become U+FFFD. Then
 * members that are not read do no harm, and one that is read turns out not to be a number.
 */
void t5g_json_from_python(struct t5g_buf *out, const char *text, size_t n);

/* Length of the word NaN, Infinity or -Infinity at the start of p[0..n); 0: none. */
size_t t5g_json_nan(const char *p, size_t n);

#endif
