/* builtin_texts.h: texts of our own, in the languages and forms that models read. */
#ifndef T5G_BUILTIN_TEXTS_H
#define T5G_BUILTIN_TEXTS_H

#include "stage/texts.h"

/* Append them: prose in several languages, and code. As t5g_texts_read. */
int t5g_builtin_texts_read(struct t5g_texts *t, const struct t5g_tokenizer *tokenizer,
                           struct t5g_err *e);

#endif
