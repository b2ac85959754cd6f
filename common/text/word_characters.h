/* word_characters.h: the characters of words, for added tokens with single_word. */
#ifndef T5G_WORD_CHARACTERS_H
#define T5G_WORD_CHARACTERS_H

#include "base/base.h"

/* Whether a code point is one of letters, marks, digits, connectors and joiners. */
bool t5g_in_word(uint32_t c);

#endif
