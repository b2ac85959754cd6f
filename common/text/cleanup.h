/* cleanup.h: clean_up_tokenization_spaces, as transformers does it to a decoded text. */
#ifndef T5G_CLEANUP_H
#define T5G_CLEANUP_H

#include "base/mem.h"

/*
 * Append text [n] to out without the spaces that stand before a full stop, a question mark and the
 * like: " ." becomes ".", then " ?", " !", " ,", then " ' " becomes "'", then " n't", " 'm", " 's",
 * " 've" and " 're" lose their space, one after another.
 */
void t5g_cleanup(const char *text, size_t n, struct t5g_buf *out);

/* Of a text that goes on: how many bytes of it can be cleaned up apart from the rest. */
size_t t5g_cleanup_sure(const char *text, size_t n);

#endif
