/* jsonpython.h: what Python's json takes and JSON does not have. */
#ifndef T5G_JSONPYTHON_H
#define T5G_JSONPYTHON_H

#include "base/mem.h"

/*
 * Append text[0..n) to out with NaN, Infinity, -Infinity and numbers beyond a double or of more
 * than 63 characters in quotes, and with U+FFFD for surrogates without their pair: then members
 * that nobody reads do not matter, and one that is read is found to be no number.
 */
void t5g_json_from_python(struct t5g_buf *out, const char *text, size_t n);

#endif
