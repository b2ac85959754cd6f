/* graphemes.h: extended grapheme clusters (UAX 29), by which charsmaps are applied. */
#ifndef T5G_GRAPHEMES_H
#define T5G_GRAPHEMES_H

#include "base/base.h"

struct t5g_graphemes; /* the classes of all characters, for quick look-up */
struct t5g_graphemes *t5g_graphemes_open(void);
void t5g_graphemes_close(struct t5g_graphemes *g);

/* Length of the cluster at the start of s[n] (well-formed UTF-8, n > 0). */
size_t t5g_grapheme(const struct t5g_graphemes *g, const char *s, size_t n);

#endif
