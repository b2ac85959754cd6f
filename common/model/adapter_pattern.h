/* adapter_pattern.h: the expressions of an adapter's patterns, Python's re, as POSIX ones. */
#ifndef T5G_ADAPTER_PATTERN_H
#define T5G_ADAPTER_PATTERN_H

#include "base/mem.h"

/*
 * Append to out the extended POSIX expression, for the C locale, that matches a module's name where
 * PEFT's re.match(rf"(.*\.)?({key})$", name) does. NULL, or why key is not served: what means
 * another thing there, and what would take much time or memory to compile.
 */
const char *t5g_adapter_pattern(struct t5g_buf *out, const char *key);

#endif
