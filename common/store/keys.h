/* keys.h: marks on names, in 8 bytes per name. */
#ifndef T5G_KEYS_H
#define T5G_KEYS_H

#include "base/mem.h"

struct t5g_keys;
struct t5g_keys *t5g_keys_open(void);
void t5g_keys_close(struct t5g_keys *k);

/* Add the marks `add` (up to 15) to the name p[0..n); returns its marks before (0: not seen). */
unsigned t5g_keys_mark(struct t5g_keys *k, const char *p, size_t n, unsigned add);

#endif
