/* lines.h: lists of texts, one a line: what is in a line that nobody sees. */
#ifndef T5G_LINES_H
#define T5G_LINES_H

#include "base/base.h"

/*
 * A line is taken byte for byte. Warn if line number `line` [n] of `file` ends with a carriage
 * return, or if the first one begins with a byte order mark: both are part of the text then. noun:
 * what a text is. Returns whether it warned; once for each file is enough.
 */
bool t5g_line_warns(const char *file, size_t line, const char *text, size_t n, const char *noun);

#endif
